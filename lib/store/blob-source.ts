// The reading half of a blob store: what sinks need. A base image's layers may come from elsewhere than the CAS.
import type { ContentAddressableStorage } from './content-addressable-storage.ts';

/** Verified blobs by digest. See ContentAddressableStorage for the contract of each method. */
export type BlobSource = Pick<ContentAddressableStorage, 'findMissing' | 'read' | 'readBytes' | 'localPath'>;
