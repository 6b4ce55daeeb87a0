import { chmodSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { NOT_STARTED } from '../../../lib/engine/start-gate.ts';
import { outputOf, type ActionInput } from '../../../lib/plan/action-node.ts';
import type { Tool } from '../../../lib/tools/tool.ts';
import { bytes, engineIn, failureOf, folderOf, made, nodeOf, put, settled, source, stores } from './rig.ts';

describe('an engine', () => {
  test('makes an action from source files, bytes and what other actions made', async () => {
    const rig = engineIn(folderOf({ a: 'A' }));
    const below = nodeOf({ label: 'below', inputs: [source('a'), bytes('b', 'B')] });
    expect(await rig.text(nodeOf({ inputs: [made('x', below), bytes('y', 'C')] }))).toBe('ABC');
    expect(rig.engine.counts).toEqual({ executed: 2, cached: 0, shared: 0 });
  });

  test('makes each action once, however many use it', async () => {
    const rig = engineIn(folderOf());
    const below = nodeOf({ inputs: [bytes('b', 'B')] });
    const above = [1, 2, 3].map((i) => nodeOf({ inputs: [made('x', below), bytes('y', String(i))] }));
    expect(await Promise.all(above.map((each) => rig.text(each)))).toEqual(['B1', 'B2', 'B3']);
    expect(rig.executed()).toBe(4);
  });

  test('stops early: an action whose inputs have the same bytes as before is not run', async () => {
    const shared = stores();
    const graph = (input: string) =>
      nodeOf({
        inputs: [
          made(
            'x',
            nodeOf({
              inputs: [bytes('in', input)],
              describe: () => ({ kind: 'tool', tool: { name: 'upper', version: '1' }, args: [], inputs: [bytes('in', input)] }),
            }),
          ),
        ],
      });
    const upper: Tool = {
      name: 'upper',
      version: '1',
      async run({ inputs, outputs }) {
        const writer = await outputs.create('out');
        await writer.write(Buffer.from((await inputs.readBytes('in')).toString('utf8').toUpperCase()));
        await writer.commit();
      },
    };
    const root = folderOf();
    await engineIn(root, { stores: shared, tools: { upper } }).text(graph('hello'));
    const again = engineIn(root, { stores: shared, tools: { upper } });
    expect(await again.text(graph('Hello'))).toBe('HELLO');
    expect(again.engine.counts).toEqual({ executed: 1, cached: 1, shared: 0 });
  });

  test('gives the executable bit of a source file, of what an action made, or as the input says', async () => {
    const root = folderOf({ plain: '', program: '' });
    chmodSync(join(root, 'program'), 0o755);
    const seen: boolean[] = [];
    const look: Tool = {
      name: 'look',
      version: '1',
      async run({ inputs, outputs }) {
        seen.push(...inputs.list().map(({ isExecutable }) => isExecutable));
        await (await outputs.create('out', { isExecutable: true })).commit();
      },
    };
    const describeWith = (...inputs: ActionInput[]) =>
      nodeOf({ describe: () => ({ kind: 'tool', tool: { name: 'look', version: '1' }, args: [], inputs }) });
    const below = describeWith(source('plain'), source('program'), { ...source('program'), path: 'zz', isExecutable: false });
    const rig = engineIn(root, { tools: { look } });
    await rig.text(describeWith(made('a', below), { ...made('b', below), isExecutable: false }));
    expect(seen).toEqual([false, true, false, true, false]);
  });

  test('replays what an action printed when its result comes from the cache', async () => {
    const shared = stores();
    const node = nodeOf({ args: ['print'], inputs: [bytes('a', 'x')] });
    const finished = (rig: ReturnType<typeof engineIn>) => rig.events.filter(({ type }) => type === 'action-finished');
    const first = engineIn('/', { stores: shared });
    await first.text(node);
    const second = engineIn('/', { stores: shared });
    await second.text(node);
    expect(finished(first)).toMatchObject([{ outcome: 'executed', output: 'a line\n', label: 'target' }]);
    expect(finished(second)).toMatchObject([{ outcome: 'cached', output: 'a line\n', label: 'target' }]);
  });

  test('gives the files of an output folder, and as inputs below the path of the folder', async () => {
    const rig = engineIn(folderOf());
    const folder = nodeOf({
      outputs: ['site/'],
      describe: () => ({
        kind: 'command',
        argv: ['sh', '-c', 'mkdir site/b; echo 2 > site/b/y; echo 1 > site/a'],
        environment: { PATH: process.env['PATH'] ?? '' },
        inputs: [],
      }),
    });
    const files = await rig.engine.make(outputOf(folder, 'site/'));
    expect(files.map(({ path }) => path)).toEqual(['site/a', 'site/b/y']);
    expect(await rig.text(nodeOf({ inputs: [made('in', folder, 'site/'), bytes('zz', 'end')] }))).toBe('1\n2\nend');
  });

  test('knows what making an artifact has read, also through other actions', async () => {
    const root = folderOf({ a: '1', 'd/x': '2', 'd/y': '3' });
    const rig = engineIn(root);
    const below = nodeOf({ inputs: [source('a')] });
    const above = nodeOf({
      discoveries: [{ discoverer: 'paths', args: { paths: ['d'] } }],
      describe: ([found]) => ({
        kind: 'tool',
        tool: { name: 'copy', version: '1' },
        args: [],
        inputs: [made('x', below), ...found!.files.map(({ path }) => source(path))],
      }),
    });
    expect(await rig.text(above)).toBe('231');
    expect([...new Set(rig.engine.readsOf([outputOf(above, 'out')]))].sort()).toEqual(['a', 'd', 'd/x', 'd/y']);
    expect([...new Set(rig.engine.readsOf([outputOf(below, 'out'), { kind: 'source', path: 'z' }]))].sort()).toEqual(['a', 'z']);
  });

  test.each<[string, (root: string) => void, object]>([
    ['is not there', () => undefined, { code: 'OCIDSL_INPUT_MISSING' }],
    [
      'is a folder',
      (root) => put(root, 'a/b', ''),
      { code: 'OCIDSL_INPUT_KIND', message: 'Cannot read "a": it is a folder, expected a regular file' },
    ],
    ['is a symbolic link', (root) => symlinkSync('x', join(root, 'a')), { code: 'OCIDSL_INPUT_KIND' }],
  ])('fails at the target where an input %s', async (_, prepareRoot, error) => {
    const root = folderOf();
    prepareRoot(root);
    await expect(engineIn(root).text(nodeOf({ label: 'apps/x:t', inputs: [source('a')] }))).rejects.toMatchObject({
      ...error,
      label: 'apps/x:t',
    });
  });

  test('fails where a tool is not of the version that was planned, or does not make what it must', async () => {
    const node = (name: string) => nodeOf({ describe: () => ({ kind: 'tool', tool: { name, version: '1' }, args: [], inputs: [] }) });
    const run = (tool: Tool) => engineIn('/', { tools: { [tool.name]: tool } }).text(node(tool.name));
    await expect(run({ name: 'new', version: '2', run: async () => undefined })).rejects.toThrow('has version 2, the action asks for 1');
    await expect(run({ name: 'idle', version: '1', run: async () => undefined })).rejects.toMatchObject({
      code: 'OCIDSL_OUTPUT_MISSING',
      kind: 'build',
      label: 'target',
      message: 'Cannot finish Copy: it did not make its declared output "out"',
    });
    await expect(run({ name: 'greedy', version: '1', run: async ({ outputs }) => void (await outputs.create('more')) })).rejects.toThrow(
      'The tool writes more, which the action does not declare',
    );
    await expect(run({ name: 'curious', version: '1', run: async ({ inputs }) => void inputs.get('more') })).rejects.toMatchObject({
      code: 'OCIDSL_TOOL_INPUT_MISSING',
    });
  });

  test('drops what a failed tool had begun to write', async () => {
    const rig = engineIn('/');
    const openWriter = vi.spyOn(rig.cas, 'openWriter');
    await expect(rig.text(nodeOf({ inputs: [bytes('a', 'begun'), bytes('b', 'FAIL')] }))).rejects.toThrow('told to fail by b');
    const writer = await openWriter.mock.results[0]!.value;
    await expect(writer.commit()).rejects.toThrow('aborted');
  });

  test('checks files again that a program has read itself', async () => {
    const root = folderOf({ a: '1' });
    const program: Tool = {
      name: 'program',
      version: '1',
      async run(context) {
        put(root, 'a', `changed while ${context.hostPath!('a')} was read`);
        await (await context.outputs.create('out')).commit();
      },
    };
    const node = nodeOf({ describe: () => ({ kind: 'tool', tool: { name: 'program', version: '1' }, args: [], inputs: [source('a')] }) });
    const shared = stores();
    const update = vi.spyOn(shared.cache, 'updateActionResult');
    await expect(engineIn(root, { tools: { program }, stores: shared }).text(node)).rejects.toMatchObject({ code: 'OCIDSL_INPUT_CHANGED' });
    expect(update).not.toHaveBeenCalled();
  });
});

describe('after a failure', () => {
  const failing = nodeOf({ label: 'failing', inputs: [bytes('a', 'FAIL')] });
  const other = nodeOf({ label: 'other', inputs: [bytes('a', 'fine')] });
  const user = nodeOf({ label: 'user', inputs: [made('x', failing)] });

  test('what uses the failed action fails with the same error, at the target that failed', async () => {
    const rig = engineIn('/', { keepGoing: true });
    const results = await Promise.allSettled([rig.text(failing), rig.text(user)]);
    expect(results.map((each) => (each.status === 'rejected' ? String(each.reason) : 'made'))).toEqual([
      'Error: told to fail by a',
      'Error: told to fail by a',
    ]);
    expect(rig.executed()).toBe(1);
    expect(rig.events.map(({ type, ...event }) => ('outcome' in event ? event.outcome : type))).toEqual(['action-started', 'failed']);
  });

  test('nothing new is started', async () => {
    const rig = engineIn('/');
    await expect(rig.text(failing)).rejects.toThrow('told to fail');
    await expect(rig.text(other)).rejects.toMatchObject({ code: NOT_STARTED, label: 'other' });
    expect(rig.executed()).toBe(1);
  });

  test('the rest is made all the same with keepGoing', async () => {
    const rig = engineIn('/', { keepGoing: true });
    await expect(rig.text(failing)).rejects.toThrow('told to fail');
    expect(await rig.text(other)).toBe('fine');
  });

  test('actions that wait for a slot are not started', async () => {
    const rig = engineIn('/', { slots: 1 });
    const many = Array.from({ length: 10 }, (_, i) => nodeOf({ label: `t${i}`, inputs: [bytes('a', `FAIL ${i}`)] }));
    const results = await Promise.allSettled(many.map((each) => rig.text(each)));
    expect(rig.executed()).toBe(1);
    expect(results.filter((each) => each.status === 'rejected' && (each.reason as { code?: string }).code === NOT_STARTED)).toHaveLength(9);
  });
});

describe('cancellation', () => {
  test('ends what runs, starts nothing, and stores no result', async () => {
    const controller = new AbortController();
    const shared = stores();
    const update = vi.spyOn(shared.cache, 'updateActionResult');
    let started!: () => void;
    const running = new Promise<void>((resolve) => (started = resolve));
    const slow: Tool = {
      name: 'slow',
      version: '1',
      async run({ outputs, signal }) {
        started();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        // A tool that does not look at the signal: its result must not be kept either.
        await (await outputs.create('out')).commit();
      },
    };
    const rig = engineIn('/', { signal: controller.signal, stores: shared, tools: { slow } });
    const reason = new Error('stopped');
    const run = failureOf(
      rig.text(nodeOf({ describe: () => ({ kind: 'tool', tool: { name: 'slow', version: '1' }, args: [], inputs: [] }) })),
    );
    await running;
    controller.abort(reason);
    expect(await run).toBe(reason);
    await expect(rig.text(nodeOf({ label: 'late' }))).rejects.toBe(reason);
    await settled();
    expect(update).not.toHaveBeenCalled();
    expect(rig.events).toMatchObject([{ type: 'action-started' }, { type: 'action-finished', outcome: 'cancelled' }]);
  });
});
