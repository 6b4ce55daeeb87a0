// One blob on its way to the disk. Durability: docs/decisions/0003-durability.md
// The bytes are hashed while they are written, go to a temporary file in the same file system, are flushed by fsync, and
// only then get their name by rename. The folder is not flushed: if the new name is lost with the power, the blob is
// missing and is made again, which is as if it had never been written; and every read is verified anyway.
import { createHash } from 'node:crypto';
import { closeSync, fchmodSync, fstatSync, fsync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { EMPTY_DIGEST, sameDigest } from '../base/digest.ts';
import { environmentError, invariant } from '../base/errors.ts';
import { digestMismatch } from './blob-errors.ts';
import { createTemporaryFile, publish, removeQuietly } from './temporary-files.ts';
import type { BigIntStats } from 'node:fs';
import type { Digest } from '../base/digest.ts';
import type { BlobWriter } from './content-addressable-storage.ts';
import type { DiskLayout } from './disk-layout.ts';

// What takes long (fsync, large writes) runs in the thread pool; what takes microseconds is called directly, because the
// way to the pool and back costs more than the call. File descriptors, not FileHandle, so that both can be mixed.
const fsyncAsync = promisify(fsync);
const writeAsync = promisify(write) as unknown as (
  fd: number,
  data: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesWritten: number }>;

/** Chunks are collected up to this size, so that a writer of many small pieces does not pay for a system call each. */
const COLLECT_BYTES = 256 * 1024;

/** What a DiskBlobWriter needs of its store. */
export interface DiskBlobWriterOptions {
  readonly layout: DiskLayout;
  readonly directoryMode: number;
  /** Flush to the device before the blob becomes visible. */
  readonly isDurable: boolean;
  /** Called with the published file. */
  readonly onStored: (digest: Digest, stat: BigIntStats) => void;
}

/** Writes one blob of any size in constant memory. Nothing touches the disk before the first 256 KiB. */
export class DiskBlobWriter implements BlobWriter {
  readonly #options: DiskBlobWriterOptions;
  readonly #hash = createHash('sha256');
  #collected: Buffer = EMPTY;
  #collectedBytes = 0;
  #sizeBytes = 0;
  #position = 0;
  #fd: number | undefined;
  #path: string | undefined;
  #state: 'open' | 'committed' | 'aborted' = 'open';

  constructor(options: DiskBlobWriterOptions) {
    this.#options = options;
  }

  async write(chunk: Uint8Array): Promise<void> {
    invariant(this.#state === 'open', `a blob writer is written to after it was ${this.#state}`);
    this.#sizeBytes += chunk.byteLength;
    const isSmall = chunk.byteLength < COLLECT_BYTES / 4 || this.#fd === undefined;
    if (isSmall && this.#collectedBytes + chunk.byteLength <= COLLECT_BYTES) {
      this.#hash.update(chunk);
      this.#collect(chunk);
      return;
    }
    await this.#orAbort(async () => {
      this.#flush();
      // The disk and the hash work at the same time: the write runs in the thread pool while this thread hashes.
      const written = this.#append(chunk);
      this.#hash.update(chunk);
      await written;
    });
  }

  async commit(expected?: Digest): Promise<Digest> {
    invariant(this.#state === 'open', `a blob writer is committed after it was ${this.#state}`);
    const digest: Digest = { hash: this.#hash.digest('hex'), sizeBytes: this.#sizeBytes };
    await this.#orAbort(async () => {
      if (expected !== undefined && !sameDigest(digest, expected)) throw digestMismatch(digest, expected);
      if (sameDigest(digest, EMPTY_DIGEST)) return;
      this.#flush();
      await this.#publish(digest);
    });
    this.#state = 'committed';
    return digest;
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    this.#collected = EMPTY;
    if (this.#fd !== undefined) closeQuietly(this.#fd);
    if (this.#path !== undefined) removeQuietly(this.#path);
  }

  async #publish(digest: Digest): Promise<void> {
    const fd = this.#open();
    fchmodSync(fd, 0o444);
    if (this.#options.isDurable) await fsyncAsync(fd);
    const stat = fstatSync(fd, { bigint: true });
    this.#fd = undefined;
    closeSync(fd); // Some file systems report a failed write only here.
    // Over what is there: the file that was there may be corrupt, this one is not.
    publish(this.#path as string, this.#options.layout.blob(digest), this.#options.directoryMode);
    this.#options.onStored(digest, stat);
  }

  #collect(chunk: Uint8Array): void {
    const needed = this.#collectedBytes + chunk.byteLength;
    if (needed > this.#collected.length) {
      const grown = Buffer.allocUnsafe(Math.min(COLLECT_BYTES, Math.max(needed, this.#collected.length * 4)));
      grown.set(this.#collected.subarray(0, this.#collectedBytes));
      this.#collected = grown;
    }
    this.#collected.set(chunk, this.#collectedBytes);
    this.#collectedBytes = needed;
  }

  #flush(): void {
    const fd = this.#open();
    const bytes = this.#collected.subarray(0, this.#collectedBytes);
    this.#collectedBytes = 0;
    for (let done = 0; done < bytes.byteLength;) {
      const written = writeSync(fd, bytes, done, bytes.byteLength - done, this.#position);
      done += written;
      this.#position += written;
    }
  }

  async #append(data: Uint8Array): Promise<void> {
    const fd = this.#open();
    const start = this.#position;
    this.#position += data.byteLength;
    for (let done = 0; done < data.byteLength;) {
      done += (await writeAsync(fd, data, done, data.byteLength - done, start + done)).bytesWritten;
    }
  }

  #open(): number {
    if (this.#fd === undefined) {
      const file = createTemporaryFile(this.#options.layout.temporary, this.#options.directoryMode);
      this.#fd = file.fd;
      this.#path = file.path;
    }
    return this.#fd;
  }

  async #orAbort(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      const path = this.#path ?? this.#options.layout.temporary;
      await this.abort();
      throw diskWriteError(path, this.#sizeBytes, error);
    }
  }
}

/** The failure of a write to the store: system errors get the path and the size, expected failures stay as they are. */
function diskWriteError(path: string, sizeBytes: number, error: unknown): unknown {
  const isSystemError = typeof (error as NodeJS.ErrnoException | undefined)?.syscall === 'string';
  return isSystemError ? environmentError(`write ${sizeBytes} bytes of a blob to "${path}"`, error) : error;
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The failure that led here is the one to report.
  }
}

const EMPTY: Buffer = Buffer.alloc(0);
