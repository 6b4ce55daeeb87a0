import { dirname, isAbsolute, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSha256Hex } from '../../../lib/base/digest.ts';
import { diskLayout } from '../../../lib/store/disk-layout.ts';

const hash = `ab${'0'.repeat(62)}`;
const layout = diskLayout('/cache');

describe('diskLayout()', () => {
  test('places everything below the version', () => {
    expect([layout.root, layout.temporary, layout.blob({ hash }), layout.actionResult({ hash }), layout.shape(hash)]).toEqual([
      '/cache/v1',
      '/cache/v1/tmp',
      `/cache/v1/cas/sha256/ab/${hash}`,
      `/cache/v1/ac/ab/${hash}`,
      `/cache/v1/shapes/ab/${hash}`,
    ]);
  });

  test('makes a path of 64 hex digits only, whatever the text', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[0-9a-fA-F./\\]{60,68}$/),
      fc.stringMatching(/^[0-9a-f]{64}$/),
      fc.tuple(fc.constantFrom('../', '/', './', '%2e%2e/', '..\\'), fc.stringMatching(/^[0-9a-f]{61}$/)).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        for (const path of [() => layout.blob({ hash: text }), () => layout.actionResult({ hash: text }), () => layout.shape(text)]) {
          if (isSha256Hex(text)) {
            const below = relative('/cache/v1', path());
            expect(isAbsolute(below) || below.startsWith('..')).toBe(false);
            expect(dirname(path()).slice(-2)).toBe(text.slice(0, 2));
          } else {
            expect(path).toThrow(expect.objectContaining({ code: 'OCIDSL_DIGEST_SYNTAX' }));
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
