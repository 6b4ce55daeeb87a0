import { expect, test } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { FileIndex } from '../../../lib/engine/file-index.ts';
import { toolInputs } from '../../../lib/engine/tool-inputs.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { settleDuplicates } from '../../../lib/tools/duplicate-entries.ts';
import type { ToolInputs } from '../../../lib/tools/tool.ts';
import { planEntries } from '../../../lib/tar/plan-entries.ts';
import { layerSpec } from '../tools/layer-fixtures.ts';
import { bytes, folderOf, nodeOf, prepare, source } from './rig.ts';

function inputsOf(files: Readonly<Record<string, string>>): { readonly inputs: ToolInputs; readonly index: FileIndex } {
  const index = new FileIndex(folderOf(files));
  const node = nodeOf({ inputs: [...Object.keys(files).map((path) => source(path)), bytes('spec', 'text')] });
  return { index, inputs: toolInputs(prepare(index, node).inputs, index, new MemoryCas()) };
}

const text = async (inputs: ToolInputs, path: string) => {
  let read = '';
  for await (const chunk of inputs.chunks(path)) read += Buffer.from(chunk).toString();
  return read;
};

test('inputs are found in any order, and only those that there are', async () => {
  const { inputs } = inputsOf({ 'a-b': '2', 'a/b': '3', b: '1', z: '4' });
  for (const path of ['b', 'a-b', 'z', 'b', 'z', 'a/b', 'spec', 'a-b']) expect(inputs.get(path).path).toBe(path);
  for (const [path, content] of Object.entries({ z: '4', spec: 'text', 'a/b': '3', b: '1' }))
    expect(await text(inputs, path)).toBe(content);
  for (const path of ['', 'a', 'a/', 'a/c', 'c', 'zz'])
    expect(() => inputs.get(path)).toThrow(expect.objectContaining({ code: 'OCIDSL_TOOL_INPUT_MISSING' }));
});

test('reading a small file teaches its digest', async () => {
  const { inputs, index } = inputsOf({ a: 'content', empty: '' });
  expect([await text(inputs, 'a'), await text(inputs, 'empty')]).toEqual(['content', '']);
  expect([index.known('a')?.hash, index.known('empty')?.hash]).toEqual([sha256Hex('content'), sha256Hex('')]);
});

// Small files are read into one buffer: a comparison of two of them must not compare it with itself.
test('two files of one size are told apart', async () => {
  const { inputs } = inputsOf({ a: 'one', b: 'two' });
  const plan = planEntries(
    ['a', 'b'].map((input) => ({ given: { path: 'same', type: 'file', input }, path: 'same', input })),
    layerSpec(),
  );
  await expect(settleDuplicates({ inputs, print: () => undefined }, plan, false)).rejects.toMatchObject({ code: 'OCIDSL_ENTRY_DUPLICATE' });
});
