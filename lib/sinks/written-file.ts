// What a sink left on disk, for the build's fingerprints.

/** A file that a sink wrote or found to be right. */
export interface WrittenFile {
  readonly path: string;
  readonly sizeBytes: number;
}
