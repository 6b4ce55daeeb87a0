import { describe, expect, test, vi } from 'vitest';
import { cachingExecution } from '../../../lib/engine/caching-execution.ts';
import { FileIndex } from '../../../lib/engine/file-index.ts';
import { limitedExecution } from '../../../lib/engine/limited-execution.ts';
import { sharingExecution } from '../../../lib/engine/sharing-execution.ts';
import { NOT_STARTED, StartGate } from '../../../lib/engine/start-gate.ts';
import { bytes, engineIn, failureOf, fakeExecution, folderOf, nodeOf, prepare, put, settled, source, stores, NEVER } from './rig.ts';

const LARGE = 4 * 1024 * 1024 + 1;

describe('cachingExecution()', () => {
  const node = nodeOf({ inputs: [bytes('a', '1')] });

  test('runs an action once, and knows its result afterwards', async () => {
    const { execution, pending } = fakeExecution();
    const { cache, shapes } = stores();
    const cached = cachingExecution(execution, cache, shapes);
    const first = cached.execute(prepare(new FileIndex('/'), node), NEVER);
    await settled();
    pending[0]!.end();
    expect((await first).outcome).toBe('executed');
    const second = await cached.execute(prepare(new FileIndex('/'), { ...node, label: 'other' }), NEVER);
    expect(second).toMatchObject({ outcome: 'cached', result: (await first).result });
    expect(pending).toHaveLength(1);
  });

  test('stores no failure', async () => {
    const { execution, pending } = fakeExecution();
    const { cache, shapes } = stores();
    const cached = cachingExecution(execution, cache, shapes);
    for (const i of [0, 1]) {
      const run = failureOf(cached.execute(prepare(new FileIndex('/'), node), NEVER));
      await settled();
      pending[i]!.end(new Error(`failure ${i}`));
      expect(await run).toMatchObject({ message: `failure ${i}` });
    }
    expect(shapes.has(prepare(new FileIndex('/'), node).shape())).toBe(false);
    expect(await cache.getActionResult(await prepare(new FileIndex('/'), node).key())).toBeUndefined();
  });

  test('stores nothing a second time that another action of this build made', async () => {
    const { cache, shapes } = stores();
    const update = vi.spyOn(cache, 'updateActionResult');
    const result = {
      outputFiles: [],
      outputDirectories: [],
      outputSymlinks: [],
      exitCode: 0,
      stdout: new Uint8Array(),
      stderr: new Uint8Array(),
    };
    await cachingExecution({ execute: async () => ({ result, outcome: 'shared' }) }, cache, shapes).execute(
      prepare(new FileIndex('/'), node),
      NEVER,
    );
    expect(update).not.toHaveBeenCalled();
  });
});

describe('an action that reads much', () => {
  const node = nodeOf({ inputs: [source('big'), source('small')] });
  const content = { big: Buffer.alloc(LARGE, 'b'), small: 's' };
  const output = `${'b'.repeat(LARGE)}s`;
  /** How often the engine opens files for reading. */
  const countReads = ({ files }: ReturnType<typeof engineIn>) => {
    const spies = [vi.spyOn(files, 'chunks'), vi.spyOn(files, 'readSmall')];
    return () => spies.flatMap((spy) => spy.mock.calls.map(([file]) => (typeof file === 'string' ? file : file.path))).sort();
  };

  test('is run at once where nothing of its shape was ever stored: files are read once, and the key is that of its content', async () => {
    const root = folderOf(content);
    const shared = stores();
    const first = engineIn(root, { stores: shared });
    const reads = countReads(first);
    const get = vi.spyOn(shared.cache, 'getActionResult');
    expect(await first.text(node)).toBe(output);
    expect(get).not.toHaveBeenCalled();
    expect(reads()).toEqual(['big', 'small']);
    // A later build on another machine, which reads the files for the key, finds it.
    expect(await shared.cache.getActionResult(await prepare(new FileIndex(root), node).key())).toBeDefined();
    const second = engineIn(folderOf(content), { stores: shared });
    const readsAgain = countReads(second);
    expect(await second.text(node)).toBe(output);
    expect([second.executed(), second.engine.counts]).toEqual([0, { executed: 0, cached: 1, shared: 0 }]);
    expect(readsAgain()).toHaveLength(2);
  });

  test('is not taken for another one of the same shape', async () => {
    const shared = stores();
    await engineIn(folderOf(content), { stores: shared }).text(node);
    const other = engineIn(folderOf({ ...content, small: 'x' }), { stores: shared });
    expect((await other.text(node)).endsWith('x')).toBe(true);
    expect(other.executed()).toBe(1);
  });

  test('stores nothing where a file changes while it is read', async () => {
    const root = folderOf(content);
    const shared = stores();
    const update = vi.spyOn(shared.cache, 'updateActionResult');
    const rig = engineIn(root, { stores: shared });
    rig.files.look('big');
    put(root, 'big', Buffer.alloc(LARGE, 'c'));
    await expect(rig.text(node)).rejects.toMatchObject({ code: 'OCIDSL_INPUT_CHANGED', label: 'target' });
    expect(update).not.toHaveBeenCalled();
    expect(await rig.cas.findMissing([])).toEqual([]);
  });

  test('is looked up where its files are many and known', async () => {
    const root = folderOf(content);
    const shared = stores();
    const rig = engineIn(root, { stores: shared });
    await Promise.all([rig.files.digest('big'), rig.files.digest('small')]);
    const get = vi.spyOn(shared.cache, 'getActionResult');
    await rig.text(node);
    expect(get).toHaveBeenCalledOnce();
  });
});

describe('sharingExecution()', () => {
  test('runs equal actions that are asked for at the same time once, whatever target they are for', async () => {
    const { execution, pending } = fakeExecution();
    const shared = sharingExecution(execution);
    const node = nodeOf({ inputs: [bytes('a', '1')] });
    const runs = ['one', 'two', 'three'].map((label) => shared.execute(prepare(new FileIndex('/'), { ...node, label }), NEVER));
    await settled();
    expect(pending).toHaveLength(1);
    pending[0]!.end();
    const results = await Promise.all(runs);
    expect(results.map(({ outcome }) => outcome)).toEqual(['executed', 'shared', 'shared']);
    expect(results[1]!.result).toBe(results[0]!.result);
  });

  test('shares failures too, and forgets an action when it has ended', async () => {
    const { execution, pending } = fakeExecution();
    const shared = sharingExecution(execution);
    const run = () => shared.execute(prepare(new FileIndex('/'), nodeOf()), NEVER).catch((error: Error) => error.message);
    const both = [run(), run()];
    await settled();
    pending[0]!.end(new Error('failed'));
    expect(await Promise.all(both)).toEqual(['failed', 'failed']);
    const again = run();
    await settled();
    expect(pending).toHaveLength(2);
    pending[1]!.end();
    expect(await again).toMatchObject({ outcome: 'executed' });
  });

  test('shares actions whose files nobody has read, where they are the same files', async () => {
    const { execution, pending } = fakeExecution();
    const shared = sharingExecution(execution);
    const files = new FileIndex(folderOf({ a: '1' }));
    for (const label of ['one', 'two']) void shared.execute(prepare(files, nodeOf({ label, inputs: [source('a')] })), NEVER);
    await settled();
    expect(pending).toHaveLength(1);
  });

  const from = (path: string, file: string) => ({ path, content: { kind: 'source', path: file } as const });
  const command = (environment: Record<string, string>, outputs = ['out']) =>
    nodeOf({ outputs, describe: () => ({ kind: 'command', argv: ['x'], environment, inputs: [source('a')] }) });
  test.each([
    ['a file that nobody has read', nodeOf({ inputs: [from('x', 'a')] }), nodeOf({ inputs: [from('x', 'b')] })],
    [
      'a file that was read, beside one that was not',
      nodeOf({ inputs: [from('x', 'read1'), source('a')] }),
      nodeOf({ inputs: [from('x', 'read2'), source('a')] }),
    ],
    ['a variable', command({ A: '1' }), command({ A: '2' })],
    ['an output', command({}, ['out']), command({}, ['other'])],
  ])('does not share actions that differ in %s', async (_, one, two) => {
    const { execution, pending } = fakeExecution();
    const shared = sharingExecution(execution);
    const files = new FileIndex(folderOf({ a: '1', b: '2', read1: '3', read2: '4' }));
    await Promise.all([files.digest('read1'), files.digest('read2')]);
    for (const node of [one, two]) void shared.execute(prepare(files, node), NEVER);
    await settled();
    expect(pending).toHaveLength(2);
  });
});

describe('limitedExecution()', () => {
  const start = (keepGoing: boolean, signal = NEVER) => {
    const { execution, pending } = fakeExecution();
    const limited = limitedExecution(execution, 2, new StartGate(keepGoing));
    const runs = [1, 2, 3, 4].map((i) =>
      limited.execute(prepare(new FileIndex('/'), nodeOf({ label: `t${i}` })), signal).then(
        ({ outcome }) => outcome,
        (error: Error & { code?: string }) => error.code ?? error.message,
      ),
    );
    return { pending, runs };
  };

  test('runs so many at a time, the others in their order', async () => {
    const { pending, runs } = start(false);
    await settled();
    expect(pending.map(({ action }) => action.node.label)).toEqual(['t1', 't2']);
    pending[1]!.end();
    await settled();
    expect(pending.map(({ action }) => action.node.label)).toEqual(['t1', 't2', 't3']);
    pending[0]!.end();
    pending[2]!.end();
    await settled();
    pending[3]!.end();
    expect(await Promise.all(runs)).toEqual(['executed', 'executed', 'executed', 'executed']);
  });

  test('starts nothing that waits when something has failed; what runs goes on', async () => {
    const { pending, runs } = start(false);
    await settled();
    pending[0]!.end(new Error('failed'));
    await settled();
    expect(pending).toHaveLength(2);
    pending[1]!.end();
    expect(await Promise.all(runs)).toEqual(['failed', 'executed', NOT_STARTED, NOT_STARTED]);
  });

  test('starts it all the same where the build is to keep going', async () => {
    const { pending, runs } = start(true);
    await settled();
    pending[0]!.end(new Error('failed'));
    await settled();
    for (const each of pending.slice(1)) each.end();
    await settled();
    pending[3]!.end();
    expect(await Promise.all(runs)).toEqual(['failed', 'executed', 'executed', 'executed']);
  });

  test('starts nothing that waits when the build was stopped', async () => {
    const controller = new AbortController();
    const { pending, runs } = start(true, controller.signal);
    await settled();
    controller.abort(new Error('stopped'));
    for (const each of pending) each.end();
    expect(await Promise.all(runs)).toEqual(['executed', 'executed', 'stopped', 'stopped']);
    expect(pending).toHaveLength(2);
  });
});
