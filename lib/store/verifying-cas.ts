// Adds to a store whose bytes are not trusted: every read is hashed, corrupt blobs are taken out.
import { createHash } from 'node:crypto';
import { EMPTY_DIGEST, sameDigest } from '../base/digest.ts';
import { isOcidslError } from '../base/errors.ts';
import { blobCorrupt, blobMissing, blobTooLarge, DEFAULT_READ_LIMIT_BYTES } from './blob-errors.ts';
import type { Digest } from '../base/digest.ts';
import type { EventListener } from '../base/events.ts';
import type { BlobWriter, ContentAddressableStorage } from './content-addressable-storage.ts';
import type { ResumableBlobWriter } from './resumable-blob-writer.ts';
import type { UnverifiedCas } from './unverified-cas.ts';

/**
 * Verified reads over `inner`. `onEvent` gets one warning for each corrupt blob.
 * The bytes that complete a blob are held back until its digest has been checked, so that also a reader that stops at
 * the announced size, and never sees the error at the end, cannot get the whole of a corrupt blob.
 */
export class VerifyingCas implements ContentAddressableStorage {
  readonly #inner: UnverifiedCas;
  readonly #onEvent: EventListener;
  /** Fingerprints of the files that this process has hashed, by the blob's hash. */
  readonly #verified = new Map<string, string>();

  constructor(inner: UnverifiedCas, onEvent: EventListener = () => {}) {
    this.#inner = inner;
    this.#onEvent = onEvent;
  }

  findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    return this.#inner.findMissing(digests);
  }

  openWriter(): Promise<BlobWriter> {
    return this.#inner.openWriter();
  }

  async adopt(file: string): Promise<Digest | undefined> {
    return await this.#inner.adopt?.(file);
  }

  write(data: Uint8Array): Promise<Digest> {
    return this.#inner.write(data);
  }

  async *read(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    if (sameDigest(digest, EMPTY_DIGEST)) return;
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of this.#inner.readUnverified(digest)) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > digest.sizeBytes) throw await this.#corrupt(digest, `it has more than ${digest.sizeBytes} bytes`);
      hash.update(chunk);
      if (sizeBytes === digest.sizeBytes && chunk.byteLength > 0) {
        const actual = hash.copy().digest('hex');
        if (actual !== digest.hash) throw await this.#corrupt(digest, `its bytes have the digest sha256:${actual}`);
      }
      yield chunk;
    }
    // A blob of no bytes is only the empty blob, so what ended at its size has been compared above.
    if (sizeBytes !== digest.sizeBytes || sizeBytes === 0) throw await this.#corrupt(digest, `it has ${sizeBytes} bytes`);
  }

  async readBytes(digest: Digest, limitBytes = DEFAULT_READ_LIMIT_BYTES): Promise<Buffer> {
    if (digest.sizeBytes > limitBytes) throw blobTooLarge(digest, limitBytes);
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.read(digest)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async localPath(digest: Digest): Promise<string | undefined> {
    // The empty blob is never missing, but has no file.
    if (this.#inner.storedFile === undefined || sameDigest(digest, EMPTY_DIGEST)) return undefined;
    const file = this.#inner.storedFile(digest);
    if (file === undefined) throw blobMissing(digest);
    if (file.isOwnWork || this.#verified.get(digest.hash) === file.fingerprint) return file.path;
    // The fingerprint is from before the bytes were read: what changes meanwhile is looked at again next time.
    for await (const _ of this.read(digest));
    this.#verified.set(digest.hash, file.fingerprint);
    return file.path;
  }

  async uploadPath(digest: Digest): Promise<string | undefined> {
    if (sameDigest(digest, EMPTY_DIGEST)) return undefined;
    return this.#inner.storedFile?.(digest)?.path;
  }

  async find(hash: string): Promise<Digest | undefined> {
    if (hash === EMPTY_DIGEST.hash) return EMPTY_DIGEST;
    const sizeBytes = this.#inner.storedSize?.(hash);
    if (sizeBytes === undefined) return undefined;
    try {
      await this.localPath({ hash, sizeBytes });
      return { hash, sizeBytes };
    } catch (error) {
      if (isOcidslError(error) && (error.code === 'OCIDSL_BLOB_CORRUPT' || error.code === 'OCIDSL_BLOB_MISSING')) return undefined;
      throw error;
    }
  }

  async openResumableWriter(hash: string): Promise<ResumableBlobWriter | 'busy' | undefined> {
    return await this.#inner.openResumableWriter?.(hash);
  }

  async #corrupt(digest: Digest, is: string): Promise<Error> {
    const error = blobCorrupt(digest, is);
    await this.#inner.discard(digest);
    this.#onEvent({ type: 'warning', message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) });
    return error;
  }
}
