import { inspect } from 'node:util';
import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { createGlob, isGlob, patternOf } from '../../../lib/graph/glob.ts';
import { createHandle, isHandle, labelOf } from '../../../lib/graph/handle.ts';
import { casesOf, createSelect, isSelect } from '../../../lib/graph/select.ts';

const handle = createHandle<'TarInfo'>('apps/hello:pkg');
// What a config without types may take a handle for.
const text = handle as unknown as { readonly [key: string]: unknown };
const list = handle as unknown as Iterable<unknown>;
const promise = handle as unknown as PromiseLike<unknown>;

// oxlint-disable typescript/no-base-to-string, typescript/restrict-template-expressions, typescript/restrict-plus-operands -- misuse is what is tested
describe('a handle', () => {
  const AS_TEXT = 'Pass the handle itself to an attribute that takes targets, or write its label as a string literal';
  test.each<[string, () => unknown, string, string]>([
    ['in a template', () => `a ${text}`, 'a string', AS_TEXT],
    ['with String()', () => String(text), 'a string', AS_TEXT],
    ['with +', () => 'a' + text, 'a string', AS_TEXT],
    ['as a number', () => Number(text), 'a string', AS_TEXT],
    ['compared with ==', () => (text as unknown) == 'x', 'a string', AS_TEXT], // oxlint-disable-line eqeqeq
    ['joined', () => [text].join('/'), 'a string', AS_TEXT],
    ['as a property name', () => ({ [text as unknown as string]: 1 }), 'a string', AS_TEXT],
    ['with toString()', () => (text['toString'] as () => unknown)(), 'a string', AS_TEXT],
    ['with valueOf()', () => text.valueOf(), 'a value', AS_TEXT],
    ['as JSON', () => JSON.stringify({ text }), 'JSON', AS_TEXT],
    ['spread', () => [...list], 'a list', 'Put it into an array: [handle]'],
    [
      'destructured',
      () => {
        const [first] = list;
        return first;
      },
      'a list',
      'Put it into an array: [handle]',
    ],
    [
      'in for…of',
      () => {
        for (const each of list) return each;
        return undefined;
      },
      'a list',
      'Put it into an array: [handle]',
    ],
  ])('throws %s and says what to do instead', (_, use, as, hint) => {
    let thrown: unknown;
    try {
      use();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'OCIDSL_HANDLE_USED_AS_VALUE',
      message: expect.stringContaining('"apps/hello:pkg"') as string,
      hint,
    });
    expect((thrown as Error).message).toContain(` as ${as}:`);
  });

  test('throws when it is awaited', async () => {
    await expect((async () => await promise)()).rejects.toMatchObject({
      code: 'OCIDSL_HANDLE_USED_AS_VALUE',
      hint: 'Use it without await: rule calls return at once and nothing is built yet',
    });
  });

  test('shows its label to console.log()', () => expect(inspect({ handle })).toBe('{ handle: [target apps/hello:pkg] }'));

  test('cannot be changed and shows nothing of its inside', () => {
    expect(() => Object.assign(text, { x: 1 })).toThrow(TypeError);
    expect(Object.keys(text)).toEqual([]);
    expect(labelOf(handle)).toBe('apps/hello:pkg');
  });

  test.each([null, undefined, 'pkg', 1, {}, [], () => {}])('is not %j', (value) => {
    expect([isHandle(value), isGlob(value), isSelect(value)]).toEqual([false, false, false]);
  });
});

test('handles, globs and selects are recognised across copies of the library', async () => {
  const stdin = {
    contents: "export * from './handle.ts'; export * from './glob.ts'; export * from './select.ts';",
    resolveDir: 'lib/graph',
  };
  const { outputFiles } = buildSync({ stdin, bundle: true, format: 'esm', write: false });
  const source = `data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString('base64')}`;
  const copy = (await import(/* @vite-ignore */ source)) as typeof import('../../../lib/graph/handle.ts') &
    typeof import('../../../lib/graph/glob.ts') &
    typeof import('../../../lib/graph/select.ts');
  const pattern = { include: ['**'], exclude: [], allowEmpty: false, dot: false };
  const [otherHandle, otherGlob, otherSelect] = [copy.createHandle('x'), copy.createGlob(pattern), copy.createSelect({ default: 1 })];
  expect(copy.createHandle).not.toBe(createHandle);
  expect([isHandle(otherHandle), isGlob(otherGlob), isSelect(otherSelect)]).toEqual([true, true, true]);
  expect([labelOf(otherHandle), patternOf(otherGlob), [...casesOf(otherSelect)]]).toEqual(['x', pattern, [['default', 1]]]);
  expect([isGlob(otherHandle), isSelect(otherHandle), isHandle(otherGlob), isHandle(otherSelect)]).toEqual([false, false, false, false]);
});

describe('globs and selects', () => {
  const pattern = { include: ['a/**'], exclude: ['*.map'], allowEmpty: true, dot: false };

  test('hold what they were made of, and are frozen', () => {
    const glob = createGlob(pattern);
    const select = createSelect({ 'linux/arm64': 1, '2': 2, default: 3 });
    expect(patternOf(glob)).toEqual(pattern);
    expect(casesOf(select)).toEqual(
      new Map([
        ['linux/arm64', 1],
        ['2', 2],
        ['default', 3],
      ]),
    );
    expect([Object.isFrozen(glob), Object.isFrozen(select)]).toEqual([true, true]);
  });
});
