// A blob of the store as something that can be read again from any offset: uploads that broke off go on from there.
import { closeSync, openSync, readSync } from 'node:fs';
import type { Digest } from '../base/digest.ts';
import { environmentError } from '../base/errors.ts';
import type { OpenBlob } from '../registry/byte-cursor.ts';
import { readFrom, type BlobSource } from '../store/blob-source.ts';

// Each chunk costs 0.1 ms in Node, so that a quarter of this takes half as much again to send 512 MB. Of more, half falls out of the processor's
// cache between reading and sending, which doubles the time in the kernel (both measured).
const CHUNK_BYTES = 1024 * 1024;
// A chunk is on its way to the kernel while the next one is read. New buffers would cost more than the copy: each page of them is
// a fault.
const BUFFERS = 2;

/**
 * How to read `digest` for an upload: from its file where the store has one, else as well as the source can. The file is not
 * verified before: its receiver compares the digest, and what it refuses is looked at then.
 */
export async function openerOf(source: BlobSource, digest: Digest): Promise<OpenBlob> {
  const path = await source.uploadPath?.(digest);
  return path === undefined ? (offset) => readFrom(source, digest, offset) : (offset) => readFileFrom(path, offset);
}

// Synchronous: a trip to the thread pool for each chunk costs more than reading it, and the kernel reads ahead.
function* readFileFrom(path: string, offset: number): Generator<Uint8Array> {
  let file: number | undefined;
  const buffers = Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES));
  try {
    file = openSync(path, 'r');
    for (let position = offset, turn = 0; ; turn++) {
      const buffer = buffers[turn % BUFFERS]!;
      const size = readSync(file, buffer, 0, CHUNK_BYTES, position);
      if (size === 0) return;
      position += size;
      yield size === CHUNK_BYTES ? buffer : buffer.subarray(0, size);
    }
  } catch (error) {
    throw environmentError(`read blob "${path}"`, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
