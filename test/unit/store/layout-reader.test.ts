import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EMPTY_DIGEST, formatDigest } from '../../../lib/base/digest.ts';
import { descriptorDigest, descriptorOf, type Descriptor } from '../../../lib/oci/descriptor.ts';
import { DOCKER, OCI } from '../../../lib/oci/media-types.ts';
import { parsePlatform } from '../../../lib/oci/platform.ts';
import type { ContentAddressableStorage } from '../../../lib/store/content-addressable-storage.ts';
import { layoutBlobPath, layoutBlobSource } from '../../../lib/store/layout-blob-source.ts';
import { readLayout, readLayoutImage } from '../../../lib/store/layout-reader.ts';
import { diskCas, storeImage, storeIndex, temporaryFolder } from '../sinks/layout-rig.ts';

const code = (wanted: string, message = '') =>
  expect.objectContaining({ code: wanted, message: expect.stringContaining(message) as string }) as Error;

/** A layout written by hand: entries and every blob of a store that the test made. */
async function layout(entries: readonly Descriptor[], cas: ContentAddressableStorage, blobs: readonly Descriptor[]): Promise<string> {
  const directory = await temporaryFolder();
  await mkdir(join(directory, 'blobs/sha256'), { recursive: true });
  const copy = async (descriptor: Descriptor): Promise<void> => {
    const bytes = await cas.readBytes(descriptorDigest(descriptor));
    await writeFile(layoutBlobPath(directory, descriptorDigest(descriptor).hash), bytes);
    if (!descriptor.mediaType.endsWith('+json')) return;
    const document = JSON.parse(bytes.toString()) as {
      config?: Descriptor & { digest?: string };
      layers?: Descriptor[];
      manifests?: Descriptor[];
    };
    const children = [...(document.layers ?? []), ...(document.manifests ?? []), ...(document.config?.digest ? [document.config] : [])];
    for (const child of children) await copy(child).catch(() => {});
  };
  for (const blob of blobs) await copy(blob);
  await writeFile(join(directory, 'oci-layout'), '{ "imageLayoutVersion": "1.0.0", "more": 1 }');
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: entries }));
  return directory;
}

const named = (descriptor: Descriptor, name: string): Descriptor => ({
  ...descriptor,
  annotations: { 'org.opencontainers.image.ref.name': name },
});
const index = async (cas: ContentAddressableStorage, manifests: readonly object[]): Promise<Descriptor> => {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
  await cas.write(bytes);
  return descriptorOf(OCI.index, bytes);
};

describe('readLayoutImage()', () => {
  it('reads the only image, and says which files it read', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a', 'b'], 'linux/arm64/v8');
    const directory = await layout([root], cas, [root]);
    const image = await readLayoutImage({ directory });
    expect(image.root).toEqual(root);
    expect(image.manifest).toEqual(root);
    expect(image.manifestBytes).toEqual(await cas.readBytes(descriptorDigest(root)));
    expect(image.configBytes).toEqual(await cas.readBytes(descriptorDigest(image.config)));
    expect(image.layers).toHaveLength(2);
    expect(image.platform).toEqual(parsePlatform('linux/arm64/v8'));
    expect(image.files).toEqual([
      join(directory, 'oci-layout'),
      join(directory, 'index.json'),
      ...[root, image.config].map((blob) => layoutBlobPath(directory, descriptorDigest(blob).hash)),
    ]);
  });

  it('finds a platform, by any of its spellings', async () => {
    const cas = await diskCas();
    const root = await storeIndex(cas, ['a'], ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v6', 'linux/arm/v7']);
    const directory = await layout([root], cas, [root]);
    const find = async (platform: string) => (await readLayoutImage({ directory, platform: parsePlatform(platform) })).platform;
    expect(await find('linux/arm64')).toEqual(parsePlatform('linux/arm64/v8'));
    expect(await find('linux/arm')).toEqual(parsePlatform('linux/arm/v7'));
    expect(await find('linux/arm/v6')).toEqual(parsePlatform('linux/arm/v6'));
    expect(await find('linux/amd64/v3')).toEqual(parsePlatform('linux/amd64'));
    await expect(find('linux/s390x')).rejects.toThrow(
      code('OCIDSL_PLATFORM_MISSING', 'it has linux/amd64, linux/arm64/v8, linux/arm/v6, linux/arm/v7'),
    );
    await expect(readLayoutImage({ directory })).rejects.toThrow(code('OCIDSL_LAYOUT_ENTRY', 'it has 4 images (linux/amd64, '));
  });

  it('searches nested indexes in order, skips unknown media types and attestations, and takes the first match', async () => {
    const cas = await diskCas();
    const first = await storeImage(cas, ['first']);
    const second = await storeImage(cas, ['second']);
    const platform = { os: 'linux', architecture: 'amd64' };
    const inner = await index(cas, [{ ...first, platform }]);
    const root = await index(cas, [
      { mediaType: 'application/vnd.future+json', digest: `sha256:${'0'.repeat(64)}`, size: 5, platform },
      { ...second, platform: { os: 'unknown', architecture: 'unknown' } },
      inner,
      { ...second, platform },
    ]);
    const directory = await layout([root], cas, [root]);
    expect((await readLayoutImage({ directory, platform })).manifest.digest).toBe(first.digest);
  });

  it('takes the platform from the config where the index has none', async () => {
    const cas = await diskCas();
    const amd64 = await storeImage(cas, ['a'], 'linux/amd64');
    const arm64 = await storeImage(cas, ['a'], 'linux/arm64');
    const root = await index(cas, [amd64, arm64]);
    const directory = await layout([root], cas, [root]);
    expect((await readLayoutImage({ directory, platform: parsePlatform('linux/arm64') })).manifest.digest).toBe(arm64.digest);
  });

  it('checks the platform of a layout with one image', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a'], 'linux/amd64');
    const directory = await layout([root], cas, [root]);
    await expect(readLayoutImage({ directory, platform: parsePlatform('linux/arm64') })).rejects.toThrow(
      code('OCIDSL_PLATFORM_MISSING', 'it has linux/amd64'),
    );
  });

  it('chooses an entry by name', async () => {
    const cas = await diskCas();
    const a = await storeImage(cas, ['a']);
    const b = await storeImage(cas, ['b']);
    const directory = await layout([named(a, 'a'), named(b, 'b')], cas, [a, b]);
    expect((await readLayoutImage({ directory, refName: 'b' })).manifest.digest).toBe(b.digest);
    await expect(readLayoutImage({ directory, refName: 'c' })).rejects.toThrow(
      code('OCIDSL_LAYOUT_ENTRY', 'none is named "c", expected one of a, b'),
    );
    await expect(readLayoutImage({ directory })).rejects.toThrow(code('OCIDSL_LAYOUT_ENTRY', 'it has 2 entries'));
  });

  it('takes one image under two names as one', async () => {
    const cas = await diskCas();
    const a = await storeImage(cas, ['a']);
    const directory = await layout([named(a, 'x'), named(a, 'y')], cas, [a]);
    expect((await readLayoutImage({ directory })).manifest.digest).toBe(a.digest);
  });

  it('ignores entries that are no images, and files that it does not know', async () => {
    const cas = await diskCas();
    const a = await storeImage(cas, ['a']);
    const directory = await layout([{ mediaType: 'text/plain', digest: `sha256:${'0'.repeat(64)}`, size: 1 }, a], cas, [a]);
    await writeFile(join(directory, 'manifest.json'), '[]');
    expect((await readLayoutImage({ directory })).manifest.digest).toBe(a.digest);
  });

  it('refuses nested indexes that are too deep, and cycles of a lying layout by digest', async () => {
    const cas = await diskCas();
    let root = await storeImage(cas, ['a']);
    for (let i = 0; i < 9; i++) root = await index(cas, [root]);
    const directory = await layout([root], cas, [root]);
    await expect(readLayoutImage({ directory })).rejects.toThrow(code('OCIDSL_LAYOUT_ENTRY', 'nested deeper than 8 levels'));
  });

  it('refuses schema 1', async () => {
    const cas = await diskCas();
    const bytes = Buffer.from('{"schemaVersion":1,"fsLayers":[]}');
    await cas.write(bytes);
    const old = descriptorOf(DOCKER.schema1Signed, bytes);
    await expect(readLayoutImage({ directory: await layout([old], cas, [old]) })).rejects.toThrow(code('OCIDSL_MANIFEST_SCHEMA1'));
  });

  it.each<[string, (directory: string, blob: string) => Promise<unknown>, string]>([
    ['a missing blob', (_, blob) => rm(blob), 'OCIDSL_BLOB_MISSING'],
    [
      'other bytes of the same size',
      async (_, blob) => await writeFile(blob, (await readFile(blob, 'latin1')).replace('2', '3')),
      'OCIDSL_BLOB_CORRUPT',
    ],
    ['a truncated blob', (_, blob) => writeFile(blob, '{'), 'OCIDSL_BLOB_CORRUPT'],
    [
      'a blob that is a link, even to the right bytes',
      async (directory, blob) => {
        await rename(blob, join(directory, 'moved'));
        await symlink(join(directory, 'moved'), blob);
      },
      'OCIDSL_BLOB_CORRUPT',
    ],
    [
      'a blob that is a folder',
      async (_, blob) => {
        await rm(blob);
        await mkdir(blob);
      },
      'OCIDSL_BLOB_CORRUPT',
    ],
    [
      'a blob that is a pipe',
      async (_, blob) => {
        await rm(blob);
        spawnSync('mkfifo', [blob]);
      },
      'OCIDSL_BLOB_CORRUPT',
    ],
    [
      'a linked folder of blobs',
      async (directory) => {
        await rename(join(directory, 'blobs/sha256'), join(directory, 'moved'));
        await symlink(join(directory, 'moved'), join(directory, 'blobs/sha256'));
      },
      'OCIDSL_LAYOUT_FILE',
    ],
    [
      'a linked index.json',
      async (directory) => {
        await rename(join(directory, 'index.json'), join(directory, 'moved'));
        await symlink('moved', join(directory, 'index.json'));
      },
      'OCIDSL_LAYOUT_FILE',
    ],
    ['no index.json', (directory) => rm(join(directory, 'index.json')), 'OCIDSL_LAYOUT_MISSING'],
    ['no oci-layout', (directory) => rm(join(directory, 'oci-layout')), 'OCIDSL_LAYOUT_MISSING'],
    [
      'a future version',
      (directory) => writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
      'OCIDSL_LAYOUT_VERSION',
    ],
    ['no version', (directory) => writeFile(join(directory, 'oci-layout'), '{}'), 'OCIDSL_DOCUMENT_FIELD'],
    [
      'an index.json with duplicate keys',
      (directory) => writeFile(join(directory, 'index.json'), '{"schemaVersion":2,"manifests":[],"manifests":[]}'),
      'OCIDSL_JSON_SYNTAX',
    ],
    [
      'an empty index.json',
      (directory) => writeFile(join(directory, 'index.json'), '{"schemaVersion":2,"manifests":[]}'),
      'OCIDSL_LAYOUT_ENTRY',
    ],
    ['a torn index.json', (directory) => writeFile(join(directory, 'index.json'), ''), 'OCIDSL_JSON_SYNTAX'],
  ])('refuses %s', async (_, breakIt, wanted) => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const directory = await layout([root], cas, [root]);
    await breakIt(directory, layoutBlobPath(directory, descriptorDigest(root).hash));
    await expect(readLayoutImage({ directory })).rejects.toThrow(code(wanted));
  });

  it('names a folder that is not there', async () => {
    await expect(readLayout('/does/not/exist')).rejects.toThrow(code('OCIDSL_LAYOUT_MISSING', 'Cannot read OCI layout "/does/not/exist"'));
  });

  it.skipIf(spawnSync('skopeo', ['--version']).status !== 0)('reads what skopeo writes (skipped without skopeo)', async () => {
    const cas = await diskCas();
    const [a, b] = [await storeImage(cas, ['a']), await storeImage(cas, ['b'])];
    const from = await layout([named(a, 'a'), named(b, 'b')], cas, [a, b]);
    const to = join(await temporaryFolder(), 'to');
    for (const name of ['a', 'b']) {
      const run = spawnSync('skopeo', ['copy', '--preserve-digests', `oci:${from}:${name}`, `oci:${to}:tag-${name}`], { encoding: 'utf8' });
      expect(run.stderr).not.toContain('level=fatal');
    }
    expect((await readLayoutImage({ directory: to, refName: 'tag-b' })).manifest.digest).toBe(b.digest);
    expect((await readLayout(to)).entries).toHaveLength(2);
  });
});

describe('layoutBlobSource()', () => {
  it('has what the layout has', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const directory = await layout([root], cas, [root]);
    const source = layoutBlobSource(directory);
    const digest = descriptorDigest(root);
    const missing = { hash: '0'.repeat(64), sizeBytes: 1 };
    expect(await source.findMissing([digest, missing, missing, EMPTY_DIGEST])).toEqual([missing]);
    expect(await source.findMissing([{ ...digest, sizeBytes: 1 }])).toEqual([{ ...digest, sizeBytes: 1 }]);
    expect(await source.readBytes(digest)).toEqual(await cas.readBytes(digest));
    expect(await source.localPath!(digest)).toBe(layoutBlobPath(directory, digest.hash));
    await expect(source.readBytes(missing)).rejects.toThrow(code('OCIDSL_BLOB_MISSING'));
    await expect(source.readBytes(digest, 5)).rejects.toThrow(code('OCIDSL_BLOB_TOO_LARGE'));
  });

  it('reads large blobs in chunks of at most 1 MiB, and finds one wrong bit', async () => {
    const cas = await diskCas();
    const bytes = Buffer.alloc(3_000_001, 'abc');
    const digest = await cas.write(bytes);
    const directory = await layout([], cas, [{ mediaType: 'text/plain', digest: formatDigest(digest), size: digest.sizeBytes }]);
    const source = layoutBlobSource(directory);
    const chunks: Uint8Array[] = [];
    for await (const chunk of source.read(digest)) chunks.push(chunk);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(1024 * 1024);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    bytes[1_500_000]! ^= 1;
    const path = layoutBlobPath(directory, digest.hash);
    await chmod(path, 0o644);
    await writeFile(path, bytes);
    await expect(source.localPath!(digest)).rejects.toThrow(code('OCIDSL_BLOB_CORRUPT'));
    // Somebody else's file: it is refused, not taken away.
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });
});
