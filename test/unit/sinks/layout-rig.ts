// What the tests of layouts share: a real store in a temporary folder, images in it, and looking at what was written.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { onTestFinished } from 'vitest';
import { assembleImage } from '../../../lib/oci/assemble-image.ts';
import { descriptorDigest, descriptorOf, withPlatform, type Descriptor } from '../../../lib/oci/descriptor.ts';
import { encodeImageIndex, parseImageIndex } from '../../../lib/oci/image-index.ts';
import { parseManifest } from '../../../lib/oci/manifest.ts';
import { isIndexMediaType, OCI } from '../../../lib/oci/media-types.ts';
import { formatPlatform, parsePlatform } from '../../../lib/oci/platform.ts';
import { validateImage } from '../../../lib/oci/validate.ts';
import { digestOf, formatDigest, sha256Hex, type Digest } from '../../../lib/base/digest.ts';
import type { BlobSource } from '../../../lib/store/blob-source.ts';
import type { ContentAddressableStorage } from '../../../lib/store/content-addressable-storage.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';

/** A folder that is gone after the test. */
export async function temporaryFolder(parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'ocidsl-layout-'));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A store on disk, in a folder of its own. */
export async function diskCas(): Promise<ContentAddressableStorage> {
  return openDiskStore({ directory: join(await temporaryFolder(), 'cache') }).cas;
}

/** A gzipped tar of files. */
export async function layerOf(files: Readonly<Record<string, string>>): Promise<{ blob: Buffer; diffId: string }> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mtime: new Date(0) }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return { blob: gzipSync(bytes), diffId: formatDigest(digestOf(bytes)) };
}

/** Puts an image with one layer for each of `contents` into a store. */
export async function storeImage(
  cas: ContentAddressableStorage,
  contents: readonly string[],
  platform = 'linux/amd64',
): Promise<Descriptor> {
  const layers = await Promise.all(contents.map((content, i) => layerOf({ [`file${i}`]: content })));
  const image = assembleImage({
    platform: parsePlatform(platform),
    layers: layers.map(({ blob, diffId }) => ({ descriptor: descriptorOf(OCI.layerGzip, blob), diffId })),
    run: { entrypoint: ['/file0'], env: [['PLATFORM', platform]] },
    annotations: [],
  });
  for (const bytes of [...layers.map(({ blob }) => blob), image.configBytes, image.manifestBytes]) await cas.write(bytes);
  return descriptorOf(OCI.manifest, image.manifestBytes);
}

/** Puts an index of such images into a store. */
export async function storeIndex(
  cas: ContentAddressableStorage,
  contents: readonly string[],
  platforms: readonly string[],
): Promise<Descriptor> {
  const manifests = await Promise.all(
    platforms.map(async (platform) => withPlatform(await storeImage(cas, [...contents, platform], platform), parsePlatform(platform))),
  );
  const bytes = encodeImageIndex({ schemaVersion: 2, mediaType: OCI.index, manifests });
  await cas.write(bytes);
  return descriptorOf(OCI.index, bytes);
}

/** Every file and folder below a folder, sorted, folders with a slash. */
export async function listing(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => `${join(entry.parentPath, entry.name).slice(folder.length + 1)}${entry.isDirectory() ? '/' : ''}`).sort();
}

/**
 * The digest of the one entry of the layout in `folder`, after checking by hand that every blob below it is there with the
 * right bytes, and that images are valid. Throws where anything is wrong: this is what "complete" means.
 */
export async function checkLayout(folder: string): Promise<string> {
  const marker = JSON.parse(await readFile(join(folder, 'oci-layout'), 'utf8')) as unknown;
  if (JSON.stringify(marker) !== '{"imageLayoutVersion":"1.0.0"}') throw new Error('oci-layout is wrong');
  const index = parseImageIndex(await readFile(join(folder, 'index.json')), 'index.json');
  if (index.manifests.length !== 1) throw new Error(`index.json has ${index.manifests.length} entries`);
  const read = async (descriptor: Descriptor): Promise<Buffer> => {
    const bytes = await readFile(join(folder, 'blobs', 'sha256', descriptorDigest(descriptor).hash));
    if (bytes.length !== descriptor.size || `sha256:${sha256Hex(bytes)}` !== descriptor.digest)
      throw new Error(`blob ${descriptor.digest} is wrong`);
    return bytes;
  };
  const visit = async (descriptor: Descriptor): Promise<void> => {
    const bytes = await read(descriptor);
    if (isIndexMediaType(descriptor.mediaType)) {
      for (const child of parseImageIndex(bytes, 'i').manifests) await visit(child);
      return;
    }
    const manifest = parseManifest(bytes, 'm');
    const layers = new Map<string, Buffer>();
    for (const layer of manifest.layers) layers.set(layer.digest, await read(layer));
    const problems = await validateImage({
      manifest: bytes,
      config: await read(manifest.config),
      descriptor,
      async *openLayer(layer) {
        yield layers.get(layer.digest)!;
      },
    });
    if (problems.length > 0)
      throw new Error(
        `image ${descriptor.digest}${descriptor.platform ? ` (${formatPlatform(descriptor.platform)})` : ''}: ${problems.join('; ')}`,
      );
  };
  await visit(index.manifests[0]!);
  return index.manifests[0]!.digest;
}

/** A source that does not give paths, so that every blob is copied; `onRead` is called before each read. */
export function copyingSource(source: BlobSource, onRead: (digest: Digest) => void | Promise<void> = () => {}): BlobSource {
  return {
    findMissing: (digests) => source.findMissing(digests),
    readBytes: (digest, limit) => source.readBytes(digest, limit),
    async *read(digest) {
      await onRead(digest);
      yield* source.read(digest);
    },
  };
}
