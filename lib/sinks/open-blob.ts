// A blob of the store as something that can be read again from any offset: uploads that broke off go on from there.
import { open } from 'node:fs/promises';
import type { Digest } from '../base/digest.ts';
import type { BlobSource } from '../store/blob-source.ts';

// Large enough that the upload's cost is the kernel's, small enough that eight uploads stay far below 128 MB.
const CHUNK_BYTES = 512 * 1024;

/** Reads `digest` from `offset` on: from its file where the store has one, else by skipping. */
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
  try {
    for (let position = offset; ; ) {
      // A new buffer each time: the socket keeps a chunk after it asked for the next one.
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(CHUNK_BYTES), 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield bytesRead === CHUNK_BYTES ? buffer : buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
