// CRC-32 as gzip and zip have it.
import * as zlib from 'node:zlib';

// zlib.crc32 came with Node 20.15; @types/node 20 may lack it.
const fromZlib = (zlib as unknown as { readonly crc32: (data: Uint8Array, value: number) => number }).crc32;

/** The checksum of `data`, or of what gave `value` with `data` behind it. 0 to 2^32 - 1. */
export function crc32(data: Uint8Array, value = 0): number {
  return fromZlib(data, value);
}
