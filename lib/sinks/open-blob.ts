// A blob of the store as something that can be read again from any offset: uploads that broke off go on from there.
import { open } from 'node:fs/promises';
import type { Digest } from '../base/digest.ts';
import type { BlobSource } from '../store/blob-source.ts';

// Large enough that the upload's cost is the kernel's, small enough that eight uploads stay far below 128 MB.
const CHUNK_BYTES = 256 * 1024;
// A socket that was given more than its high-water mark asks for the next chunk when it has written the last one, so one is in use,
// one is read ahead, and one is to spare. New buffers would cost more than the copy: each page of them is a fault.
const BUFFERS = 3;

/**
 * Reads `digest` from `offset` on: from its file where the store has one, else by skipping.
 * A chunk is valid only until the one after the next is asked for.
 */
export async function* openBlob(source: BlobSource, digest: Digest, offset: number): AsyncGenerator<Uint8Array> {
  const path = await source.localPath?.(digest);
  if (path !== undefined) {
    yield* readFileFrom(path, offset);
    return;
  }
  let skip = offset;
  for await (const chunk of source.read(digest)) {
    if (skip >= chunk.byteLength) {
      skip -= chunk.byteLength;
      continue;
    }
    yield skip === 0 ? chunk : chunk.subarray(skip);
    skip = 0;
  }
}

async function* readFileFrom(path: string, offset: number): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  const buffers = Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES));
  let turn = 0;
  const read = (position: number) => file.read(buffers[turn++ % BUFFERS]!, 0, CHUNK_BYTES, position);
  let ahead = read(offset);
  try {
    for (let position = offset; ;) {
      const { bytesRead, buffer } = await ahead;
      if (bytesRead === 0) return;
      position += bytesRead;
      ahead = read(position);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await ahead.catch(() => undefined);
    await file.close();
  }
}
