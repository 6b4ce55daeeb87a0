import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8, sortedUtf8, utf8 } from '../../../lib/base/bytes.ts';

// Code points from every length of UTF-8, so that the boundary between the BMP and what lies above is met often.
const text = fc.string({
  unit: fc.constantFrom('a', 'b', '/', '\u007f', 'é', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
});

test('compareUtf8() orders as the bytes of UTF-8 do', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 2000 },
  );
});

test('compareUtf8() puts U+FFFF before U+10000, where plain sort() does not', () => {
  expect(sortedUtf8(['\u{10000}', '\uffff'])).toEqual(['\uffff', '\u{10000}']);
  expect(['\u{10000}', '\uffff'].sort()).toEqual(['\u{10000}', '\uffff']);
});

test('sortedUtf8() copies, and does not ask the locale', () => {
  const given = ['b', 'a', 'B', 'ä', 'a-b', 'ab', 'a/b'];
  expect(sortedUtf8(given)).toEqual(['B', 'a', 'a-b', 'a/b', 'ab', 'b', 'ä']);
  expect(given[0]).toBe('b');
});

test('utf8() gives the bytes of UTF-8', () => {
  expect([...utf8('é')]).toEqual([0xc3, 0xa9]);
});
