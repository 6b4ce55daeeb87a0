import { expect, test } from 'vitest';
import { describeValue } from '../../../lib/graph/describe-value.ts';
import { createGlob } from '../../../lib/graph/glob.ts';
import { createHandle } from '../../../lib/graph/handle.ts';
import { createSelect } from '../../../lib/graph/select.ts';

const hostile = new Proxy({}, { get: () => undefined });

test.each([
  [undefined, 'nothing'],
  [null, 'null'],
  ['a"b', '"a\\"b"'],
  ['x'.repeat(81), `"${'x'.repeat(80)}…"`],
  [`https://me:${'p'.repeat(100)}@h.io/x`, '"https://REDACTED@h.io/x"'],
  [0, '0'],
  [-1.5, '-1.5'],
  [true, 'true'],
  [12n, '12'],
  [() => 1, 'a function'],
  [Symbol('s'), 'a symbol'],
  [[], 'an array of 0'],
  [[1, 2], 'an array of 2'],
  [{}, 'an object'],
  [Object.create(null), 'an object'],
  [hostile, 'an object'],
  [Promise.resolve(), 'a promise (is an await missing?)'],
  [createHandle('a:b'), 'the target "a:b"'],
  [createGlob({ include: ['*'], exclude: [], allowEmpty: false, dot: false }), 'glob(…)'],
  [createSelect({ default: 1 }), 'select(…)'],
] as [unknown, string][])('case %#', (value, text) => expect(describeValue(value)).toBe(text));
