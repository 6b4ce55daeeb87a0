// Blobs in memory: for tests and for stores that end with the process.
import { createHash } from 'node:crypto';
import { EMPTY_DIGEST, digestOf, parseSha256, sameDigest } from '../base/digest.ts';
import { invariant } from '../base/errors.ts';
import { blobMissing, blobTooLarge, DEFAULT_READ_LIMIT_BYTES, digestMismatch } from './blob-errors.ts';
import type { Digest } from '../base/digest.ts';
import type { BlobWriter, ContentAddressableStorage } from './content-addressable-storage.ts';

const CHUNK_BYTES = 1024 * 1024;

/** A blob store in memory. What it holds was hashed when it came in and is given out only as copies. */
export class MemoryCas implements ContentAddressableStorage {
  readonly #blobs = new Map<string, Buffer>();

  async findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    const missing = new Map<string, Digest>();
    for (const digest of digests) {
      if (this.#get(digest) === undefined) missing.set(`${digest.hash}/${digest.sizeBytes}`, digest);
    }
    return [...missing.values()];
  }

  async *read(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    const blob = this.#get(digest);
    if (blob === undefined) throw blobMissing(digest);
    for (let at = 0; at < blob.length; at += CHUNK_BYTES) yield Buffer.from(blob.subarray(at, at + CHUNK_BYTES));
  }

  async readBytes(digest: Digest, limitBytes = DEFAULT_READ_LIMIT_BYTES): Promise<Buffer> {
    if (digest.sizeBytes > limitBytes) throw blobTooLarge(digest, limitBytes);
    const blob = this.#get(digest);
    if (blob === undefined) throw blobMissing(digest);
    return Buffer.from(blob);
  }

  async openWriter(): Promise<BlobWriter> {
    return new MemoryBlobWriter((digest, bytes) => this.#blobs.set(digest.hash, bytes));
  }

  async write(data: Uint8Array): Promise<Digest> {
    const bytes = Buffer.from(data);
    const digest = digestOf(bytes);
    this.#blobs.set(digest.hash, bytes);
    return digest;
  }

  async find(hash: string): Promise<Digest | undefined> {
    const blob = this.#blobs.get(hash);
    return blob === undefined ? undefined : { hash, sizeBytes: blob.length };
  }

  #get(digest: Digest): Buffer | undefined {
    if (sameDigest(digest, EMPTY_DIGEST)) return Buffer.alloc(0);
    const blob = this.#blobs.get(parseSha256(`sha256:${digest.hash}`));
    return blob?.length === digest.sizeBytes ? blob : undefined;
  }
}

class MemoryBlobWriter implements BlobWriter {
  readonly #store: (digest: Digest, bytes: Buffer) => void;
  readonly #hash = createHash('sha256');
  #chunks: Buffer[] = [];
  #state: 'open' | 'committed' | 'aborted' = 'open';

  constructor(store: (digest: Digest, bytes: Buffer) => void) {
    this.#store = store;
  }

  async write(chunk: Uint8Array): Promise<void> {
    invariant(this.#state === 'open', `a blob writer is written to after it was ${this.#state}`);
    this.#hash.update(chunk);
    this.#chunks.push(Buffer.from(chunk));
  }

  async commit(expected?: Digest): Promise<Digest> {
    invariant(this.#state === 'open', `a blob writer is committed after it was ${this.#state}`);
    const bytes = Buffer.concat(this.#chunks);
    const digest: Digest = { hash: this.#hash.digest('hex'), sizeBytes: bytes.length };
    await this.abort();
    if (expected !== undefined && !sameDigest(digest, expected)) throw digestMismatch(digest, expected);
    this.#state = 'committed';
    this.#store(digest, bytes);
    return digest;
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    this.#chunks = [];
  }
}
