import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf, EMPTY_DIGEST, formatDigest, isSha256Hex, parseSha256, sameDigest, sha256Hex } from '../../../lib/base/digest.ts';

const HEX = 'a'.repeat(64);

describe('parseSha256()', () => {
  test('reads back what formatDigest() writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const digest = digestOf(bytes);
        expect(parseSha256(formatDigest(digest))).toBe(digest.hash);
      }),
    );
  });

  test.each([
    ['', 'it has no algorithm'],
    [HEX, 'it has no algorithm'],
    [`:${HEX}`, 'it has no algorithm'],
    [`sha512:${HEX}`, 'its algorithm is "sha512"'],
    [`SHA256:${HEX}`, 'its algorithm is "SHA256"'],
    ['sha256:', 'it has 0 hex digits'],
    [`sha256:${HEX.slice(1)}`, 'it has 63 hex digits'],
    [`sha256:${HEX}a`, 'it has 65 hex digits'],
    [`sha256:${HEX}\n`, 'it has 65 hex digits'],
    [`sha256:${HEX.toUpperCase()}`, 'it has characters other than 0-9 and a-f'],
    [`sha256:${'../'.repeat(21)}a`, 'it has characters other than 0-9 and a-f'],
    [`sha256:${HEX.slice(1)}\0`, 'it has characters other than 0-9 and a-f'],
  ])('refuses %j and says what is wrong', (text, is) => {
    expect(() => parseSha256(text)).toThrow(expect.objectContaining({ code: 'OCIDSL_DIGEST_SYNTAX', kind: 'config' }) as Error);
    expect(() => parseSha256(text)).toThrow(`: ${is}, expected sha256:<64 lower-case hex digits>`);
  });

  test('does not repeat a long text in its message', () => {
    expect(() => parseSha256('x'.repeat(10_000))).toThrow(/^.{1,250}$/);
  });
});

test.each([
  [HEX, true],
  [`${HEX}\n`, false],
  [HEX.toUpperCase(), false],
  [HEX.slice(1), false],
  ['g'.repeat(64), false],
])('isSha256Hex(%j) is %s', (text, is) => expect(isSha256Hex(text)).toBe(is));

test('sha256Hex() is SHA-256, of strings as UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const expected = createHash('sha256').update(Buffer.from(text)).digest('hex');
      expect(sha256Hex(text)).toBe(expected);
      expect(sha256Hex(Buffer.from(text))).toBe(expected);
    }),
  );
});

test('EMPTY_DIGEST is the digest of nothing', () => expect(digestOf(new Uint8Array())).toEqual(EMPTY_DIGEST));

test('sameDigest() asks for both hash and size', () => {
  expect(sameDigest({ hash: HEX, sizeBytes: 1 }, { hash: HEX, sizeBytes: 1 })).toBe(true);
  expect(sameDigest({ hash: HEX, sizeBytes: 1 }, { hash: HEX, sizeBytes: 2 })).toBe(false);
  expect(sameDigest({ hash: HEX, sizeBytes: 1 }, { hash: 'b'.repeat(64), sizeBytes: 1 })).toBe(false);
});
