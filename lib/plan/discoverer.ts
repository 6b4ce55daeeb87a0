// What a discoverer is: the implementation behind a planned Discovery. It may read files and start processes, but not the
// network, and it reports everything that it read.
import type { Json } from '../base/json.ts';
import type { Discovered } from './discovery.ts';

/** What a running discoverer may use. */
export interface DiscoveryIo {
  /** Absolute path of the workspace root. */
  readonly workspaceRoot: string;
  /** The values of the variables that the discoverer declares, and nothing else. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** A discoverer. */
export interface Discoverer {
  readonly name: string;
  /** Changes when the same tree would give another result. */
  readonly version: string;
  /** Environment variables that it reads: their values are part of what makes a remembered result valid. */
  readonly environment: readonly string[];
  /** @throws OcidslError, reported at the target */
  run(args: { readonly [key: string]: Json | undefined }, io: DiscoveryIo): Promise<Discovered>;
  /**
   * Whether a remembered result outlives changes of some of its files: asked instead of run() where nothing in `watched`
   * changed and of `files` only `changedPaths` (as in DiscoveredFile.path) did. Gives the result brought up to date, or
   * undefined where it has to be found anew. Much faster than run(), and never throws for a file that is gone.
   */
  stillValid?(previous: Discovered, changedPaths: readonly string[], io: DiscoveryIo): Promise<Discovered | undefined>;
}
