// Several attempts at one blob, over any store: each new one begins from zero.
import { createHash, type Hash } from 'node:crypto';
import type { Digest } from '../base/digest.ts';
import type { BlobWriter, ContentAddressableStorage } from './content-addressable-storage.ts';
import type { ResumableBlobWriter } from './resumable-blob-writer.ts';

/** A resumable writer over a store that keeps nothing of unfinished blobs. */
export class RestartableBlobWriter implements ResumableBlobWriter {
  readonly #cas: Pick<ContentAddressableStorage, 'openWriter'>;
  #writer: BlobWriter | undefined;
  #hash: Hash = createHash('sha256');
  #sizeBytes = 0;

  constructor(cas: Pick<ContentAddressableStorage, 'openWriter'>) {
    this.#cas = cas;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  digest(): Digest {
    return { hash: this.#hash.copy().digest('hex'), sizeBytes: this.#sizeBytes };
  }

  async write(chunk: Uint8Array): Promise<void> {
    const writer = (this.#writer ??= await this.#cas.openWriter());
    this.#sizeBytes += chunk.byteLength;
    this.#hash.update(chunk);
    await writer.write(chunk);
  }

  async restart(): Promise<void> {
    await this.suspend();
    this.#hash = createHash('sha256');
    this.#sizeBytes = 0;
  }

  async commit(expected: Digest): Promise<Digest> {
    const writer = (this.#writer ??= await this.#cas.openWriter());
    return await writer.commit(expected);
  }

  async suspend(): Promise<void> {
    await this.#writer?.abort();
    this.#writer = undefined;
  }
}
