import { appendFileSync, chmodSync, existsSync, linkSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../lib/base/digest.ts';
import { diskLayout } from '../../../lib/store/disk-layout.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { storeFile } from '../../../lib/store/store-file.ts';
import { sampleBytes } from '../../conformance/content-addressable-storage.ts';
import { filesBelow, temporaryFolder } from './rig.ts';

const DATA = sampleBytes(2_500_000);

async function rig() {
  const directory = join(temporaryFolder(), 'cache');
  const { cas } = openDiskStore({ directory });
  const file = join(temporaryFolder(), 'made');
  writeFileSync(file, DATA, { mode: 0o755 });
  return { directory, cas, layout: diskLayout(directory), file };
}

describe('a file that a program made', () => {
  it('becomes the blob itself, read-only and under no other name', async () => {
    const { cas, layout, file } = await rig();
    const { ino } = statSync(file);
    const digest = await storeFile(cas, file);
    expect(digest).toEqual(digestOf(DATA));
    expect(existsSync(file)).toBe(false);
    const stored = statSync(layout.blob(digest));
    expect([stored.ino, stored.mode & 0o777, stored.nlink]).toEqual([ino, 0o444, 1]);
    expect(filesBelow(layout.temporary)).toEqual([]);
  });

  it('replaces what lies under the name of the blob, which may be damaged', async () => {
    const { cas, layout, file } = await rig();
    const path = layout.blob(await cas.write(DATA));
    chmodSync(path, 0o644);
    appendFileSync(path, 'rot');
    await storeFile(cas, file);
    expect(readFileSync(path).equals(DATA)).toBe(true);
  });

  it('is copied where it has another name, by which somebody could write to it', async () => {
    const { cas, layout, file } = await rig();
    linkSync(file, `${file}.other`);
    const digest = await storeFile(cas, file);
    appendFileSync(`${file}.other`, 'more');
    expect(readFileSync(layout.blob(digest)).equals(DATA)).toBe(true);
  });

  it('is copied where it lies on another file system', async ({ skip }) => {
    const { cas, layout, file } = await rig();
    if (!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(file).dev) skip('needs /dev/shm on another file system');
    const elsewhere = `/dev/shm/ocidsl-test-${process.pid}`;
    const other = openDiskStore({ directory: elsewhere });
    try {
      const digest = await storeFile(other.cas, file);
      expect((await other.cas.readBytes(digest)).equals(DATA)).toBe(true);
      expect(existsSync(file)).toBe(true);
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
    expect(await cas.findMissing([digestOf(DATA)])).toHaveLength(1);
    expect(filesBelow(layout.temporary)).toEqual([]);
  });

  it('is no symbolic link', async () => {
    const { cas, file } = await rig();
    symlinkSync(file, `${file}.link`);
    await expect(storeFile(cas, `${file}.link`)).rejects.toMatchObject({ kind: 'environment' });
    expect(existsSync(file)).toBe(true);
  });

  it('and is missing is an error that names it', async () => {
    const { cas, file } = await rig();
    await expect(storeFile(cas, `${file}.gone`)).rejects.toMatchObject({
      code: 'OCIDSL_SYSTEM_ENOENT',
      message: expect.stringContaining(`${file}.gone`),
    });
  });
});
