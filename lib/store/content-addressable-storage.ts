// The blob store interface. Names and meaning follow REAPI's ContentAddressableStorage service.
import type { Digest } from '../base/digest.ts';
import type { ResumableBlobWriter } from './resumable-blob-writer.ts';

/** Takes the bytes of one blob whose digest is not known yet, or is to be checked. */
export interface BlobWriter {
  /** Appends bytes. The caller may reuse `chunk` only after the promise settles. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Makes the blob visible under its digest, durably; idempotent where the blob exists.
   * @throws OCIDSL_DIGEST_MISMATCH where `expected` is given and the bytes differ; nothing is stored then.
   */
  commit(expected?: Digest): Promise<Digest>;
  /** Drops what was written; after commit() it does nothing. Never throws. */
  abort(): Promise<void>;
}

/** Blobs by digest. Every implementation passes test/conformance/content-addressable-storage.ts. */
export interface ContentAddressableStorage {
  /** Those of `digests` that are not stored, without duplicates. The empty blob is never missing. */
  findMissing(digests: readonly Digest[]): Promise<Digest[]>;
  /**
   * The blob's bytes, in order, in chunks of at most 1 MiB. Size and digest are verified: a reader that got to the
   * end has the right bytes. A corrupt blob is taken out of the store, so that it can be made again.
   * @throws OCIDSL_BLOB_MISSING, OCIDSL_BLOB_CORRUPT
   */
  read(digest: Digest): AsyncIterable<Uint8Array>;
  /** The whole of a small blob, verified. Throws like read(); refuses blobs above `limitBytes` (default 64 MiB). */
  readBytes(digest: Digest, limitBytes?: number): Promise<Buffer>;
  /** Starts a blob of unknown digest. */
  openWriter(): Promise<BlobWriter>;
  /**
   * Moves a file of this process, which nobody writes any more, into the store, where that is possible without a copy: see storeFile(). Undefined
   * where it is not; the file is where it was then.
   */
  adopt?(file: string): Promise<Digest | undefined>;
  /** Stores bytes in memory. */
  write(data: Uint8Array): Promise<Digest>;
  /**
   * Path of a local read-only file with the blob's bytes, for hard links and large uploads, where the store has one. The
   * content of that file has been verified in this process or is verified now.
   */
  localPath?(digest: Digest): Promise<string | undefined>;
  /**
   * Path of a file that should have the blob's bytes, and has not been verified: for receivers that compare the digest before they
   * have the blob, as registries do. Whoever is refused calls localPath(), which finds out whose fault it is.
   */
  uploadPath?(digest: Digest): Promise<string | undefined>;
  /** The digest of the stored blob with this hash, for who does not know its size; verified. Undefined where it is not stored. */
  find?(hash: string): Promise<Digest | undefined>;
  /**
   * Goes on with the blob of this hash where the last writer stopped, also where that was another process. 'busy' while another living
   * writer is at it; undefined where nothing is kept of unfinished blobs.
   */
  openResumableWriter?(hash: string): Promise<ResumableBlobWriter | 'busy' | undefined>;
}
