import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { descriptorDigest, descriptorOf, type Descriptor } from '../../../lib/oci/descriptor.ts';
import { encodeManifest, parseManifest } from '../../../lib/oci/manifest.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import { writeLayout } from '../../../lib/sinks/layout.ts';
import type { BlobSource } from '../../../lib/store/blob-source.ts';
import { checkLayout, copyingSource, diskCas, listing, storeImage, storeIndex, temporaryFolder } from './layout-rig.ts';

const inode = async (path: string) => (await stat(path)).ino;

const otherDevice = '/dev/shm';
const hasOtherDevice = await Promise.all([stat(otherDevice), stat(tmpdir())]).then(
  ([a, b]) => a.dev !== b.dev,
  () => false,
);

describe('writeLayout()', () => {
  it('writes an image: golden files, one entry, nothing else', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a', 'b']);
    const directory = join(await temporaryFolder(), 'out/hello');
    const files = await writeLayout({ root, source: cas, directory });
    expect(await checkLayout(directory)).toBe(root.digest);
    expect(await readFile(join(directory, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}');
    expect(await readFile(join(directory, 'index.json'), 'utf8')).toBe(
      `{"schemaVersion":2,"mediaType":"${OCI.index}","manifests":[{"mediaType":"${OCI.manifest}","digest":"${root.digest}","size":${root.size}}]}`,
    );
    const { layers, config } = parseManifest(await cas.readBytes(descriptorDigest(root)), 'm');
    const blobs = [root, config, ...layers].map((blob) => `blobs/sha256/${descriptorDigest(blob).hash}`);
    expect(await listing(directory)).toEqual(['blobs/', 'blobs/sha256/', ...blobs, 'index.json', 'oci-layout'].sort());
    expect(files.map((file) => file.path.slice(directory.length + 1))).toEqual([...blobs, 'index.json', 'oci-layout'].sort());
    for (const file of files) expect((await stat(file.path)).size).toBe(file.sizeBytes);
  });

  it('writes an index with all its images, and their shared layers once', async () => {
    const cas = await diskCas();
    const root = await storeIndex(cas, ['shared'], ['linux/amd64', 'linux/arm64/v8']);
    const directory = join(await temporaryFolder(), 'index');
    await writeLayout({ root, source: cas, directory });
    expect(await checkLayout(directory)).toBe(root.digest);
    expect(await readdir(join(directory, 'blobs/sha256'))).toHaveLength(1 + 2 * 2 + 1 + 2);
  });

  it('keeps the platform of the entry and names it, and drops what else it says', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const directory = await temporaryFolder();
    const platform = { os: 'linux', architecture: 'amd64' };
    await writeLayout({ root: { ...root, platform, annotations: { x: 'y' }, data: 'eA==' }, source: cas, directory, refName: 'v1' });
    expect((JSON.parse(await readFile(join(directory, 'index.json'), 'utf8')) as { manifests: object[] }).manifests).toEqual([
      { ...root, platform, annotations: { 'org.opencontainers.image.ref.name': 'v1' } },
    ]);
    await expect(writeLayout({ root, source: cas, directory, refName: 'not a name' })).rejects.toThrow('name in the layout');
  });

  it('links to the files of the store', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const directory = await temporaryFolder();
    await writeLayout({ root, source: cas, directory });
    const blob = join(directory, 'blobs/sha256', descriptorDigest(root).hash);
    expect(await inode(blob)).toBe(await inode((await cas.localPath!(descriptorDigest(root)))!));
    expect((await stat(blob)).mode & 0o777).toBe(0o444);
  });

  it('copies where the store has no files', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const directory = await temporaryFolder();
    await writeLayout({ root, source: copyingSource(cas), directory });
    expect(await checkLayout(directory)).toBe(root.digest);
    expect((await stat(join(directory, 'blobs/sha256', descriptorDigest(root).hash))).mode & 0o777).toBe(0o444);
  });

  it.skipIf(!hasOtherDevice)('copies to another device (skipped without a /dev/shm that is one)', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const directory = join(await temporaryFolder(otherDevice), 'out');
    await writeLayout({ root, source: cas, directory });
    expect(await checkLayout(directory)).toBe(root.digest);
  });

  it('writes nothing where nothing changed', async () => {
    const cas = await diskCas();
    const root = await storeIndex(cas, ['a'], ['linux/amd64', 'linux/arm64']);
    const directory = await temporaryFolder();
    const files = await writeLayout({ root, source: cas, directory });
    const before = await Promise.all(files.map(async ({ path }) => (await stat(path, { bigint: true })).ctimeNs));
    const folderBefore = (await stat(directory, { bigint: true })).mtimeNs;
    const source: BlobSource = {
      ...copyingSource(cas, () => expect.fail('a blob was read')),
      localPath: () => expect.fail('a path was asked for'),
    };
    expect(await writeLayout({ root, source, directory })).toEqual(files);
    expect(await Promise.all(files.map(async ({ path }) => (await stat(path, { bigint: true })).ctimeNs))).toEqual(before);
    expect((await stat(directory, { bigint: true })).mtimeNs).toBe(folderBefore);
  });

  it('replaces another image and removes its blobs, but no file that is not a blob', async () => {
    const cas = await diskCas();
    const directory = await temporaryFolder();
    await writeLayout({ root: await storeImage(cas, ['shared', 'old']), source: cas, directory });
    await writeFile(join(directory, 'README'), 'mine');
    const root = await storeImage(cas, ['shared', 'new']);
    const files = await writeLayout({ root, source: cas, directory });
    expect(await checkLayout(directory)).toBe(root.digest);
    expect((await listing(directory)).sort()).toEqual(
      ['README', 'blobs/', 'blobs/sha256/', ...files.map(({ path }) => path.slice(directory.length + 1))].sort(),
    );
  });

  it('repairs what is missing, truncated or a link', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a', 'b', 'c']);
    const directory = await temporaryFolder();
    const files = await writeLayout({ root, source: cas, directory });
    const [first, second, third] = files.map(({ path }) => path) as [string, string, string];
    const original = await readFile(third);
    await rm(first);
    await rm(second);
    await writeFile(second, 'x');
    await rm(third);
    await symlink('/etc/passwd', third);
    await writeLayout({ root, source: cas, directory });
    expect(await checkLayout(directory)).toBe(root.digest);
    expect(await readFile(third)).toEqual(original);
    // The store's files were not written through the links.
    expect(await cas.readBytes(descriptorDigest(root))).toHaveLength(root.size);
  });

  it('removes leftovers of a killed writer on the next change', async () => {
    const cas = await diskCas();
    const directory = await temporaryFolder();
    await mkdir(join(directory, 'blobs/sha256'), { recursive: true });
    const leftovers = [join(directory, `.ocidsl-${'0'.repeat(24)}.tmp`), join(directory, 'blobs/sha256', `.ocidsl-${'1'.repeat(24)}.tmp`)];
    for (const path of leftovers) await writeFile(path, 'half');
    await writeFile(join(directory, 'blobs/sha256', '2'.repeat(64)), 'an old blob');
    const root = await storeImage(cas, ['a']);
    const files = await writeLayout({ root, source: cas, directory });
    expect((await listing(directory)).filter((name) => !name.endsWith('/'))).toEqual(
      files.map(({ path }) => path.slice(directory.length + 1)),
    );
  });

  it.each<[string, (directory: string) => Promise<void>]>([
    ['a file', async (directory) => await writeFile(directory, 'mine')],
    [
      'a folder with other files',
      async (directory) => {
        await mkdir(directory);
        await writeFile(join(directory, 'thesis.txt'), 'mine');
      },
    ],
    [
      'a symbolic link to a folder',
      async (directory) => {
        await mkdir(`${directory}-real`);
        await symlink(`${directory}-real`, directory);
      },
    ],
    [
      'a layout whose blobs are elsewhere',
      async (directory) => {
        await mkdir(join(directory, 'blobs'), { recursive: true });
        await writeFile(join(directory, 'oci-layout'), '{}');
        await mkdir(`${directory}-real`);
        await symlink(`${directory}-real`, join(directory, 'blobs/sha256'));
      },
    ],
  ])('refuses %s and touches nothing', async (_, prepare) => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const parent = await temporaryFolder();
    await prepare(join(parent, 'out'));
    const before = await listing(parent);
    await expect(writeLayout({ root, source: cas, directory: join(parent, 'out') })).rejects.toThrow(
      expect.objectContaining({ code: 'OCIDSL_OUTPUT_CONFLICT', kind: 'environment' }) as Error,
    );
    expect(await listing(parent)).toEqual(before);
  });

  it('leaves out a layer that may not be distributed and is not there, but no other', async () => {
    const cas = await diskCas();
    const { config, layers } = parseManifest(await cas.readBytes(descriptorDigest(await storeImage(cas, ['a']))), 'm');
    const missing: Descriptor = {
      mediaType: OCI.foreignLayerGzip,
      digest: `sha256:${'f'.repeat(64)}`,
      size: 9,
      urls: ['https://example.com/'],
    };
    const store = async (layer: Descriptor) => {
      const bytes = encodeManifest({ schemaVersion: 2, mediaType: OCI.manifest, config, layers: [...layers, layer] });
      await cas.write(bytes);
      return descriptorOf(OCI.manifest, bytes);
    };
    const files = await writeLayout({ root: await store(missing), source: cas, directory: await temporaryFolder() });
    expect(files).toHaveLength(2 + 3);
    await expect(
      writeLayout({ root: await store({ ...missing, mediaType: OCI.layerGzip }), source: cas, directory: await temporaryFolder() }),
    ).rejects.toThrow(expect.objectContaining({ code: 'OCIDSL_BLOB_MISSING' }) as Error);
  });

  it('names the folder it may not write to', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const parent = await temporaryFolder();
    await writeFile(join(parent, 'file'), '');
    await expect(writeLayout({ root, source: cas, directory: join(parent, 'file', 'out') })).rejects.toThrow(
      expect.objectContaining({ kind: 'environment' }) as Error,
    );
  });

  it('stops when it is aborted, and the old image stays', async () => {
    const cas = await diskCas();
    const directory = await temporaryFolder();
    const old = await storeImage(cas, ['old']);
    await writeLayout({ root: old, source: cas, directory });
    const controller = new AbortController();
    const source = copyingSource(cas, () => controller.abort());
    const root = await storeImage(
      cas,
      Array.from({ length: 20 }, (_, i) => `new ${i}`),
    );
    await expect(writeLayout({ root, source, directory, signal: controller.signal })).rejects.toThrow('aborted');
    expect(await checkLayout(directory)).toBe(old.digest);
    expect(await readdir(directory)).toEqual(['blobs', 'index.json', 'oci-layout']);
  });
});

describe('the store', () => {
  it('keeps its blobs when a layout is removed or replaced', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const directory = join(await temporaryFolder(), 'out');
    const files = await writeLayout({ root, source: cas, directory });
    for (const { path } of files) await chmod(path, 0o644);
    await rm(directory, { recursive: true });
    expect(await cas.readBytes(descriptorDigest(root))).toHaveLength(root.size);
  });
});

// Kept out of the list above: they show that the rig itself can fail.
it('checkLayout() finds a wrong blob', async () => {
  const cas = await diskCas();
  const directory = join(await temporaryFolder(), 'out');
  const files = await writeLayout({ root: await storeImage(cas, ['a']), source: copyingSource(cas), directory });
  const { path, sizeBytes } = files[0]!;
  await chmod(path, 0o644);
  await writeFile(path, Buffer.alloc(sizeBytes));
  await expect(checkLayout(directory)).rejects.toThrow('is wrong');
});
