// The blobs of a repository as a blob source: what a base image's layers are read from. Each read is verified, and goes on where a
// connection broke off.
import { formatDigest, type Digest } from '../base/digest.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { RepositoryName } from '../registry/reference.ts';
import { blobTooLarge, DEFAULT_READ_LIMIT_BYTES } from '../store/blob-errors.ts';
import type { BlobSource } from '../store/blob-source.ts';

// A server's chunk is as large as it likes; what a source gives has at most 1 MiB.
const CHUNK_BYTES = 1024 * 1024;

/** The blobs that `repository` has, asked for only when they are needed. Manifests are not among them. */
export function registryBlobSource(name: RepositoryName, client: () => Promise<RegistryClient>): BlobSource {
  // What a repository has it keeps for the time of a command, and so do we.
  const known = new Map<string, Promise<boolean>>();
  const has = (digest: Digest): Promise<boolean> => {
    const key = `${digest.hash}/${digest.sizeBytes}`;
    let answer = known.get(key);
    if (answer === undefined) {
      answer = client().then((open) =>
        open.repository(name).hasBlob({ digest: formatDigest(digest), size: digest.sizeBytes }, undefined, 'pull'),
      );
      known.set(key, answer);
      answer.catch(() => known.delete(key));
    }
    return answer;
  };
  async function* read(digest: Digest, offset = 0): AsyncGenerator<Uint8Array, void, undefined> {
    const repository = (await client()).repository(name);
    for await (const chunk of repository.readBlob({ digest: formatDigest(digest), size: digest.sizeBytes }, undefined, offset)) {
      for (let at = 0; at < chunk.byteLength; at += CHUNK_BYTES) yield chunk.subarray(at, at + CHUNK_BYTES);
    }
  }
  return {
    async findMissing(digests) {
      const present = await Promise.all(digests.map(has));
      return digests.filter((_, i) => !present[i]);
    },
    read: (digest) => read(digest),
    readFrom: read,
    async readBytes(digest, limitBytes = DEFAULT_READ_LIMIT_BYTES) {
      if (digest.sizeBytes > limitBytes) throw blobTooLarge(digest, limitBytes);
      const chunks: Uint8Array[] = [];
      for await (const chunk of read(digest)) chunks.push(Uint8Array.from(chunk));
      return Buffer.concat(chunks);
    },
  };
}
