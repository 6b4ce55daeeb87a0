// One tar stream that is an OCI layout and a docker archive at once, so that every engine of the last ten years reads
// it: containerd takes index.json and keeps the digests, Docker's classic store and podman take manifest.json.
import { pack } from 'tar-stream';
import { utf8 } from '../base/bytes.ts';
import { invariant } from '../base/errors.ts';
import { canonicalJson } from '../base/json.ts';
import { descriptorDigest, type Descriptor } from '../oci/descriptor.ts';
import { parseReference } from '../registry/reference.ts';
import type { BlobSource } from '../store/blob-source.ts';
import { checkingDiffId } from './image-archive-diff-id.ts';
import type { ReadImage } from './load-read-image.ts';

/** What goes into an archive. */
export interface ImageArchiveOptions {
  readonly image: ReadImage;
  readonly source: BlobSource;
  /** Full names with tag, as in `docker.io/library/hello:latest`; without any the image is found by its digest only. */
  readonly names: readonly string[];
  /** Layers, by `sha256:…`, that are named but not sent, because the receiver has them. Default: none. */
  readonly omittedLayers?: ReadonlySet<string>;
  /**
   * Whether the uncompressed bytes of each layer are compared with the config's diff ID on their way, for receivers
   * that do not compare them themselves. Costs one decompression.
   * @default false
   */
  readonly verifyDiffIds?: boolean;
}

/**
 * The archive in chunks of at most 1 MiB: the same bytes for the same image and names. Nothing is read ahead of the
 * consumer. Blobs come before the files that name them, so that a torn stream names nothing.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 * @throws OCIDSL_BLOB_MISSING, OCIDSL_BLOB_CORRUPT; OCIDSL_IMAGE_DIFF_ID where a layer is not what the config says
 */
export async function* imageArchive(options: ImageArchiveOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { image, source, names, omittedLayers, verifyDiffIds = false } = options;
  yield await header('blobs/', 'directory', 0);
  yield await header('blobs/sha256/', 'directory', 0);

  // An image may list one layer several times; its blob is stored once.
  const written = new Set<string>(omittedLayers);
  for (const [position, layer] of image.layers.entries()) {
    if (written.has(layer.digest)) continue;
    written.add(layer.digest);
    const chunks = source.read(descriptorDigest(layer));
    yield* file(blobPath(layer), layer.size, verifyDiffIds ? checkingDiffId(chunks, layer, image.diffIds[position]!) : chunks);
  }
  yield* bytesFile(blobPath(image.config), image.configBytes);
  yield* bytesFile(blobPath(image.manifest), image.manifestBytes);
  yield* bytesFile('manifest.json', utf8(dockerManifest(image, names)));
  yield* bytesFile('index.json', utf8(layoutIndex(image.manifest, names)));
  yield* bytesFile('oci-layout', utf8('{"imageLayoutVersion":"1.0.0"}'));
  yield Buffer.alloc(2 * BLOCK);
}

// The order of Layers is that of the diff IDs; a layer that is listed twice has one path, twice.
function dockerManifest(image: ReadImage, names: readonly string[]): string {
  return canonicalJson([{ Config: blobPath(image.config), RepoTags: names, Layers: image.layers.map(blobPath) }]);
}

// One entry a name: containerd makes an image of each, named by the first annotation. Without a name one entry is left,
// which is what readers of a layout take when they are not told which image they want.
function layoutIndex(manifest: Descriptor, names: readonly string[]): string {
  const { mediaType, digest, size } = manifest;
  const named = names.map((name) => ({
    mediaType,
    digest,
    size,
    annotations: {
      'io.containerd.image.name': name,
      'org.opencontainers.image.ref.name': parseReference(name).tag ?? 'latest',
    },
  }));
  return canonicalJson({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: named.length > 0 ? named : [{ mediaType, digest, size }],
  });
}

function blobPath(descriptor: Descriptor): string {
  return `blobs/sha256/${descriptorDigest(descriptor).hash}`;
}

const BLOCK = 512;

async function* bytesFile(name: string, bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield* file(name, bytes.length, [bytes]);
}

async function* file(
  name: string,
  size: number,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield await header(name, 'file', size);
  let sent = 0;
  for await (const chunk of chunks) {
    sent += chunk.length;
    // The header has promised a size: more or fewer bytes would shift everything that follows.
    invariant(sent <= size, `${name} has more than its ${size} bytes`);
    yield chunk;
  }
  invariant(sent === size, `${name} has ${sent} of its ${size} bytes`);
  if (size % BLOCK !== 0) yield Buffer.alloc(BLOCK - (size % BLOCK));
}

// The stream has only plain entries of known size, so the packer is asked for headers and the bytes pass it by.
async function header(name: string, type: 'file' | 'directory', size: number): Promise<Uint8Array> {
  const packer = pack();
  packer.entry({ name, type, size, mode: type === 'file' ? 0o644 : 0o755, mtime: new Date(0) });
  for await (const block of packer as AsyncIterable<Uint8Array>) {
    invariant(block.length === BLOCK, `the header of ${name} is one block`);
    return block;
  }
  throw new Error(`Broken invariant: the packer gave no header for ${name}`);
}
