import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { EMPTY_DIGEST, type Digest } from '../../../lib/base/digest.ts';
import { prepareOutputFolder, syncOutputFolder, writeOutputFile } from '../../../lib/sinks/output-file.ts';
import type { BlobSource } from '../../../lib/store/blob-source.ts';
import { diskCas, temporaryFolder } from './layout-rig.ts';

const withoutPaths = (source: BlobSource): BlobSource => ({
  findMissing: (digests) => source.findMissing(digests),
  readBytes: (digest) => source.readBytes(digest),
  read: (digest) => source.read(digest),
});

describe.each([
  ['with paths of the store', true],
  ['without', false],
])('writeOutputFile() %s', (_, hasPaths) => {
  const rig = async () => {
    const cas = await diskCas();
    const folder = await temporaryFolder();
    const source = hasPaths ? cas : withoutPaths(cas);
    const write = async (digest: Digest, isExecutable = false, name = 'sub/file') => {
      const file = join(folder, name);
      await prepareOutputFolder(dirname(file));
      return await writeOutputFile({ source, digest, file, isExecutable });
    };
    return { cas, folder, file: join(folder, 'sub/file'), write };
  };

  it('writes a file and an executable', async () => {
    const { cas, folder, write } = await rig();
    const digest = await cas.write(Buffer.from('content'));
    expect(await write(digest)).toEqual({ path: join(folder, 'sub/file'), sizeBytes: 7 });
    await write(digest, true, 'bin');
    expect(await readFile(join(folder, 'bin'), 'utf8')).toBe('content');
    expect((await stat(join(folder, 'bin'))).mode & 0o777).toBe(0o755);
    expect((await stat(join(folder, 'sub/file'))).mode & 0o777).toBe(0o444);
    expect(await readdir(folder)).toEqual(['bin', 'sub']);
  });

  it('shares a file with the store, but never an executable', async () => {
    const { cas, folder, file, write } = await rig();
    const digest = await cas.write(Buffer.from('content'));
    await write(digest);
    await write(digest, true, 'bin');
    const stored = (await stat((await cas.localPath!(digest))!)).ino;
    expect((await stat(file)).ino === stored).toBe(hasPaths);
    expect((await stat(join(folder, 'bin'))).ino).not.toBe(stored);
  });

  it('writes the empty blob', async () => {
    const { file, write } = await rig();
    await write(EMPTY_DIGEST);
    expect((await stat(file)).size).toBe(0);
  });

  it('writes nothing where nothing changed', async () => {
    const { cas, file, write } = await rig();
    const digest = await cas.write(Buffer.from('content'));
    for (const isExecutable of [false, true]) {
      await write(digest, isExecutable);
      const before = await stat(file, { bigint: true });
      await write(digest, isExecutable);
      expect(await stat(file, { bigint: true })).toMatchObject({ ino: before.ino, ctimeNs: before.ctimeNs });
    }
  });

  it('replaces other content of the same size, another mode, and a link without following it', async () => {
    const { cas, folder, file, write } = await rig();
    const digest = await cas.write(Buffer.from('content'));
    await mkdir(join(folder, 'sub'));
    await writeFile(file, 'CONTENT', { mode: 0o444 });
    await write(digest);
    expect(await readFile(file, 'utf8')).toBe('content');
    await write(digest, true);
    expect((await stat(file)).mode & 0o777).toBe(0o755);
    await writeFile(join(folder, 'mine'), 'my file');
    await symlink(join(folder, 'mine'), join(folder, 'link'));
    await write(digest, false, 'link');
    expect((await lstat(join(folder, 'link'))).isFile()).toBe(true);
    expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('my file');
  });

  it('refuses a folder in its place', async () => {
    const { cas, file, write } = await rig();
    await mkdir(file, { recursive: true });
    await expect(write(await cas.write(Buffer.from('x')))).rejects.toThrow(
      expect.objectContaining({ code: 'OCIDSL_OUTPUT_CONFLICT' }) as Error,
    );
  });

  it('leaves what was there where the blob is missing, and no temporary file', async () => {
    const { folder, file, write } = await rig();
    await mkdir(join(folder, 'sub'));
    await writeFile(file, 'old');
    await expect(write({ hash: '0'.repeat(64), sizeBytes: 5 })).rejects.toThrow(
      expect.objectContaining({ code: 'OCIDSL_BLOB_MISSING' }) as Error,
    );
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await readdir(join(folder, 'sub'))).toEqual(['file']);
  });

  it('leaves what was there where the blob is corrupt', async () => {
    const { cas, folder, file, write } = await rig();
    const digest = await cas.write(Buffer.from('content'));
    const path = (await cas.localPath!(digest))!;
    await chmod(path, 0o644);
    await writeFile(path, 'CONTENT');
    await utimes(path, 1, 1);
    await expect(write(digest)).rejects.toThrow(expect.objectContaining({ code: 'OCIDSL_BLOB_CORRUPT' }) as Error);
    expect(await readdir(join(folder, 'sub'))).toEqual([]);
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  });

  it('by several writers at once is one of theirs, whole', async () => {
    const { cas, folder, file, write } = await rig();
    const digests = await Promise.all(Array.from({ length: 8 }, (__, i) => cas.write(Buffer.alloc(300_000, i))));
    await Promise.all(digests.map((digest, i) => write(digest, i % 2 === 0)));
    const content = await readFile(file);
    expect(content.equals(Buffer.alloc(300_000, content[0]))).toBe(true);
    expect(await readdir(join(folder, 'sub'))).toEqual(['file']);
  });
});

describe('the folder of output files', () => {
  const temporary = (digit: string) => `.ocidsl-${digit.repeat(24)}.tmp`;

  it('is made with those above it, and may be there already', async () => {
    const folder = join(await temporaryFolder(), 'a/b');
    await prepareOutputFolder(folder);
    await writeFile(join(folder, 'mine'), 'x');
    await prepareOutputFolder(folder);
    await syncOutputFolder(folder);
    expect(await readdir(folder)).toEqual(['mine']);
  });

  it('loses what builds that were killed long ago left in it, and nothing else', async () => {
    const folder = await temporaryFolder();
    const files = [temporary('0'), '.ocidsl-mine.tmp', 'file'];
    for (const name of files) await writeFile(join(folder, name), '');
    const later = Date.now() + 25 * 60 * 60 * 1000;
    const now = vi.spyOn(Date, 'now');
    try {
      await prepareOutputFolder(folder);
      expect((await readdir(folder)).sort()).toEqual([...files].sort());
      now.mockReturnValue(later);
      await prepareOutputFolder(folder);
    } finally {
      now.mockRestore();
    }
    expect((await readdir(folder)).sort()).toEqual(['.ocidsl-mine.tmp', 'file']);
  });

  it('that cannot be made says so', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await expect(prepareOutputFolder(join(folder, 'file'))).rejects.toThrow(expect.objectContaining({ kind: 'environment' }) as Error);
  });

  it('is not made by writing a file: that is done once for many', async () => {
    const cas = await diskCas();
    const digest = await cas.write(Buffer.from('x'));
    const file = join(await temporaryFolder(), 'missing/file');
    await expect(writeOutputFile({ source: cas, digest, file, isExecutable: false })).rejects.toThrow(
      expect.objectContaining({ code: 'OCIDSL_SYSTEM_ENOENT' }) as Error,
    );
  });
});
