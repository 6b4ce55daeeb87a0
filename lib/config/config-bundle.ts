// A bundle: one package's config with the local files that it imports, as one script.
import type { SourceLocation } from '../base/errors.ts';
import type { FileStamp } from './file-stamp.ts';

/** What a bundle needs of another package. */
export interface ImportedPackage {
  readonly name: string;
  /** Its config file: an absolute path. */
  readonly file: string;
  /** Names of its exports; the importing bundle was made for exactly these. */
  readonly exports: readonly string[];
}

/** One package's config, ready to be evaluated. */
export interface ConfigBundle {
  readonly package: string;
  /** The config file: an absolute path. */
  readonly file: string;
  /**
   * `cjs` starts faster, as V8's compiled code can be kept; `esm` where the config needs it: top-level await, or packages that
   * cannot be loaded by require().
   */
  readonly format: 'cjs' | 'esm';
  readonly code: string;
  /** Names of the config's exports. */
  readonly exports: readonly string[];
  /** Packages whose configs it imports, in the order of their first import. */
  readonly packages: readonly ImportedPackage[];
  /** Top-level awaits: where to look when the evaluation never ends. */
  readonly awaits: readonly SourceLocation[];
  /** Files whose content decided the bundle. */
  readonly inputs: readonly FileStamp[];
  /** Paths that would have decided it too, had they existed. */
  readonly absent: readonly string[];
  /** Not after any of the input's stamps: ms since 1970. */
  readonly stampedAt: number;
  /** Path under which the code appears in stacks; for `esm` the file that is imported. */
  readonly script: string;
  /** JSON of the source map; sources are relative to the workspace root. */
  readonly readMap: () => string;
}

/** The source map of a bundle: the standard's fields and one of our own. */
export interface BundleMap {
  readonly sources: readonly string[];
  /** Indices of sources that were bundled with one line put before their first. */
  readonly shifted: readonly number[];
}
