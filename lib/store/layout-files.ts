// What reading an OCI layout needs of it, wherever it lies.
import type { BlobSource } from './blob-source.ts';
import type { ContentAddressableStorage } from './content-addressable-storage.ts';

/** A layout that is read. */
export interface LayoutFiles {
  /** Bytes of `oci-layout` or `index.json`. */
  readFile(name: string): Promise<Buffer>;
  readonly blobs: BlobSource;
  /** Absolute or relative to where the layout's path is: the file on disk that has a file of the layout, for fingerprints. */
  diskPath(name: string): string;
  /**
   * Brings every blob into a store, in one pass, for archives whose blobs cannot be read in place; undefined for the others.
   * @throws OCIDSL_BLOB_CORRUPT
   */
  readonly importBlobs?: (cas: ContentAddressableStorage) => Promise<void>;
}
