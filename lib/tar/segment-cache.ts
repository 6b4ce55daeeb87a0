// The contract between the writer of large archives and whoever keeps their compressed segments from one build to the next.
import type { Digest } from '../base/digest.ts';

/** A compressed segment and where it lies in an archive's file. */
export interface Segment {
  /** sha256 (hex) of the compressor's parameters and the content. */
  readonly key: string;
  /** Of its first byte in the file. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** sha256 (hex) of the compressed bytes. */
  readonly sha256: string;
}

/** Compressed segments of former builds. It changes speed only: what it gives is what the compressor would give. */
export interface SegmentCache {
  /** The compressed bytes kept under `key`, compared with their digest; undefined where there are none, or damaged ones. */
  find(key: string): { readonly bytes: Uint8Array; readonly sha256: string } | undefined;
  /** Keeps the segments of the stored archive with this digest. Never throws: what cannot be kept is compressed again. */
  keep(archive: Digest, segments: readonly Segment[]): void;
}
