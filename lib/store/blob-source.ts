// The reading half of a blob store: what sinks need. A base image's layers may come from elsewhere than the CAS.
import type { Digest } from '../base/digest.ts';
import type { ContentAddressableStorage } from './content-addressable-storage.ts';

/** Verified blobs by digest. See ContentAddressableStorage for the contract of each method. */
export interface BlobSource extends Pick<
  ContentAddressableStorage,
  'findMissing' | 'read' | 'readBytes' | 'localPath' | 'uploadPath' | 'find'
> {
  /**
   * The blob from `offset` on, where the source can begin there: for uploads that broke off. What is read so is not verified, since what comes before
   * is not seen; who receives the whole blob verifies it.
   */
  readFrom?(digest: Digest, offset: number): AsyncIterable<Uint8Array>;
}

/** The blob from `offset` on, by skipping what comes before where the source cannot begin there. */
export async function* readFrom(source: BlobSource, digest: Digest, offset: number): AsyncGenerator<Uint8Array> {
  if (offset > 0 && source.readFrom !== undefined) {
    yield* source.readFrom(digest, offset);
    return;
  }
  let skip = offset;
  for await (const chunk of source.read(digest)) {
    if (skip < chunk.byteLength) yield skip === 0 ? chunk : chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.byteLength);
  }
}
