// Copying one blob from one store to another, in constant memory.
import type { Digest } from '../base/digest.ts';
import type { BlobSource } from './blob-source.ts';
import type { ContentAddressableStorage } from './content-addressable-storage.ts';

/** Copies a blob. Nothing is stored where reading or writing fails. Throws like read() and commit(). */
export async function copyBlob(from: Pick<BlobSource, 'read'>, to: ContentAddressableStorage, digest: Digest): Promise<void> {
  const writer = await to.openWriter();
  try {
    for await (const chunk of from.read(digest)) await writer.write(chunk);
    await writer.commit(digest);
  } finally {
    await writer.abort();
  }
}
