// A blob that arrives in pieces, over several processes if need be, and goes to its place in the store when it is whole.
import { createHash, type Hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { EMPTY_DIGEST, sameDigest, type Digest } from '../base/digest.ts';
import { environmentError, isOcidslError } from '../base/errors.ts';
import { digestMismatch } from './blob-errors.ts';
import type { DiskBlobWriterOptions } from './disk-blob-writer.ts';
import { claimPartialFile, releasePartialFile, type PartialFile } from './partial-file.ts';
import type { ResumableBlobWriter } from './resumable-blob-writer.ts';
import { publish, removeQuietly } from './temporary-files.ts';

const CHUNK_BYTES = 1024 * 1024;

/**
 * A writer of the blob with this hash that goes on where the last one, perhaps of a killed process, stopped; 'busy' while another one is at it.
 */
export async function openPartialBlobWriter(options: DiskBlobWriterOptions, hash: string): Promise<ResumableBlobWriter | 'busy'> {
  const directory = options.layout.partial;
  try {
    const file = await claimPartialFile(directory, hash, options.directoryMode);
    if (file === 'busy') return file;
    return await PartialBlobWriter.open(file, options);
  } catch (error) {
    throw isOcidslError(error) ? error : environmentError(`write to "${directory}"`, error);
  }
}

class PartialBlobWriter implements ResumableBlobWriter {
  readonly #options: DiskBlobWriterOptions;
  readonly #file: PartialFile;
  #hash: Hash = createHash('sha256');
  #sizeBytes = 0;
  #isOpen = true;

  private constructor(file: PartialFile, options: DiskBlobWriterOptions) {
    this.#file = file;
    this.#options = options;
  }

  static async open(file: PartialFile, options: DiskBlobWriterOptions): Promise<PartialBlobWriter> {
    const writer = new PartialBlobWriter(file, options);
    try {
      await writer.#readRemains(file.handle);
    } catch (error) {
      await writer.suspend();
      throw error;
    }
    return writer;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  digest(): Digest {
    return { hash: this.#hash.copy().digest('hex'), sizeBytes: this.#sizeBytes };
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#orSuspend(async () => {
      const at = this.#sizeBytes;
      this.#sizeBytes += chunk.byteLength;
      // The disk and the hash work at the same time.
      const written = writeFully(this.#file.handle, chunk, at);
      this.#hash.update(chunk);
      await written;
    });
  }

  async restart(): Promise<void> {
    await this.#orSuspend(async () => await this.#file.handle.truncate(0));
    this.#hash = createHash('sha256');
    this.#sizeBytes = 0;
  }

  async commit(expected: Digest): Promise<Digest> {
    const digest = this.digest();
    await this.#orSuspend(async () => {
      if (!sameDigest(digest, expected)) {
        await this.restart();
        throw digestMismatch(digest, expected);
      }
      if (!sameDigest(digest, EMPTY_DIGEST)) await this.#publish(digest);
    });
    await this.suspend();
    return digest;
  }

  async suspend(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#file.handle.close().catch(() => undefined);
    if (this.#sizeBytes === 0) removeQuietly(this.#file.path);
    else releasePartialFile(this.#file.path);
  }

  async #publish(digest: Digest): Promise<void> {
    const { handle, path } = this.#file;
    const { layout, directoryMode, isDurable, onStored } = this.#options;
    await handle.chmod(0o444);
    if (isDurable) await handle.sync();
    const stat: BigIntStats = await handle.stat({ bigint: true });
    this.#isOpen = false;
    await handle.close();
    publish(path, layout.blob(digest), directoryMode);
    onStored(digest, stat);
  }

  // Nothing of it is trusted: it is hashed like what arrives.
  async #readRemains(handle: FileHandle): Promise<void> {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, this.#sizeBytes);
      if (bytesRead === 0) return;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#sizeBytes += bytesRead;
    }
  }

  async #orSuspend(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      await this.suspend();
      if (typeof (error as NodeJS.ErrnoException | undefined)?.syscall !== 'string') throw error;
      throw environmentError(`write ${this.#sizeBytes} bytes of a blob to "${this.#file.path}"`, error);
    }
  }
}

async function writeFully(handle: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.byteLength;) {
    done += (await handle.write(data, done, data.byteLength - done, position + done)).bytesWritten;
  }
}
