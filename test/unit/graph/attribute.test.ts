import { describe, expect, test } from 'vitest';
import * as attribute from '../../../lib/graph/attribute.ts';
import type { Attribute, AttributeType, NormalizeContext } from '../../../lib/graph/attribute.ts';
import { createGlob } from '../../../lib/graph/glob.ts';
import { createHandle } from '../../../lib/graph/handle.ts';
import { createSelect } from '../../../lib/graph/select.ts';
import { functionOf, isFunctionReference, type FunctionReference } from '../../../lib/graph/value.ts';

const PROVIDES: Readonly<Record<string, readonly string[]>> = { 'p/q:tar': ['TarInfo', 'FilesInfo'], binary: ['BinaryInfo'] };

/** The normal form of `value` in package p/q, and everything that was reported. */
function normalize(type: AttributeType<unknown, unknown>, value: unknown, changes: Partial<Attribute<unknown, unknown>> = {}) {
  const problems: string[] = [];
  const references: string[] = [];
  const context: NormalizeContext = {
    package: 'p/q',
    problem: (path, is, expected) => void problems.push(`${path}: ${is}; ${expected}`),
    reference: (label, path) => void references.push(`${path} → ${label}`),
    providesOf: (label) => PROVIDES[label],
  };
  const result = attribute.normalizeAttribute({ type, required: false, configurable: true, ...changes }, value, 'x', context);
  return { result, problems, references };
}

const glob = createGlob({ include: ['a/**'], exclude: [], allowEmpty: false, dot: true });
const handle = createHandle('p/q:tar');
const NUL = 'it has a NUL byte';

describe('a value that fits has its normal form', () => {
  test.each<[string, AttributeType<unknown, unknown>, unknown, unknown]>([
    ['string', attribute.string(), 'text', 'text'],
    ['boolean', attribute.boolean(), false, false],
    ['integer, least', attribute.integer(-1, 3), -1, -1],
    ['integer, most', attribute.integer(-1, 3), 3, 3],
    ['oneOf', attribute.oneOf('a', 'b'), 'b', 'b'],
    ['list', attribute.list(attribute.string()), ['a', 'b'], ['a', 'b']],
    ['empty list', attribute.list(attribute.string()), [], []],
    [
      'record, in the order written',
      attribute.record(attribute.string()),
      { b: '1', a: '2' },
      [
        ['b', '1'],
        ['a', '2'],
      ],
    ],
    [
      'record with a key that objects give a meaning to',
      attribute.record(attribute.string()),
      JSON.parse('{"__proto__": "1"}'),
      [['__proto__', '1']],
    ],
    ['function, which is no part of it', attribute.callback(), () => 'x', { $function: true }],
    ['file', attribute.file(), '../a', { $file: 'p/a' }],
    ['source: path', attribute.source(), './a/b', { $file: 'p/q/a/b' }],
    ['source: glob', attribute.source(), glob, { $glob: { package: 'p/q', include: ['a/**'], exclude: [], allowEmpty: false, dot: true } }],
    ['source: label', attribute.source('TarInfo'), ':tar', { $target: 'p/q:tar' }],
    ['source: handle', attribute.source('TarInfo'), handle, { $target: 'p/q:tar' }],
    ['target: label of the package', attribute.target(), 'tar', { $target: 'p/q:tar' }],
    ['target: label of the root', attribute.target('BinaryInfo'), '//:binary', { $target: 'binary' }],
    ['target with one of several providers', attribute.target('ImageInfo', 'FilesInfo'), handle, { $target: 'p/q:tar' }],
    ['target that is declared later', attribute.target('ImageInfo'), ':later', { $target: 'p/q:later' }],
    ['anyOf, first', attribute.anyOf(attribute.string(), attribute.boolean()), 'a', 'a'],
    ['anyOf, second', attribute.anyOf(attribute.string(), attribute.boolean()), true, true],
  ])('%s', (_, type, value, result) => expect(normalize(type, value)).toMatchObject({ result, problems: [] }));

  test('and notes the targets that it names, with their place', () => {
    expect(normalize(attribute.list(attribute.source()), ['a', ':b', handle, 'c:d']).references).toEqual([
      'x[1] → p/q:b',
      'x[2] → p/q:tar',
      'x[3] → c:d',
    ]);
    expect(normalize(attribute.record(attribute.target()), { k: ':b' }).references).toEqual(['x.k → p/q:b']);
    expect(normalize(attribute.anyOf(attribute.boolean(), attribute.target()), ':b').references).toEqual(['x → p/q:b']);
  });
});

describe('a value that does not fit is reported with its place, and no exception', () => {
  const even = attribute.string('an even text', (text) => (text.length % 2 === 0 ? undefined : 'it is odd'));
  test.each<[AttributeType<unknown, unknown>, unknown, string]>([
    [attribute.string(), 1, 'x: 1; a string'],
    [attribute.string(), undefined, 'x: nothing; a string'],
    [attribute.string(), null, 'x: null; a string'],
    [attribute.string(), Promise.resolve('a'), 'x: a promise (is an await missing?); a string'],
    [attribute.string(), handle, 'x: the target "p/q:tar"; a string'],
    [attribute.string(), 'a\0b', `x: "a\\u0000b" (${NUL}); a string`],
    [even, 'abc', 'x: "abc" (it is odd); an even text'],
    [attribute.boolean(), 'true', 'x: "true"; true or false'],
    [attribute.boolean(), 0, 'x: 0; true or false'],
    [attribute.integer(1, 3), 0, 'x: 0; a whole number from 1 to 3'],
    [attribute.integer(1, 3), 4, 'x: 4; a whole number from 1 to 3'],
    [attribute.integer(1, 3), 1.5, 'x: 1.5; a whole number from 1 to 3'],
    [attribute.integer(1, 3), Number.NaN, 'x: NaN; a whole number from 1 to 3'],
    [attribute.integer(1, 3), '2', 'x: "2"; a whole number from 1 to 3'],
    [attribute.integer(1, 3), 2n, 'x: 2; a whole number from 1 to 3'],
    [attribute.oneOf('a', 'b'), 'c', 'x: "c"; one of "a", "b"'],
    [attribute.oneOf('a'), ['a'], 'x: an array of 1; one of "a"'],
    [attribute.list(attribute.string()), 'a', 'x: "a"; an array of: a string'],
    [attribute.list(attribute.string()), { 0: 'a' }, 'x: an object; an array of: a string'],
    [attribute.list(attribute.string()), ['a', 1], 'x[1]: 1; a string'],
    [attribute.list(attribute.list(attribute.string())), [[], ['a', null]], 'x[1][1]: null; a string'],
    [attribute.record(attribute.string()), ['a'], 'x: an array of 1; an object whose values are: a string'],
    [attribute.record(attribute.string()), null, 'x: null; an object whose values are: a string'],
    [attribute.record(attribute.string()), handle, 'x: the target "p/q:tar"; an object whose values are: a string'],
    [attribute.record(attribute.string()), { a: 1 }, 'x.a: 1; a string'],
    [
      attribute.record(attribute.string()),
      { 'a\0': '' },
      `x: an object with the key "a\\u0000" (${NUL}); an object whose values are: a string`,
    ],
    [
      attribute.record(attribute.string(), (key) => (key === 'b' ? 'it is b' : undefined)),
      { b: '' },
      'x: an object with the key "b" (it is b); an object whose values are: a string',
    ],
    [attribute.target('TarInfo'), 1, 'x: 1; a target that provides TarInfo, or its label'],
    [attribute.target(), 1, 'x: 1; a target or its label'],
    [
      attribute.target('TarInfo', 'ImageInfo'),
      '//:binary',
      'x: the target "binary", which provides BinaryInfo; a target that provides TarInfo or ImageInfo, or its label',
    ],
    [
      attribute.target(),
      'a b',
      'x: "a b" (the target name "a b" is not usable); letters, digits and _ . + @ -, starting with a letter, digit or _',
    ],
    [
      attribute.file(),
      '/etc/passwd',
      'x: "/etc/passwd" (it is absolute); a path relative to the folder of build.config.ts, inside the workspace',
    ],
    [
      attribute.file(),
      '../../../a',
      'x: "../../../a" (it leaves the workspace); a path relative to the folder of build.config.ts, inside the workspace',
    ],
    [attribute.file(), 1, 'x: 1; a path relative to the folder of build.config.ts, inside the workspace'],
    [
      attribute.source(),
      '../../../a',
      'x: "../../../a" (it leaves the workspace); a path relative to the folder of build.config.ts, inside the workspace',
    ],
    [attribute.anyOf(attribute.string(), attribute.boolean()), 1, 'x: 1; a string, or true or false'],
    [attribute.anyOf(attribute.record(attribute.string()), attribute.string()), { a: 1 }, 'x.a: 1; a string'],
    [attribute.anyOf(attribute.string(), attribute.list(attribute.string())), [1], 'x[0]: 1; a string'],
  ])('%#', (type, value, problem) => expect(normalize(type, value).problems).toEqual([problem]));

  test('with every problem of a list, in order', () => {
    expect(normalize(attribute.list(attribute.boolean()), [1, true, 'a']).problems).toEqual([
      'x[0]: 1; true or false',
      'x[2]: "a"; true or false',
    ]);
  });

  test('and long values are cut', () => {
    const [problem] = normalize(attribute.boolean(), 'y'.repeat(10_000)).problems;
    expect(problem!.length).toBeLessThan(150);
  });

  test('without references from an alternative that was not taken', () => {
    const type = attribute.anyOf(attribute.list(attribute.target()), attribute.string());
    expect(normalize(type, 'text')).toEqual({ result: 'text', problems: [], references: [] });
  });
});

describe('select()', () => {
  const text = attribute.string();
  test('is normalised case by case', () => {
    const value = createSelect({ 'linux/amd64': 'a', default: 'b' });
    expect(normalize(text, value)).toEqual({ result: { $select: { 'linux/amd64': 'a', default: 'b' } }, problems: [], references: [] });
  });

  test('has its problems at the case', () => {
    expect(normalize(attribute.list(text), createSelect({ linux: ['a', 1], default: 2 })).problems).toEqual([
      'x[linux][1]: 1; a string',
      'x[default]: 2; an array of: a string',
    ]);
  });

  test('names targets from all cases', () => {
    expect(normalize(attribute.target(), createSelect({ linux: ':a', default: ':b' })).references).toEqual([
      'x[linux] → p/q:a',
      'x[default] → p/q:b',
    ]);
  });

  test('inside of a select() is refused', () => {
    expect(normalize(text, createSelect({ linux: createSelect({ default: 'a' }) })).problems).toEqual([
      'x: a select(…) inside of a select(…); a string',
    ]);
  });

  test('inside of a value is refused', () => {
    expect(normalize(attribute.list(text), [createSelect({ default: 'a' })]).problems).toEqual(['x[0]: select(…); a string']);
  });

  test('is refused by an attribute that decides the shape of the graph', () => {
    const { configurable } = attribute.fixed(attribute.optional(text));
    expect(normalize(text, createSelect({ default: 'a' }), { configurable }).problems).toEqual([
      'x: select(…); a string: this attribute cannot depend on the platform',
    ]);
  });
});

test('optional(), required() and fixed() say what they are called', () => {
  const type = attribute.string();
  expect(attribute.optional(type)).toEqual({ type, required: false, configurable: true });
  expect(attribute.required(type)).toEqual({ type, required: true, configurable: true });
  expect(attribute.fixed(attribute.required(type))).toEqual({ type, required: true, configurable: false });
});

test('a function is reached through its normal form, and equal in JSON to any other', () => {
  const call = () => 'x';
  const { result } = normalize(attribute.callback(), call);
  expect(isFunctionReference(result)).toBe(true);
  expect(functionOf(result as FunctionReference)).toBe(call);
  expect(JSON.stringify(result)).toBe(JSON.stringify(normalize(attribute.callback(), () => 'y').result));
  expect(normalize(attribute.callback('a function that makes tags'), 'x').problems).toEqual(['x: "x"; a function that makes tags']);
});
