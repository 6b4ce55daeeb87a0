// What the push sink is asked to do.
import type { EventListener } from '../base/events.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { RepositoryName } from '../registry/reference.ts';
import type { BlobSource } from '../store/blob-source.ts';
import type { Attachment } from './attach.ts';

/** A repository to push to. */
export interface PushDestination {
  readonly repository: RepositoryName;
  /** Tags that shall point to the image afterwards, moved in this order. */
  readonly tags: readonly string[];
}

/** One image or index and where it goes. */
export interface PushImage {
  /** The manifest or index. */
  readonly root: Descriptor;
  readonly source: BlobSource;
  readonly destinations: readonly PushDestination[];
  /** Repositories that may have a blob, such as the base image's; those of other registries are ignored. */
  readonly mountCandidates?: (descriptor: Descriptor) => readonly RepositoryName[];
  /** Manifests that refer to `root`, stored after it and before any tag moves. */
  readonly attachments?: readonly Attachment[];
}

/** A push of any number of images in one pass. */
export interface PushOptions {
  readonly images: readonly PushImage[];
  readonly client: RegistryClient;
  /** Requests at a time. Default: 8. */
  readonly concurrency?: number;
  /** Asks for every digest again before the tags move. Default: false. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
  readonly events?: EventListener;
}
