// Blobs as files on the local disk. Bytes are not verified here when they are read: the store is of use only inside
// VerifyingCas, see openDiskStore(). Any number of processes may use one directory.
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { EMPTY_DIGEST, digestOf, sameDigest } from '../base/digest.ts';
import { createLimiter } from '../base/limiter.ts';
import { environmentError } from '../base/errors.ts';
import { adoptFile } from './adopt-file.ts';
import { blobMissing } from './blob-errors.ts';
import { DiskBlobWriter } from './disk-blob-writer.ts';
import { openPartialBlobWriter } from './partial-blob-writer.ts';
import { errorCode } from './system-error.ts';
import { sweepTemporaryFiles } from './temporary-files.ts';
import type { BigIntStats } from 'node:fs';
import type { Digest } from '../base/digest.ts';
import type { BlobWriter } from './content-addressable-storage.ts';
import type { DiskBlobWriterOptions } from './disk-blob-writer.ts';
import type { DiskLayout } from './disk-layout.ts';
import type { ResumableBlobWriter } from './resumable-blob-writer.ts';
import type { StoredFile, UnverifiedCas } from './unverified-cas.ts';

/** How a DiskCas writes. */
export interface DiskCasOptions {
  /** Flush each blob to the device before it becomes visible. Default true; false for stores that end with the process. */
  readonly isDurable?: boolean;
  /** Mode of folders that are made. Default 0700. */
  readonly directoryMode?: number;
}

const CHUNK_BYTES = 256 * 1024;
/** After so many bytes a reader lets timers and signals run: reads are synchronous. */
const BREATH_BYTES = 8 * 1024 * 1024;
/** Small blobs that are written at a time: enough for the thread pool to flush several at once, few open files. */
const SMALL_WRITES = 16;
/** O_NONBLOCK: a pipe that somebody put in a blob's place must not stop us forever. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** A blob store in the cache directory of `layout`. */
export class DiskCas implements UnverifiedCas {
  readonly #layout: DiskLayout;
  readonly #writerOptions: DiskBlobWriterOptions;
  readonly #limit = createLimiter(SMALL_WRITES);
  /** Fingerprints of what this process has written. */
  readonly #ownWork = new Map<string, string>();
  /** Corrupt blobs that could not be taken out, because the directory is read-only. */
  readonly #unusable = new Set<string>();
  #isSwept = false;

  constructor(layout: DiskLayout, options: DiskCasOptions = {}) {
    this.#layout = layout;
    this.#writerOptions = {
      layout,
      directoryMode: options.directoryMode ?? 0o700,
      isDurable: options.isDurable ?? true,
      onStored: (digest, stat) => {
        this.#ownWork.set(digest.hash, fingerprint(stat));
        this.#unusable.delete(digest.hash);
      },
    };
  }

  async findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    const missing = new Map<string, Digest>();
    for (const digest of digests) {
      if (!sameDigest(digest, EMPTY_DIGEST) && !this.#has(digest)) missing.set(`${digest.hash}/${digest.sizeBytes}`, digest);
    }
    return [...missing.values()];
  }

  async openWriter(): Promise<BlobWriter> {
    this.#sweepOnce();
    return new DiskBlobWriter(this.#writerOptions);
  }

  async adopt(file: string): Promise<Digest | undefined> {
    this.#sweepOnce();
    try {
      return await adoptFile(file, this.#writerOptions);
    } catch (error) {
      throw environmentError(`move "${file}" into the store`, error);
    }
  }

  async openResumableWriter(hash: string): Promise<ResumableBlobWriter | 'busy'> {
    this.#sweepOnce();
    return await openPartialBlobWriter(this.#writerOptions, hash);
  }

  write(data: Uint8Array): Promise<Digest> {
    return this.#limit(async () => {
      const digest = digestOf(data);
      if (sameDigest(digest, EMPTY_DIGEST) || this.#has(digest)) return digest;
      const writer = await this.openWriter();
      await writer.write(data);
      return writer.commit();
    });
  }

  async *readUnverified(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    const path = this.#layout.blob(digest);
    if (this.#unusable.has(digest.hash)) throw blobMissing(digest);
    const fd = openBlob(path, digest);
    if (fd === undefined) return; // Not a file: to the reader it is a blob without bytes, and so a corrupt one.
    try {
      let left = fstatSync(fd).size;
      for (let sinceBreath = 0; left > 0;) {
        // A new buffer each time: readers may keep chunks. 256 KiB is where reading is fastest.
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, left));
        const size = readChunk(fd, chunk, path);
        if (size === 0) return;
        left -= size;
        yield size === chunk.length ? chunk : chunk.subarray(0, size);
        sinceBreath += size;
        if (sinceBreath < BREATH_BYTES) continue;
        sinceBreath = 0;
        await setImmediate();
      }
    } finally {
      closeSync(fd);
    }
  }

  async discard(digest: Digest): Promise<void> {
    // Another process may have put a good blob there meanwhile, or the reader may have asked with a wrong size.
    if (await this.#isRight(digest)) return;
    this.#ownWork.delete(digest.hash);
    try {
      // Kept for a day, for whoever wants to know what happened; swept like the remains of killed processes.
      renameSync(this.#layout.blob(digest), join(this.#layout.temporary, `corrupt-${digest.hash}`));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') this.#unusable.add(digest.hash);
    }
  }

  storedFile(digest: Digest): StoredFile | undefined {
    const path = this.#layout.blob(digest);
    const stat = this.#stat(digest);
    if (stat === undefined) return undefined;
    const now = fingerprint(stat);
    return { path, fingerprint: now, isOwnWork: this.#ownWork.get(digest.hash) === now };
  }

  storedSize(hash: string): number | undefined {
    const size = this.#stat({ hash })?.size;
    return size === undefined ? undefined : Number(size);
  }

  #has(digest: Digest): boolean {
    // A blob of another size is truncated, and as good as missing.
    return this.#stat(digest)?.size === BigInt(digest.sizeBytes);
  }

  #stat(digest: Pick<Digest, 'hash'>): BigIntStats | undefined {
    const path = this.#layout.blob(digest);
    if (this.#unusable.has(digest.hash)) return undefined;
    try {
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stat?.isFile() ? stat : undefined;
    } catch (error) {
      throw environmentError(`look at blob "${path}"`, error);
    }
  }

  async #isRight(digest: Digest): Promise<boolean> {
    try {
      const hash = createHash('sha256');
      for await (const chunk of this.readUnverified(digest)) hash.update(chunk);
      return hash.digest('hex') === digest.hash;
    } catch {
      return false;
    }
  }

  #sweepOnce(): void {
    if (this.#isSwept) return;
    this.#isSwept = true;
    sweepTemporaryFiles(this.#layout.temporary, Date.now());
  }
}

/** Opens a blob; undefined where something else than a regular file is in its place. */
function openBlob(path: string, digest: Digest): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, READ);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') throw blobMissing(digest);
    if (code === 'ELOOP' || code === 'ENXIO') return undefined; // a symbolic link, a socket
    throw environmentError(`open blob "${path}"`, error);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  return undefined;
}

function readChunk(fd: number, chunk: Buffer, path: string): number {
  try {
    return readSync(fd, chunk);
  } catch (error) {
    throw environmentError(`read blob "${path}"`, error);
  }
}

// Not the change time: a hard link to the file, which is how outputs are staged, would change it.
function fingerprint(stat: BigIntStats): string {
  return `${stat.size}-${stat.mtimeNs}-${stat.ino}`;
}
