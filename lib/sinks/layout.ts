// An image or an index as an OCI layout folder with exactly one entry, so that any tool reads it without a name.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareUtf8, utf8 } from '../base/bytes.ts';
import type { Digest } from '../base/digest.ts';
import { createLimiter } from '../base/limiter.ts';
import { ANNOTATION } from '../oci/annotations.ts';
import { descriptorDigest, type Descriptor } from '../oci/descriptor.ts';
import { encodeImageIndex } from '../oci/image-index.ts';
import { isForeignLayerMediaType, OCI } from '../oci/media-types.ts';
import { checkRefName } from '../oci/ref-name.ts';
import type { BlobSource } from '../store/blob-source.ts';
import { lockFolder } from './folder-lock.ts';
import { blobFolder, hasWriter, listBlobs, LOCK_NAME, prepareLayoutFolder, removeOtherBlobs } from './layout-folder.ts';
import { replaceFile, replaceWithBlob, sweepFolder, syncFolder } from './replace-file.ts';
import { collectGraph } from './successors.ts';
import type { WrittenFile } from './written-file.ts';

/** What is written where. */
export interface LayoutOptions {
  /** A manifest or an index. */
  readonly root: Descriptor;
  /** Has every blob below `root`; layers that may not be distributed may be missing. */
  readonly source: BlobSource;
  /** Whether any layer may be missing: what the source lacks is left out, as in a sparse layout of an image whose base is in a registry. Default: false. */
  readonly isSparse?: boolean;
  /** The layout's folder: absent, empty, or a layout, which is replaced. */
  readonly directory: string;
  /** `org.opencontainers.image.ref.name` of the entry. Default: none. */
  readonly refName?: string;
  readonly signal?: AbortSignal;
}

const MARKER = utf8('{"imageLayoutVersion":"1.0.0"}');
const PARALLEL = 8;

/**
 * Writes a layout and returns its files, by path. A reader sees the old image or the new one, also where the writer is
 * killed: blobs come first, then `oci-layout`, then `index.json`; blobs that are no longer needed go last. Any number of
 * processes may write to one folder. Where nothing changed, files are only looked at.
 * @throws OCIDSL_OUTPUT_CONFLICT where something else is in the folder's place; OCIDSL_FOLDER_LOCKED; OCIDSL_BLOB_MISSING,
 * OCIDSL_BLOB_CORRUPT; what collectGraph() throws
 */
export async function writeLayout(options: LayoutOptions): Promise<readonly WrittenFile[]> {
  const { directory, source, signal } = options;
  const index = indexBytes(options);
  const blobs = await blobsOf(options);
  const files = [
    ...[...blobs.values()].map((digest): WrittenFile => ({ path: join(blobFolder(directory), digest.hash), sizeBytes: digest.sizeBytes })),
    { path: join(directory, 'index.json'), sizeBytes: index.byteLength },
    { path: join(directory, 'oci-layout'), sizeBytes: MARKER.byteLength },
  ].sort((a, b) => compareUtf8(a.path, b.path));
  if (!(await hasWriter(directory)) && (await isCurrent(directory, blobs, index))) return files;

  await prepareLayoutFolder(directory);
  const unlock = await lockFolder({ path: join(directory, LOCK_NAME), ...(signal && { signal }) });
  try {
    await Promise.all([sweepFolder(directory, 0), sweepFolder(blobFolder(directory), 0)]);
    // Another process may have written the same while this one waited.
    if (await isCurrent(directory, blobs, index)) return files;
    await writeBlobs(directory, source, [...blobs.values()], signal);
    await syncFolder(blobFolder(directory));
    if (!(await hasBytes(join(directory, 'oci-layout'), MARKER))) await replaceFile(join(directory, 'oci-layout'), MARKER);
    if (!(await hasBytes(join(directory, 'index.json'), index))) await replaceFile(join(directory, 'index.json'), index);
    await syncFolder(directory);
    await removeOtherBlobs(directory, new Set(blobs.keys()));
  } finally {
    await unlock();
  }
  return files;
}

function indexBytes({ root, refName }: LayoutOptions): Buffer {
  const { annotations: _, data: __, ...entry } = root;
  return encodeImageIndex({
    schemaVersion: 2,
    mediaType: OCI.index,
    manifests: [refName === undefined ? entry : { ...entry, annotations: { [ANNOTATION.refName]: checkRefName(refName) } }],
  });
}

async function blobsOf({ root, source, isSparse = false }: LayoutOptions): Promise<Map<string, Digest>> {
  const nodes = await collectGraph(root, source);
  const dispensable = nodes
    .filter(({ descriptor, bytes }) => (isSparse ? bytes === undefined : isForeignLayerMediaType(descriptor.mediaType)))
    .map((node) => descriptorDigest(node.descriptor));
  const missing = new Set(dispensable.length > 0 ? (await source.findMissing(dispensable)).map((digest) => digest.hash) : []);
  const digests = nodes.map((node) => descriptorDigest(node.descriptor)).filter((digest) => !missing.has(digest.hash));
  return new Map(digests.map((digest) => [digest.hash, digest]));
}

async function writeBlobs(directory: string, source: BlobSource, blobs: readonly Digest[], signal: AbortSignal | undefined): Promise<void> {
  const limit = createLimiter(PARALLEL);
  let hasFailed = false;
  const results = await Promise.allSettled(
    blobs.map((digest) =>
      limit(async () => {
        // After a failure nothing more is started; what runs ends before the lock is given back.
        if (hasFailed) return;
        try {
          signal?.throwIfAborted();
          const file = join(blobFolder(directory), digest.hash);
          if (!(await isFileOfSize(file, digest.sizeBytes))) await replaceWithBlob({ source, digest, file, mode: 0o444 });
        } catch (error) {
          hasFailed = true;
          throw error;
        }
      }),
    ),
  );
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}

// By size only: a blob that was written here is the store's verified file or a verified copy.
async function isCurrent(directory: string, blobs: ReadonlyMap<string, Digest>, index: Uint8Array): Promise<boolean> {
  if (!(await lstat(directory).catch(() => undefined))?.isDirectory()) return false;
  if (!(await hasBytes(join(directory, 'index.json'), index)) || !(await hasBytes(join(directory, 'oci-layout'), MARKER))) return false;
  if ((await listBlobs(directory)).length !== blobs.size) return false;
  for (const digest of blobs.values()) {
    if (!(await isFileOfSize(join(blobFolder(directory), digest.hash), digest.sizeBytes))) return false;
  }
  return true;
}

async function isFileOfSize(path: string, sizeBytes: number): Promise<boolean> {
  const stat = await lstat(path).catch(() => undefined);
  return stat?.isFile() === true && stat.size === sizeBytes;
}

async function hasBytes(path: string, bytes: Uint8Array): Promise<boolean> {
  if (!(await isFileOfSize(path, bytes.byteLength))) return false;
  return (await readFile(path)).equals(bytes);
}
