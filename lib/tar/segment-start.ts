// Where the segments of a large archive begin. The rule looks only at an entry's header and at what came since the last cut, so
// that behind a change the segments soon begin at the same entries as before.
import { crc32 } from './crc32.ts';

/** Archives of at least so many bytes of content are made of segments; smaller ones are compressed anew in less than a second. */
export const SEGMENTED_FROM_BYTES: number = 64 * 1024 * 1024;

/** A file from this size on begins a segment, so that it is found again wherever it stands. */
const LARGE_FILE_BYTES = 512 * 1024;
/** Less would cost size: a segment knows nothing of the text before it. */
const MIN_SEGMENT_BYTES = 512 * 1024;
/** One of so many small files begins a segment, once the one before is long enough. */
const SMALL_FILES = 8;

/** Whether the entry with these header blocks begins a segment, `pendingBytes` after the last one began. */
export function startsSegment(header: Uint8Array, contentBytes: number, pendingBytes: number): boolean {
  if (contentBytes >= LARGE_FILE_BYTES) return true;
  // The header is as good as a random number that the entry keeps.
  return pendingBytes >= MIN_SEGMENT_BYTES && crc32(header) % SMALL_FILES === 0;
}
