import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareUtf8 } from '../../../lib/base/bytes.ts';
import { canonicalJson, type Json } from '../../../lib/base/json.ts';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;

const shuffled = (value: Json): Json => {
  if (Array.isArray(value)) return value.map((each) => shuffled(each as Json));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, each]) => [key, shuffled(each as Json)]),
  );
};

describe('canonicalJson()', () => {
  test('means what JSON.stringify() means', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('is the same text whatever the order of the keys', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
      }),
    );
  });

  test('sorts keys by UTF-8 bytes', () => {
    const keys = ['\u{10000}', '\uffff', 'b', 'a', '10', '9'];
    const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect([...text.matchAll(/"([^"]+)"/gu)].map(([, key]) => key)).toEqual([...keys].sort(compareUtf8));
  });

  test.each([
    [undefined, 'null'],
    [{ a: undefined, b: null }, '{"b":null}'],
    [{ a: undefined }, '{}'],
    [[], '[]'],
    [-0, '0'],
    [[1, 'a"\n', true, { b: [], a: {} }], '[1,"a\\"\\n",true,{"a":{},"b":[]}]'],
  ] as [Json | undefined, string][])('of %j is %s', (value, text) => expect(canonicalJson(value)).toBe(text));

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %s, also deep inside', (number) => {
    expect(() => canonicalJson({ a: [number] })).toThrow(TypeError);
  });
});
