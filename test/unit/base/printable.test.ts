import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable } from '../../../lib/base/printable.ts';

test.each([
  ['plain', 'plain'],
  ['two\nlines\tand a tab', 'two lines and a tab'],
  ['\u001b[31mred', '\\u{1b}[31mred'],
  ['a\u202eb', 'a\\u{202e}b'],
  ['a\u2028b', 'a\\u{2028}b'],
  ['half \ud800', 'half \\u{d800}'],
  ['whole 😀', 'whole 😀'],
  ['see https://u:p@h.io/x and http://t@g.io', 'see https://REDACTED@h.io/x and http://REDACTED@g.io'],
  ['https://u:p@ss@h.io/x@y', 'https://REDACTED@h.io/x@y'],
  ['https://h.io/x@y', 'https://h.io/x@y'],
])('printable(%j) is %j', (text, shown) => expect(printable(text)).toBe(shown));

test('is one line without control characters, whatever comes in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 1, max: 50 }), (text, limit) => {
      const shown = printable(text, limit);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\p{Surrogate}/u);
      if (text.length > limit) expect(shown.endsWith('…')).toBe(true);
    }),
  );
});
