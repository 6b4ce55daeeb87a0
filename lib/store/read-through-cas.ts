// Adds to a store that what it lacks comes from another one: a local store over a remote one, or a private one over one
// that may only be read. Writes go to the first only.
import { isOcidslError } from '../base/errors.ts';
import { copyBlob } from './blob-copy.ts';
import { blobTooLarge, DEFAULT_READ_LIMIT_BYTES } from './blob-errors.ts';
import type { Digest } from '../base/digest.ts';
import type { BlobSource } from './blob-source.ts';
import type { BlobWriter, ContentAddressableStorage } from './content-addressable-storage.ts';
import type { ResumableBlobWriter } from './resumable-blob-writer.ts';

/** How a ReadThroughCas treats what it finds in the second store. */
export interface ReadThroughOptions {
  /** Keep a copy of what is read in the first store. Default true; false where the second is as near as the first. */
  readonly keepsCopies?: boolean;
}

/** Blobs of `near`, and behind it those of `far`. */
export class ReadThroughCas implements ContentAddressableStorage {
  readonly #near: ContentAddressableStorage;
  readonly #far: BlobSource;
  readonly #keepsCopies: boolean;
  /** Copies that are under way: readers of the same blob wait for one of them. */
  readonly #copies = new Map<string, Promise<void>>();

  constructor(near: ContentAddressableStorage, far: BlobSource, options: ReadThroughOptions = {}) {
    this.#near = near;
    this.#far = far;
    this.#keepsCopies = options.keepsCopies ?? true;
  }

  async findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    const missing = await this.#near.findMissing(digests);
    return missing.length === 0 ? missing : this.#far.findMissing(missing);
  }

  async *read(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    // Where a near blob turns out to be corrupt half-way, its bytes have left already: that read fails, the next one,
    // which does not find the blob here any more, does not.
    yield* (await this.#sourceOf(digest)).read(digest);
  }

  async readBytes(digest: Digest, limitBytes = DEFAULT_READ_LIMIT_BYTES): Promise<Buffer> {
    if (digest.sizeBytes > limitBytes) throw blobTooLarge(digest, limitBytes); // Before anything is copied.
    return this.#readWhole(digest, (source) => source.readBytes(digest, limitBytes));
  }

  openWriter(): Promise<BlobWriter> {
    return this.#near.openWriter();
  }

  async adopt(file: string): Promise<Digest | undefined> {
    return await this.#near.adopt?.(file);
  }

  write(data: Uint8Array): Promise<Digest> {
    return this.#near.write(data);
  }

  async localPath(digest: Digest): Promise<string | undefined> {
    return this.#readWhole(digest, async (source) => source.localPath?.(digest));
  }

  async uploadPath(digest: Digest): Promise<string | undefined> {
    return (await this.#sourceOf(digest)).uploadPath?.(digest);
  }

  async find(hash: string): Promise<Digest | undefined> {
    return (await this.#near.find?.(hash)) ?? (await this.#far.find?.(hash));
  }

  async openResumableWriter(hash: string): Promise<ResumableBlobWriter | 'busy' | undefined> {
    return await this.#near.openResumableWriter?.(hash);
  }

  async #readWhole<T>(digest: Digest, read: (source: BlobSource) => Promise<T>): Promise<T> {
    const source = await this.#sourceOf(digest);
    try {
      return await read(source);
    } catch (error) {
      if (source === this.#far || !isUnusable(error)) throw error;
      // It was taken out of the near store meanwhile, or was corrupt.
      return read(await this.#sourceOf(digest));
    }
  }

  async #sourceOf(digest: Digest): Promise<BlobSource> {
    if ((await this.#near.findMissing([digest])).length === 0) return this.#near;
    if (!this.#keepsCopies) return this.#far;
    const key = `${digest.hash}/${digest.sizeBytes}`;
    let copy = this.#copies.get(key);
    if (copy === undefined) {
      copy = copyBlob(this.#far, this.#near, digest).finally(() => this.#copies.delete(key));
      this.#copies.set(key, copy);
    }
    await copy;
    return this.#near;
  }
}

function isUnusable(error: unknown): boolean {
  return isOcidslError(error) && (error.code === 'OCIDSL_BLOB_MISSING' || error.code === 'OCIDSL_BLOB_CORRUPT');
}
