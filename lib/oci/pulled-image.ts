// The contract between the rule ociPull and the discoverer `pulled-image`.

/** Name of the discoverer. */
export const PULLED_IMAGE_DISCOVERER = 'pulled-image';

/** What is asked for. A type, not an interface, so that it is Json. */
export type PulledImageArguments = {
  /** `registry/repository`. */
  readonly repository: string;
  /** `sha256:…` of an index or a manifest. */
  readonly digest: string;
  /** In bytes, and the media type, where a lock says them: then a document that the store has is not asked for. */
  readonly size?: number;
  readonly mediaType?: string;
  /** As formatPlatform() gives it. */
  readonly platform: string;
};
