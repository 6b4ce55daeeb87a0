// What a blob store has to offer when its bytes are not trusted: a disk that may rot, a server of somebody else. It is a
// type of its own, and not a ContentAddressableStorage, so that nobody can read it past VerifyingCas.
import type { Digest } from '../base/digest.ts';
import type { ContentAddressableStorage } from './content-addressable-storage.ts';

/** A stored file, as it lies on the local disk. */
export interface StoredFile {
  readonly path: string;
  /** Changes whenever the content does: size, modification time and inode. */
  readonly fingerprint: string;
  /** This process wrote the file, hashing it on the way, and its fingerprint has not changed since. */
  readonly isOwnWork: boolean;
}

/** A blob store behind VerifyingCas. */
export interface UnverifiedCas extends Pick<
  ContentAddressableStorage,
  'findMissing' | 'openWriter' | 'adopt' | 'write' | 'openResumableWriter'
> {
  /** What is stored under the digest, in chunks of at most 1 MiB that stay valid. Throws OCIDSL_BLOB_MISSING. */
  readUnverified(digest: Digest): AsyncIterable<Uint8Array>;
  /** Called when what was read is not the blob: takes it out, unless a second look shows that it is right after all. */
  discard(digest: Digest): Promise<void>;
  /** The file with the blob, where the store has one. */
  storedFile?(digest: Digest): StoredFile | undefined;
  /** Size of what is stored under a hash; undefined where nothing is. */
  storedSize?(hash: string): number | undefined;
}
