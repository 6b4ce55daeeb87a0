// Writing a blob of known digest that may take several attempts: a download.
import type { Digest } from '../base/digest.ts';

/** Takes the bytes of one blob, in order. Begins with what an earlier writer left, where the store keeps that. */
export interface ResumableBlobWriter {
  /** Bytes that are there: the next one goes after them. */
  readonly sizeBytes: number;
  /** The digest of what is there. */
  digest(): Digest;
  /** Appends bytes. The caller may reuse `chunk` only after the promise settles. */
  write(chunk: Uint8Array): Promise<void>;
  /** Drops what is there. */
  restart(): Promise<void>;
  /**
   * Makes the blob visible under its digest, durably, and ends the writer.
   * @throws OCIDSL_DIGEST_MISMATCH where what is there is something else; it is dropped then
   */
  commit(expected: Digest): Promise<Digest>;
  /** Ends the writer; what is there is kept for the next one, where the store does that. Nothing after commit(). Never throws. */
  suspend(): Promise<void>;
}
