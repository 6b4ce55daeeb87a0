import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeTarHeader, tarPadding } from '../../../lib/tar/header.ts';
import type { TarHeader } from '../../../lib/tar/header.ts';
import { hasProgram, listWithGnuTar, listWithPython } from '../tools/layer-fixtures.ts';
import type { ListedMember } from '../tools/layer-fixtures.ts';

function header(changes: Partial<TarHeader> = {}): TarHeader {
  return { path: 'a', type: 'file', sizeBytes: 0, mode: 0o644, uid: 0, gid: 0, uname: '', gname: '', mtime: 946684800, ...changes };
}

/** An archive of empty entries. */
function archive(headers: readonly TarHeader[]): Buffer {
  return Buffer.concat([...headers.map(encodeTarHeader), Buffer.alloc(1024)]);
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const long = (length: number) => 'n'.repeat(length);

/** Each needs something else, and says what another reader must see. */
const CASES: readonly (readonly [what: string, changes: Partial<TarHeader>, blocks: number, seen: Partial<ListedMember>])[] = [
  ['a plain file', {}, 1, { name: 'a', mode: 0o644, uid: 0, mtime: 946684800, type: '0', pax: {} }],
  ['all mode bits', { mode: 0o7777 }, 1, { mode: 0o7777 }],
  ['a directory', { path: 'd', type: 'directory', mode: 0o1777 }, 1, { name: 'd', type: '5', mode: 0o1777 }],
  ['a symbolic link', { type: 'symlink', linkTarget: '../b' }, 1, { type: '2', linkname: '../b' }],
  ['a hard link', { type: 'hardlink', linkTarget: 'b' }, 1, { type: '1', linkname: 'b' }],
  ['owner names', { uname: 'root', gname: 'wheel' }, 1, { uname: 'root', gname: 'wheel' }],
  ['owner names of 31 bytes', { uname: long(31), gname: long(31) }, 1, { uname: long(31), gname: long(31) }],
  ['owner names of 32 bytes', { uname: long(32), gname: 'wheel' }, 3, { uname: long(32), gname: 'wheel' }],
  ['owner names beyond ASCII', { uname: 'jürgen' }, 3, { uname: 'jürgen', gname: '' }],
  ['a name of 100 bytes', { path: long(100) }, 1, { name: long(100) }],
  ['a name of 101 bytes', { path: long(101) }, 3, { name: long(101) }],
  ['a directory of 99 bytes', { path: long(99), type: 'directory' }, 1, { name: long(99), type: '5' }],
  ['a directory of 100 bytes', { path: long(100), type: 'directory' }, 3, { name: long(100), type: '5' }],
  ['a path of 155/100 bytes', { path: `${long(155)}/${long(100)}` }, 1, { name: `${long(155)}/${long(100)}` }],
  ['a path of 156/100 bytes', { path: `${long(156)}/${long(100)}` }, 3, { name: `${long(156)}/${long(100)}` }],
  ['a path of 4000 bytes', { path: Array(40).fill(long(99)).join('/') }, 10, { name: Array(40).fill(long(99)).join('/') }],
  ['a name beyond ASCII', { path: 'grüße/😀' }, 3, { name: 'grüße/😀' }],
  ['a name with a line break', { path: 'a\nb=c' }, 1, { name: 'a\nb=c' }],
  ['a long name with a line break', { path: `a\nb=c${long(100)}` }, 3, { name: `a\nb=c${long(100)}` }],
  ['a link target of 100 bytes', { type: 'symlink', linkTarget: long(100) }, 1, { linkname: long(100) }],
  ['a link target of 101 bytes', { type: 'symlink', linkTarget: long(101) }, 3, { linkname: long(101) }],
  ['a link target beyond ASCII', { type: 'symlink', linkTarget: 'ü' }, 3, { linkname: 'ü' }],
  ['the largest owner of ustar', { uid: 262143, gid: 262143 }, 1, { uid: 262143, gid: 262143 }],
  ['larger owners', { uid: 262144, gid: 4294967294 }, 3, { uid: 262144, gid: 4294967294 }],
  ['time 0', { mtime: 0 }, 1, { mtime: 0 }],
  ['the last second of 32 bits', { mtime: 2147483647 }, 1, { mtime: 2147483647 }],
  ['the second after', { mtime: 2147483648 }, 3, { mtime: 2147483648 }],
  ['the year 2242', { mtime: 8589934592 }, 3, { mtime: 8589934592 }],
  ['a time before 1970', { mtime: -86400 }, 3, { mtime: -86400 }],
  ['a fraction of a second', { mtime: 1700000000.25 }, 3, { mtime: 1700000000.25 }],
  ['an extended attribute', { pax: { 'SCHILY.xattr.user.a': 'b' } }, 3, { pax: { 'SCHILY.xattr.user.a': 'b' } }],
];

describe('encodeTarHeader()', () => {
  it.each(CASES)('writes %s in as few blocks as it takes', (_what, changes, blocks) => {
    expect(encodeTarHeader(header(changes)).length).toBe(512 * blocks);
  });

  it.skipIf(!hasProgram('python3'))('is read by Python as it was meant (skipped without python3)', () => {
    const members = listWithPython(archive(CASES.map(([, changes]) => header(changes))));
    expect(members).toHaveLength(CASES.length);
    for (const [i, [what, , , seen]] of CASES.entries()) expect(members[i], what).toMatchObject(seen);
  });

  it.skipIf(!hasProgram('tar'))('is read by GNU tar as it was meant (skipped without tar)', () => {
    expect(
      listWithGnuTar(
        archive([
          header({ path: 'grüße', uid: 3000000, gid: 4294967294, mode: 0o4755 }),
          header({ path: 'd', type: 'directory', mtime: -86400 }),
          header({ path: 's', type: 'symlink', linkTarget: '/x', mtime: 2208988800 }),
          header({ path: `${long(99)}/${long(101)}`, mtime: 1700000000.5 }),
        ]),
      ),
    ).toEqual([
      '-rwsr-xr-x 3000000/4294967294 0 2000-01-01 00:00:00 grüße',
      'drw-r--r-- 0/0 0 1969-12-31 00:00:00 d/',
      'lrw-r--r-- 0/0 0 2040-01-01 00:00:00 s -> /x',
      `-rw-r--r-- 0/0 0 2023-11-14 22:13:20.5 ${long(99)}/${long(101)}`,
    ]);
  });

  it('gives sizes above 8 GiB as a PAX record, whose bytes are fixed', () => {
    const block = encodeTarHeader(header({ sizeBytes: 9 * 2 ** 30 }));
    expect(block.subarray(512, 532).toString()).toBe('19 size=9663676416\n\0');
    expect(block.subarray(1024 + 124, 1024 + 136).toString()).toBe('00000000000 ');
    expect(encodeTarHeader(header({ sizeBytes: 2 ** 33 - 1 })).length).toBe(512);
  });

  it('keeps its bytes: they are part of every digest', () => {
    expect(sha256(archive(CASES.map(([, changes]) => header(changes))))).toMatchInlineSnapshot(
      `"dedebee43a3461e18401f0147914c3a30de4bb716cc497f4ff70d27de856f358"`,
    );
  });

  it('names no process, host or owner that the entry does not', () => {
    const names = new Set<string>();
    const block = encodeTarHeader(header({ path: long(300), uid: 1_000_000 }));
    for (const at of [0, 1024]) names.add(block.toString('latin1', at, at + 100).replace(/\0+$/, ''));
    expect([...names]).toEqual(['PaxHeader']);
    expect(block.toString('latin1', 265, 345).replaceAll('\0', '')).toBe('000000 000000 '.slice(0, 16));
  });
});

describe('tarPadding()', () => {
  it.each([
    [0, 0],
    [1, 511],
    [512, 0],
    [513, 511],
    [9 * 2 ** 30 + 5, 507],
  ])('pads %d bytes with %d', (size, padding) => {
    expect(tarPadding(size)).toBe(padding);
  });
});
