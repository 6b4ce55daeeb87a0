// The snapshot: what the last builds of a workspace read and made, so that a build in which nothing changed can tell so by
// looking at fingerprints alone. Losing it costs time, never a result.
import type { Json } from '../base/json.ts';
import type { Discovered } from '../plan/discovery.ts';
import type { Fingerprint } from './fingerprint.ts';

/** A path that was looked at, with the digest of its content where that was read. */
export interface PathRecord {
  /** Relative to the workspace root, or absolute outside of it. */
  readonly path: string;
  /** undefined where the state was too fresh to be trusted (see isRacy). */
  readonly fingerprint: Fingerprint | undefined;
  /** 64 hex digits: of a file's content, or of a folder's list of names. */
  readonly hash?: string | undefined;
}

/** One remembered discovery. */
export interface DiscoveryRecord {
  readonly id: string;
  readonly result: Discovered;
}

/** What a target declared, as text whose first line is its label. */
export interface DeclarationRecord {
  readonly text: string;
  /** The declarations that it uses, by index; smaller than its own. */
  readonly uses: readonly number[];
}

/** What a configured target read and made. */
export interface TargetRecord {
  /** `label platform`. */
  readonly key: string;
  /** Index of the target's declaration. */
  readonly declaration: number;
  /** Indexes into the paths: everything read, and every output file. */
  readonly paths: Uint32Array;
  /** The result lines of the build, as JSON. */
  readonly results: Json;
}

/** The whole of a snapshot. */
export interface Snapshot {
  readonly paths: readonly PathRecord[];
  readonly discoveries: readonly DiscoveryRecord[];
  /** Those that a declaration uses come before it. */
  readonly declarations: readonly DeclarationRecord[];
  readonly targets: readonly TargetRecord[];
}
