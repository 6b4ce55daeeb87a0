// Byte order and text encodings. The only sort that may enter a key is compareUtf8: localeCompare depends on the
// machine's ICU, and plain sort() orders UTF-16 units, which differs from the order of UTF-8 bytes above U+FFFF.

/** Orders two strings by their UTF-8 bytes. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

// Surrogates (U+D800..DFFF) encode code points above U+FFFF, which sort after every other unit in UTF-8.
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit > 0xdfff ? unit - 0x800 : unit + 0x2000;
}

// A unit from which on the order of UTF-16 and that of UTF-8 part.
const UPPER_UNIT = /[\ud800-\uffff]/;

/** A copy of `values`, sorted by UTF-8 bytes. */
export function sortedUtf8(values: Iterable<string>): string[] {
  const sorted = [...values];
  if (sorted.some((value) => UPPER_UNIT.test(value))) return sorted.sort(compareUtf8);
  // oxlint-disable-next-line typescript/require-array-sort-compare -- the native order of UTF-16 units, ten times as fast
  return sorted.sort();
}

/** UTF-8 bytes of a string. */
export function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}
