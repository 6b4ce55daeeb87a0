// Blob sources one after the other: the store first, then where a base's blobs lie.
import { readFrom, type BlobSource } from './blob-source.ts';
import type { Digest } from '../base/digest.ts';

/** A source that has what any of `sources` has; the first that has a blob gives it. `complains` is asked for what none has: its error is the reader's. */
export function chainBlobSources(sources: readonly BlobSource[], complains: BlobSource | undefined = sources[0]): BlobSource {
  if (complains === undefined) throw new RangeError('Cannot chain no blob sources');
  const owner = async (digest: Digest): Promise<BlobSource> => {
    for (const source of sources) if ((await source.findMissing([digest])).length === 0) return source;
    return complains;
  };
  return {
    async findMissing(digests) {
      let missing: readonly Digest[] = digests;
      for (const source of sources) missing = missing.length === 0 ? missing : await source.findMissing(missing);
      return [...missing];
    },
    async *read(digest) {
      yield* (await owner(digest)).read(digest);
    },
    async *readFrom(digest, offset) {
      yield* readFrom(await owner(digest), digest, offset);
    },
    readBytes: async (digest, limitBytes) => await (await owner(digest)).readBytes(digest, limitBytes),
    localPath: async (digest) => await (await owner(digest)).localPath?.(digest),
    uploadPath: async (digest) => await (await owner(digest)).uploadPath?.(digest),
  };
}
