// The failures that all blob stores share, so that callers can tell them apart by code whatever the store is.
import { formatDigest } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import type { Digest } from '../base/digest.ts';

/** OCIDSL_BLOB_MISSING: the store does not have the blob. The engine answers by making it again. */
export function blobMissing(digest: Digest): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_BLOB_MISSING',
    kind: 'integrity',
    message: `Cannot read blob "${formatDigest(digest)}": the store does not have it, expected ${digest.sizeBytes} bytes`,
    hint: 'Build again: what is missing is made again',
  });
}

/** OCIDSL_BLOB_CORRUPT: the stored bytes are not the blob. They were taken out of the store. */
export function blobCorrupt(digest: Digest, is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_BLOB_CORRUPT',
    kind: 'integrity',
    message: `Cannot read blob "${formatDigest(digest)}": ${is}, expected ${digest.sizeBytes} bytes with that digest`,
    hint: 'Build again: a corrupt blob is taken out of the cache and made again; if it comes back, check the disk',
  });
}

/** OCIDSL_BLOB_TOO_LARGE: the blob is to be read in one piece, but is larger than the reader allows. */
export function blobTooLarge(digest: Digest, limitBytes: number): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_BLOB_TOO_LARGE',
    kind: 'integrity',
    message: `Cannot read blob "${formatDigest(digest)}" at once: it has ${digest.sizeBytes} bytes, expected at most ${limitBytes}`,
  });
}

/** OCIDSL_DIGEST_MISMATCH: what was written is not what was announced. Nothing was stored. */
export function digestMismatch(actual: Digest, expected: Digest): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_DIGEST_MISMATCH',
    kind: 'integrity',
    message:
      `Cannot store blob "${formatDigest(expected)}": got ${actual.sizeBytes} bytes with digest ${formatDigest(actual)}, ` +
      `expected ${expected.sizeBytes} bytes with that digest`,
  });
}

/** Limit of readBytes() where the caller gives none. */
export const DEFAULT_READ_LIMIT_BYTES = 64 * 1024 * 1024;
