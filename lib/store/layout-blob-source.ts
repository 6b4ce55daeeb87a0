// Blobs of an OCI layout on disk, verified on every read. The layout is somebody else's: nothing in it is followed out of
// it, changed or taken away.
import { constants, lstatSync, type BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { EMPTY_DIGEST, sameDigest, type Digest } from '../base/digest.ts';
import { environmentError } from '../base/errors.ts';
import { blobCorrupt, blobMissing } from './blob-errors.ts';
import type { BlobSource } from './blob-source.ts';
import { ReadOnlyCas } from './read-only-cas.ts';
import { errorCode } from './system-error.ts';
import type { StoredFile } from './unverified-cas.ts';
import { VerifyingCas } from './verifying-cas.ts';

/**
 * The blobs of the OCI layout in `directory`.
 * @throws on reading: OCIDSL_BLOB_MISSING; OCIDSL_BLOB_CORRUPT for other bytes, and for a symbolic link or anything else that is no
 * regular file
 */
export function layoutBlobSource(directory: string): BlobSource {
  return new VerifyingCas(new LayoutCas(directory));
}

/** Path of a blob in a layout. */
export function layoutBlobPath(directory: string, hash: string): string {
  return join(directory, 'blobs', 'sha256', hash);
}

const CHUNK_BYTES = 256 * 1024;
// O_NONBLOCK: a pipe in a blob's place must not stop us forever.
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

class LayoutCas extends ReadOnlyCas {
  readonly #directory: string;

  constructor(directory: string) {
    super(directory);
    this.#directory = directory;
  }

  async findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    const missing = new Map<string, Digest>();
    for (const digest of digests) {
      if (sameDigest(digest, EMPTY_DIGEST)) continue;
      const stat = this.#stat(digest);
      if (!stat?.isFile() || stat.size !== BigInt(digest.sizeBytes)) missing.set(`${digest.hash}/${digest.sizeBytes}`, digest);
    }
    return [...missing.values()];
  }

  async *readUnverified(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    const path = layoutBlobPath(this.#directory, digest.hash);
    const stat = this.#stat(digest);
    if (stat === undefined) throw blobMissing(digest);
    // Before it is opened: a file that is linked from elsewhere is not the layout's.
    if (!stat.isFile()) throw blobCorrupt(digest, `"${path}" is no regular file`);
    const file = await open(path, READ).catch((error: unknown) => {
      throw errorCode(error) === 'ENOENT' ? blobMissing(digest) : environmentError(`open blob "${path}"`, error);
    });
    try {
      const opened = await file.stat({ bigint: true });
      if (opened.ino !== stat.ino || !opened.isFile()) throw blobCorrupt(digest, `"${path}" was exchanged while it was opened`);
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  storedFile(digest: Digest): StoredFile | undefined {
    const stat = this.#stat(digest);
    if (!stat?.isFile()) return undefined;
    const fingerprint = `${stat.size}-${stat.mtimeNs}-${stat.ctimeNs}-${stat.ino}`;
    return { path: layoutBlobPath(this.#directory, digest.hash), fingerprint, isOwnWork: false };
  }

  #stat(digest: Digest): BigIntStats | undefined {
    const path = layoutBlobPath(this.#directory, digest.hash);
    try {
      return lstatSync(path, { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      throw environmentError(`look at blob "${path}"`, error);
    }
  }
}
