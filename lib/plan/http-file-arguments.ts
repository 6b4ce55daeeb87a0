// The contract between rules that use files of the network and the discoverer `http-file`.

/** Name of the discoverer. */
export const HTTP_FILE_DISCOVERER = 'http-file';

/** What is asked for. A type, not an interface, so that it is Json. */
export type HttpFileArguments = {
  /** Tried in order. */
  readonly urls: readonly string[];
  /** `sha256:<hex>`. */
  readonly digest: string;
  /** In bytes, where the lock file says it. */
  readonly size?: number;
  /** Name of the artifact: a file name. */
  readonly name: string;
  readonly isExecutable: boolean;
};
