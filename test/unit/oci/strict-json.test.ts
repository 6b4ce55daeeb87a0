import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../lib/base/json.ts';
import { DOCUMENT_LIMIT_BYTES, parseStrictJson } from '../../../lib/oci/strict-json.ts';

const parse = (text: string | Uint8Array) => parseStrictJson(Buffer.from(text as string), { what: 'manifest "x"' });

describe('parseStrictJson()', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = JSON.parse(text) as never;
        // Numbers that JSON.parse rounds are refused; they are tested below.
        fc.pre(!/\d{16}/.test(text));
        expect(canonicalJson(parse(text))).toBe(canonicalJson(value));
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('{}[]":,0123.eE+-\\untrfals \n')) }), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (!isJson) expect(() => parse(text)).toThrow(/^Cannot parse manifest "x": at character \d+ /);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"a":1,"a":2}', 'at character 7 the key "a" appears twice, expected unique keys'],
    ['{"a":1,"\\u0061":2}', 'the key "a" appears twice'],
    ['{"a":{"b":1,"b":1}}', 'the key "b" appears twice'],
    ['{"__proto__":1,"__proto__":2}', 'the key "__proto__" appears twice'],
    ['{"size":9007199254740993}', 'the number 9007199254740993 is too large'],
    ['[-9007199254740992]', 'is too large'],
    ['1e999', 'is too large'],
    ['\ufeff{}', 'at character 0 there is "\\u{feff}", expected a value'],
    ['{} {}', 'expected the end'],
    ['{"a":1,}', 'there is "}", expected a key'],
    ['[1,]', 'expected a value'],
    ['"a\nb"', 'at character 2 there is " ", expected the rest of a string'],
    ['"abc', 'the text ends, expected the rest of a string'],
    ['"\\', 'the text ends'],
    ['"\\x"', 'an escape that JSON does not know'],
    ['01', 'expected the end'],
    ['', 'the text ends, expected a value'],
    [`${'['.repeat(102)}${']'.repeat(102)}`, 'nested deeper than 100 levels'],
  ])('refuses %j', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parse(Buffer.from([0x22, 0xff, 0x22]))).toThrow('it is not UTF-8');
  });

  it('refuses more bytes than the limit without looking at them', () => {
    expect(() => parse(Buffer.alloc(DOCUMENT_LIMIT_BYTES + 1, 'x'))).toThrow(
      `it has ${DOCUMENT_LIMIT_BYTES + 1} bytes, expected at most ${DOCUMENT_LIMIT_BYTES}`,
    );
  });

  it('keeps __proto__ as data', () => {
    const value = parse('{"__proto__":{"polluted":true},"constructor":1}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys({ ...value })).toEqual(['__proto__', 'constructor']);
    expect(canonicalJson(value as never)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
  });

  it('takes the largest integers that lose nothing, and floats', () => {
    expect(parse('[9007199254740991,-9007199254740991,1.5,1e2,-0]')).toEqual([9007199254740991, -9007199254740991, 1.5, 100, -0]);
  });

  it('reads a long string in linear time and without a deep stack', () => {
    const text = `"${'a\\n'.repeat(2_000_000)}"`;
    expect((parse(text) as string).length).toBe(4_000_000);
  });
});
