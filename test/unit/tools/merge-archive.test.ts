import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { LayerEntry, LayerSpec } from '../../../lib/tar/layer-spec.ts';
import { encodeLayerSpec } from '../../../lib/tar/layer-spec.ts';
import { tarTool } from '../../../lib/tools/tar.ts';
import { hasProgram, layerSpec, listWithPython, tarByPython } from './layer-fixtures.ts';
import { runTool } from './memory-tool.ts';

const hasPython = hasProgram('python3');

async function merge(archives: readonly Buffer[], spec: Partial<LayerSpec> = {}, inputs: Readonly<Record<string, string>> = {}) {
  const files = Object.fromEntries(archives.map((content, i) => [`dep${i}`, { content, asyncPartSize: 1000 }]));
  const full = layerSpec({ archives: archives.map((_, i) => ({ input: `dep${i}`, origin: `:dep${i}` })), ...spec });
  const { outputs, lines } = await runTool(tarTool, ['spec.json'], { ...files, ...inputs, 'spec.json': encodeLayerSpec(full) });
  return { members: listWithPython(outputs.get('archive.tar')), tar: outputs.get('archive.tar'), lines };
}

const src: LayerEntry = { path: 'etc/conf', type: 'file', input: 'in/conf', origin: 'src/conf' };
const firstWins = { allowDuplicates: { differentContent: false, fromArchives: true } };

// Python writes the archives to merge and reads the merged ones.
describe.skipIf(!hasPython)('mergeArchive() (skipped without python3)', () => {
  it('repacks with numeric owners and whole seconds, after the sources', async () => {
    const dep = tarByPython(`
file('./usr/bin/tool', b'tool' * 1000, mode=0o4755, uid=3000000, gid=5, uname='alice', gname='staff', mtime=1700000000.75)
file('usr/share/ü', b'', mtime=-5)
`);
    const { members } = await merge([dep], { entries: [src] }, { 'in/conf': 'x' });
    expect(members.map((member) => member.name)).toEqual(['etc', 'etc/conf', 'usr', 'usr/bin', 'usr/bin/tool', 'usr/share', 'usr/share/ü']);
    expect(members[4]).toMatchObject({
      mode: 0o4755,
      uid: 3000000,
      gid: 5,
      uname: '',
      gname: '',
      mtime: 1700000000,
      content: 'tool'.repeat(1000),
    });
    expect(members[3]).toMatchObject({ type: '5', mode: 0o755, uid: 3000000, mtime: 1700000000 });
    expect(members[6]).toMatchObject({ mtime: -5 });
  });

  it('gives single paths the mode and owner that the spec says, and hard links those of their file', async () => {
    const dep = tarByPython(`
file('bin', type=tarfile.DIRTYPE, mode=0o755)
file('bin/su', b'su', mode=0o555, uid=1)
file('bin/other', b'x', mode=0o555, uid=1)
file('bin/hard', type=tarfile.LNKTYPE, linkname='bin/su')
file('bin/hard2', type=tarfile.LNKTYPE, linkname='bin/hard')
file('bin/soft', type=tarfile.SYMTYPE, linkname='su', mode=0o777)
`);
    const { members } = await merge([dep], {
      overrides: [
        { path: 'bin', mode: 0o700 },
        { path: 'bin/su', mode: 0o4755, uid: 7, gid: 8, uname: 'u', gname: 'g' },
        { path: 'bin/soft', mode: 0o600, uid: 9 },
      ],
    });
    expect(members.map(({ name, mode, uid, gid, uname, gname }) => [name, mode, uid, gid, uname, gname])).toEqual([
      ['bin', 0o700, 0, 0, '', ''],
      ['bin/su', 0o4755, 7, 8, 'u', 'g'],
      ['bin/other', 0o555, 1, 0, '', ''],
      ['bin/hard', 0o4755, 7, 8, 'u', 'g'],
      ['bin/hard2', 0o4755, 7, 8, 'u', 'g'],
      ['bin/soft', 0o777, 9, 0, '', ''],
    ]);
  });

  it('puts an archive into its folder, with its hard links', async () => {
    const dep = tarByPython(`
file('./', type=tarfile.DIRTYPE, mode=0o700)
file('./a', b'a', mode=0o644)
file('./hard', type=tarfile.LNKTYPE, linkname='./a', mode=0o644)
file('./up', type=tarfile.SYMTYPE, linkname='../x')
`);
    const archives = [{ input: 'dep0', origin: ':dep0', folder: 'opt/app' }];
    const { members } = await merge([dep], { archives, overrides: [{ path: 'opt/app/a', mode: 0o600 }] });
    expect(members.map(({ name, type, linkname, mode }) => [name, type, linkname, mode])).toEqual([
      ['opt', '5', '', 0o755],
      ['opt/app', '5', '', 0o755],
      ['opt/app/a', '0', '', 0o600],
      ['opt/app/hard', '1', 'opt/app/a', 0o600],
      ['opt/app/up', '2', '../x', 0o644],
    ]);
  });

  it('keeps an archive with a folder below it', async () => {
    const dep = tarByPython(`file('../../etc/passwd', b'x')`);
    await expect(merge([dep], { archives: [{ input: 'dep0', folder: 'opt/app' }] })).rejects.toMatchObject({ code: 'OCIDSL_ENTRY_PATH' });
  });

  it('fails where a path with a mode or owner of its own does not turn up', async () => {
    const dep = tarByPython(`file('bin/su', b'su')`);
    await expect(
      merge([dep], {
        overrides: [
          { path: 'bin/su', mode: 0 },
          { path: 'bin/sudo', mode: 0 },
        ],
      }),
    ).rejects.toMatchObject({
      code: 'OCIDSL_ENTRY_OVERRIDE',
      message: expect.stringContaining('of "bin/sudo": neither'),
    });
  });

  it('keeps links, directories with their modes, and long names', async () => {
    const name = `${'d'.repeat(120)}/${'f'.repeat(150)}`;
    const dep = tarByPython(`
file('.', type=tarfile.DIRTYPE, mode=0o700)
file('tmp', type=tarfile.DIRTYPE, mode=0o1777)
file('${name}', b'long')
file('link', type=tarfile.SYMTYPE, linkname='/${name}')
file('hard', type=tarfile.LNKTYPE, linkname='${name}')
file('hard2', type=tarfile.LNKTYPE, linkname='hard')
`);
    const { members } = await merge([dep], { createParents: false });
    expect(members.map(({ name: path, type, linkname, mode }) => [path, type, linkname, mode])).toEqual([
      ['tmp', '5', '', 0o1777],
      [name, '0', '', 0o644],
      ['link', '2', `/${name}`, 0o644],
      ['hard', '1', name, 0o644],
      ['hard2', '1', 'hard', 0o644],
    ]);
  });

  it('reads gzip, whatever the name, also of several members', async () => {
    const dep = tarByPython(`file('a', b'a' * 100000)`);
    const parts = Buffer.concat([gzipSync(dep.subarray(0, 70_000)), gzipSync(dep.subarray(70_000))]);
    expect((await merge([parts])).members).toEqual((await merge([dep])).members);
  });

  it('keeps extended attributes in text, and refuses binary ones', async () => {
    const dep = tarByPython(`file('a', pax_headers={'SCHILY.xattr.user.k': 'v', 'comment': 'dropped'})`);
    expect((await merge([dep])).members[0]?.pax).toEqual({ 'SCHILY.xattr.user.k': 'v' });
    const binary = Buffer.from(dep);
    binary[binary.indexOf('user.k=v') + 7] = 0x80;
    await expect(merge([binary])).rejects.toMatchObject({
      code: 'OCIDSL_ARCHIVE_CORRUPT',
      message: expect.stringContaining('is binary') as string,
    });
  });

  describe('what is there already', () => {
    const dep = (content: string) =>
      tarByPython(
        `file('etc', type=tarfile.DIRTYPE, mode=0o700)\nfile('etc/conf', b'${content}')\nfile('l', type=tarfile.SYMTYPE, linkname='x')`,
      );

    it('stays, with a line, and directories and equal links without', async () => {
      const { members, lines } = await merge([dep('one'), dep('two')], { entries: [src], ...firstWins }, { 'in/conf': 'x' });
      expect(members.map((member) => [member.name, member.content])).toEqual([
        ['etc', null],
        ['etc/conf', 'x'],
        ['l', null],
      ]);
      expect(lines).toEqual(Array(2).fill('Duplicate file in archive: etc/conf, picking first occurrence'));
    });

    it('is an error that names both where that is not allowed', async () => {
      await expect(merge([dep('one'), dep('two')])).rejects.toMatchObject({
        code: 'OCIDSL_ENTRY_DUPLICATE',
        message: 'Cannot add "etc/conf" from archive ":dep1": ":dep0" has that path too, expected one entry for each path',
      });
    });

    it.each([
      ['a directory where a file is', `file('etc/conf/x')`, 'OCIDSL_ENTRY_PARENT'],
      ['a file where a directory is', `file('etc')`, 'OCIDSL_ENTRY_DUPLICATE'],
      ['a directory in place of a file', `file('etc/conf', type=tarfile.DIRTYPE)`, 'OCIDSL_ENTRY_DUPLICATE'],
      [
        'a file below a symbolic link of its own',
        `file('s', type=tarfile.SYMTYPE, linkname='/etc')\nfile('s/passwd')`,
        'OCIDSL_ENTRY_PARENT',
      ],
      ['a hard link to a file of someone else', `file('h', type=tarfile.LNKTYPE, linkname='etc/conf')`, 'OCIDSL_LINK_TARGET'],
      ['a hard link to nothing', `file('h', type=tarfile.LNKTYPE, linkname='nothing')`, 'OCIDSL_LINK_TARGET'],
    ])('refuses %s', async (_what, script, code) => {
      await expect(merge([tarByPython(script)], { entries: [src], ...firstWins }, { 'in/conf': 'x' })).rejects.toMatchObject({ code });
    });
  });

  it.each([
    ['a path above the root', `file('../x')`, 'OCIDSL_ENTRY_PATH'],
    ['a path through the root', `file('a/../../x')`, 'OCIDSL_ENTRY_PATH'],
    ['a path in a PAX record', `file('ok', pax_headers={'path': '../../etc/passwd'})`, 'OCIDSL_ENTRY_PATH'],
    ['a whiteout', `file('etc/.wh.passwd')`, 'OCIDSL_ENTRY_PATH'],
    ['an opaque whiteout', `file('etc/.wh..wh..opq')`, 'OCIDSL_ENTRY_PATH'],
    ['a symbolic link above the root', `file('a', type=tarfile.SYMTYPE, linkname='../x')`, 'OCIDSL_LINK_TARGET'],
    ['an absolute hard link', `file('a')\nfile('b', type=tarfile.LNKTYPE, linkname='/a')`, 'OCIDSL_LINK_TARGET'],
    ['a hard link above the root', `file('a')\nfile('b', type=tarfile.LNKTYPE, linkname='../a')`, 'OCIDSL_LINK_TARGET'],
    ['a device', `file('null', type=tarfile.CHRTYPE)`, 'OCIDSL_ENTRY_TYPE'],
    ['a FIFO', `file('pipe', type=tarfile.FIFOTYPE)`, 'OCIDSL_ENTRY_TYPE'],
    ['a negative owner', `file('a', pax_headers={'uid': '-1'})`, 'OCIDSL_ENTRY_OWNER'],
    ['an owner that is no number', `file('a', pax_headers={'uid': 'root'})`, 'OCIDSL_ARCHIVE_CORRUPT'],
    ['a sparse file', `file('a', pax_headers={'GNU.sparse.major': '1'})`, 'OCIDSL_ARCHIVE_CORRUPT'],
  ])('refuses %s', async (_what, script, code) => {
    await expect(merge([tarByPython(script)])).rejects.toMatchObject({ code });
  });

  it('names the archive when an entry of it is refused', async () => {
    await expect(merge([tarByPython(`file('../x')`)])).rejects.toMatchObject({ hint: 'It is an entry of the archive ":dep0"' });
  });

  it.each([
    ['xz', 'w:xz'],
    ['bzip2', 'w:bz2'],
  ])('refuses %s by name', async (name, mode) => {
    await expect(merge([tarByPython(`file('a')`, mode)])).rejects.toMatchObject({
      code: 'OCIDSL_ARCHIVE_COMPRESSION',
      message: `Cannot read archive ":dep0": it is compressed with ${name}, expected a tar without compression or with gzip`,
    });
  });

  it('refuses zstd by name', async () => {
    await expect(merge([Buffer.from('28b52ffd0458', 'hex')])).rejects.toMatchObject({ code: 'OCIDSL_ARCHIVE_COMPRESSION' });
  });

  it.each([
    ['text', (_dep: Buffer) => Buffer.alloc(2048, 'no tar ')],
    ['a few bytes', () => Buffer.from('abc')],
    ['a tar cut in a file', (dep: Buffer) => dep.subarray(0, 50_000)],
    ['a tar cut in a header', (dep: Buffer) => dep.subarray(0, 300)],
    ['gzip cut short', (dep: Buffer) => gzipSync(dep).subarray(0, -20)],
    [
      'gzip with a wrong checksum',
      (dep: Buffer) => {
        const bytes = gzipSync(dep);
        bytes.writeUInt32LE(1, bytes.length - 8);
        return bytes;
      },
    ],
    ['gzip of no tar', () => gzipSync(Buffer.alloc(2048, 'no tar '))],
  ])('refuses %s', async (_what, damage) => {
    const dep = tarByPython(`file('a', b'a' * 100000)\nfile('b', b'b')`);
    await expect(merge([damage(dep)])).rejects.toMatchObject({ code: 'OCIDSL_ARCHIVE_CORRUPT', kind: 'build' });
  });

  it('takes archives without entries', async () => {
    expect((await merge([tarByPython(''), Buffer.alloc(0)])).members).toEqual([]);
  });

  it('streams entries larger than any buffer, in order', async () => {
    const dep = tarByPython(`
for n in range(50): file('small/%d' % n, b'%d' % n * 100)
file('big', bytes(range(256)) * 4096 * 5)
file('last', b'last')
`);
    const { members, tar } = await merge([gzipSync(dep)]);
    expect(members).toHaveLength(53);
    expect(members.find((member) => member.name === 'big')?.size).toBe(5 << 20);
    const at = tar.indexOf('big\0', 0, 'latin1') + 512;
    const pattern = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    for (let i = 0; i < 5 << 20; i += 4096 + 256)
      expect(
        tar
          .subarray(at, at + (5 << 20))
          .subarray(i - (i % 256), i - (i % 256) + 256)
          .equals(pattern),
      ).toBe(true);
    expect(members.at(-1)?.content).toBe('last');
  });
});
