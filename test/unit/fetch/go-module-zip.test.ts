import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readModuleZip, ZipError } from '../../../lib/fetch/go-module-zip.ts';
import { tree } from '../tools/go-fixtures.ts';
import { moduleZip, PREFIX, TINY_GO, zip } from './go-rig.ts';

const folder = tree();

function readBytes(bytes: Uint8Array): (readonly [string, string])[] {
  const path = join(folder, 'zip');
  writeFileSync(path, bytes);
  return [...readModuleZip(path)].map(({ name, content }) => [name, content.toString('utf8')]);
}

describe('readModuleZip', () => {
  test('gives every file, in the order of the list', () => {
    expect(readBytes(moduleZip().bytes)).toEqual(Object.entries(TINY_GO).map(([path, content]) => [PREFIX + path, content]));
    expect(readBytes(zip([]))).toEqual([]);
    expect(readBytes(zip([['é/ü', 'ö']]))).toEqual([['é/ü', 'ö']]);
  });

  test.each([
    ['is empty', Buffer.alloc(0), 'too short'],
    ['is a web page', Buffer.from('<html>'.repeat(100)), 'no end record'],
    ['is cut off', moduleZip().bytes.subarray(0, -1), 'no end record'],
    ['has bytes before it', Buffer.concat([Buffer.from('x'), moduleZip().bytes]), 'no end record'],
    ['has a comment', zip([['a', 'b']], { comment: 'c' }), 'no end record'],
    ['has a file twice', zip([['a', 'b'], ['a', 'c']]), 'two files "a"'], // prettier-ignore
    ['has an encrypted file', zip([['a', 'b']], { flags: 1 }), 'encrypted'],
    ['has a file of another method', zip([['a', 'b']], { method: 12 }), 'packed in another way'],
    ['has a symbolic link', zip([['a', 'b']], { mode: 0o120777 }), 'no regular file'],
    ['has a folder', zip([['a/', '']]), 'no regular file'],
    ['says less than a file has', zip([['a', 'bcd']], { sizeBytes: 2 }), 'damaged'],
    ['says more than a file has', zip([['a', 'bcd']], { sizeBytes: 4 }), 'damaged'],
    ['has a file that is stored, not packed', zip([['a', 'bcd']], { method: 0 }), 'damaged'],
    ['would be larger than any module', zip([['a', 'b']], { sizeBytes: 2 ** 30 }), 'too large'],
  ])('refuses one that %s', (_, bytes, says) => {
    expect(() => readBytes(bytes)).toThrow(ZipError);
    expect(() => readBytes(bytes)).toThrow(says);
  });

  test('refuses a name that is not UTF-8', () => {
    const bytes = zip([['ab', 'c']]);
    for (let at = bytes.indexOf('ab'); at >= 0; at = bytes.indexOf('ab', at + 1)) bytes[at] = 0xff;
    expect(() => readBytes(bytes)).toThrow('not UTF-8');
  });

  test('whatever is changed, it reads the same or says what is wrong', () => {
    const { bytes } = moduleZip();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= change;
        try {
          readBytes(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(ZipError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
