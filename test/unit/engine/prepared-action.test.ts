import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FileIndex } from '../../../lib/engine/file-index.ts';
import type { CommandDescription } from '../../../lib/plan/action-node.ts';
import { bytes, folderOf, nodeOf, prepare, source, type NodeOptions } from './rig.ts';

const COMMAND: CommandDescription = { kind: 'command', argv: ['sh', '-c', 'x'], environment: { A: '1', B: '2' }, inputs: [] };

const keyIn = async (root: string, options: NodeOptions) => (await prepare(new FileIndex(root), nodeOf(options)).key()).hash;
const keyOfCommand = async (change: Partial<CommandDescription>, outputs = ['out']) =>
  (await prepare(new FileIndex('/'), nodeOf({ outputs, describe: () => ({ ...COMMAND, ...change }) })).key()).hash;

describe('the key of an action', () => {
  test('has nothing of where the files lie, when they were written, and for which target it is', async () => {
    const inputs = [source('a'), source('d/b')];
    const one = folderOf({ a: '1', 'd/b': '2' });
    const other = folderOf({ 'd/b': '2', a: '1', unrelated: '' });
    expect(await keyIn(one, { inputs, label: 'apps/x:one' })).toBe(await keyIn(other, { inputs, label: 'other' }));
    const node = { ...nodeOf({ inputs }), platform: 'linux/arm64', mnemonic: 'Other', message: 'Another message' };
    expect((await prepare(new FileIndex(one), node).key()).hash).toBe(await keyIn(one, { inputs }));
  });

  test('has nothing of facts of this machine', async () => {
    const describeWith = (local: string) => () => ({
      kind: 'tool' as const,
      tool: { name: 'copy', version: '1' },
      args: [],
      inputs: [],
      local,
    });
    expect(await keyIn('/', { describe: describeWith('/usr/bin/go') })).toBe(await keyIn('/', { describe: describeWith('/opt/go') }));
  });

  test('does not depend on the order of inputs, variables and outputs', async () => {
    const paths = ['a.b', 'a/b', 'a-b', 'b/c', '\uffff', '\u{10000}'];
    const expected = await keyIn('/', { inputs: paths.map((path) => bytes(path, path)) });
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(paths, { minLength: paths.length }), async (order) => {
        expect(await keyIn('/', { inputs: order.map((path) => bytes(path, path)) })).toBe(expected);
      }),
      { numRuns: 30 },
    );
    expect(await keyOfCommand({ environment: { B: '2', A: '1' } })).toBe(await keyOfCommand({}));
    expect(await keyOfCommand({}, ['b', 'a'])).toBe(await keyOfCommand({}, ['a', 'b']));
  });

  test('is the same for a file, the same bytes made by analysis, and another file with these bytes', async () => {
    const root = folderOf({ a: 'same', b: 'same' });
    const asFile = await keyIn(root, { inputs: [source('a')] });
    expect(await keyIn(root, { inputs: [bytes('a', 'same')] })).toBe(asFile);
    expect(await keyIn(root, { inputs: [{ path: 'a', content: { kind: 'source', path: 'b' } }] })).toBe(asFile);
  });

  test('changes with everything that decides a result', async () => {
    const root = folderOf({ a: '1', b: '2' });
    chmodSync(join(root, 'b'), 0o755);
    const tool = (name: string, version: string, args: string[]) => ({
      describe: () => ({ kind: 'tool' as const, tool: { name, version }, args, inputs: [] }),
    });
    const keys = await Promise.all([
      keyIn(root, { inputs: [source('a')] }),
      keyIn(root, { inputs: [bytes('a', '2')] }),
      keyIn(root, { inputs: [{ path: 'a', content: { kind: 'source', path: 'b' } }] }),
      keyIn(root, { inputs: [{ ...bytes('a', '1'), isExecutable: true }] }),
      keyIn(root, { inputs: [bytes('c', '1')] }),
      keyIn(root, { inputs: [bytes('a', '1'), bytes('c', '')] }),
      keyIn(root, tool('copy', '1', [])),
      keyIn(root, tool('copy', '2', [])),
      keyIn(root, tool('other', '1', [])),
      keyIn(root, tool('copy', '1', ['x'])),
      keyIn(root, { outputs: ['other'] }),
      keyOfCommand({}),
      keyOfCommand({ argv: ['sh', '-c x'] }),
      keyOfCommand({ environment: { A: '1' } }),
      keyOfCommand({ environment: { A: '2', B: '1' } }),
      keyOfCommand({ timeoutSeconds: 5 }),
      keyOfCommand({}, ['out', 'more']),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('reads each file once, and only when it is asked for', async () => {
    const root = folderOf({ a: 'content' });
    const files = new FileIndex(root);
    const action = prepare(files, nodeOf({ inputs: [source('a'), bytes('b', 'x')] }));
    action.shape();
    expect(action.unread().map(({ path }) => path)).toEqual(['a']);
    expect(await action.key()).toBe(await action.key());
    expect(action.unread()).toEqual([]);
  });
});

describe('the shape of an action', () => {
  const shapeIn = (root: string, options: NodeOptions) => prepare(new FileIndex(root), nodeOf(options)).shape();
  const shapeOfCommand = (change: Partial<CommandDescription>, outputs = ['out']) =>
    shapeIn('/', { outputs, describe: () => ({ ...COMMAND, ...change }) });

  test('is the same for files of the same size, read or not', async () => {
    const inputs = [source('a')];
    const root = folderOf({ a: '123' });
    const files = new FileIndex(root);
    const before = prepare(files, nodeOf({ inputs })).shape();
    await files.digest('a');
    expect(prepare(files, nodeOf({ inputs })).shape()).toBe(before);
    expect(shapeIn(folderOf({ a: '456' }), { inputs })).toBe(before);
  });

  test('changes with everything of the key that is known without reading files', () => {
    const root = folderOf({ a: '123', b: '1234' });
    const shapes = [
      shapeIn(root, { inputs: [source('a')] }),
      shapeIn(root, { inputs: [source('b')] }),
      shapeIn(root, { inputs: [{ path: 'a', content: { kind: 'source', path: 'b' } }] }),
      shapeIn(root, { inputs: [{ ...source('a'), isExecutable: true }] }),
      shapeIn(root, { inputs: [source('a'), bytes('spec', '1')] }),
      shapeIn(root, { inputs: [source('a'), bytes('spec', '2')] }),
      shapeIn(root, { inputs: [source('a')], outputs: ['other'] }),
      shapeIn(root, { inputs: [source('a')], args: ['x'] }),
      shapeOfCommand({}),
      shapeOfCommand({ environment: { A: '2', B: '2' } }),
      shapeOfCommand({ timeoutSeconds: 5 }),
      shapeOfCommand({}, ['more', 'out']),
    ];
    expect(new Set(shapes).size).toBe(shapes.length);
  });
});
