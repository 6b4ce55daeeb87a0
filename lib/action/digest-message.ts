// REAPI Digest: the message form of lib/base/digest.ts.
import { invariant } from '../base/errors.ts';
import { isSha256Hex } from '../base/digest.ts';
import { readFields, wireError } from './wire.ts';
import type { Digest } from '../base/digest.ts';
import type { WireWriter } from './wire.ts';

/** Writes `Digest { hash = 1; size_bytes = 2 }`. */
export function writeDigest(writer: WireWriter, digest: Digest): void {
  invariant(isSha256Hex(digest.hash) && digest.sizeBytes >= 0, 'a digest is 64 hex digits and a size');
  writer.string(1, digest.hash);
  writer.varint(2, digest.sizeBytes);
}

/** Reads a Digest; the hash must be 64 lower-case hex digits. `undefined` bytes are a field that is not there. */
export function readDigest(message: string, bytes: Uint8Array | undefined): Digest {
  if (bytes === undefined) throw wireError(message, 'it has no digest', 'one');
  let hash = '';
  let sizeBytes = 0;
  for (const field of readFields('Digest', bytes)) {
    if (field.number === 1) hash = field.string();
    else if (field.number === 2) sizeBytes = field.size();
  }
  if (!isSha256Hex(hash)) throw wireError(message, 'its digest has another form', '64 lower-case hex digits');
  return { hash, sizeBytes };
}
