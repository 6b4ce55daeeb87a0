// Files that a program wrote, on their way into a store.
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { Digest } from '../base/digest.ts';
import type { ContentAddressableStorage } from './content-addressable-storage.ts';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Stores the content of a regular file that nobody writes any more: moved where the store can, else copied. So the file may be gone afterwards.
 * @throws system errors of reading it; what writing to the store throws
 */
export async function storeFile(cas: Pick<ContentAddressableStorage, 'openWriter' | 'adopt'>, file: string): Promise<Digest> {
  const adopted = await cas.adopt?.(file);
  if (adopted !== undefined) return adopted;
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  const writer = await cas.openWriter();
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk)) await writer.write(chunk.subarray(0, count));
    return await writer.commit();
  } finally {
    closeSync(fd);
    await writer.abort();
  }
}
