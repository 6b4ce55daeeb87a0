// What the two loaders of configs have in common.
import type { FrameLocator } from '../graph/call-site.ts';
import type { Workspace } from '../graph/workspace.ts';
import type { ScriptMap } from './locate-frame.ts';

/** Evaluates the configs of packages into a workspace. Calls do not overlap. */
export interface PackageLoader {
  /** Evaluates a package's config, and before it those that it imports, each once. Runs under guard. */
  evaluate(packageName: string): Promise<void>;
  /** Everything that needs no guard: reads or makes what `evaluate` runs. */
  prepare(packageName: string): Promise<void>;
  /** A failure of the guard as an error of the config evaluated last; others as they are. */
  describe(failure: unknown): unknown;
  /** Absolute paths of the files that decided what was loaded so far. */
  inputs(): Iterable<string>;
}

/** What loaders work with. */
export interface LoaderContext {
  readonly root: string;
  /** Folder for bundles. */
  readonly cacheDirectory: string;
  /** Real path of the running library's package folder. */
  readonly libraryRoot: string;
  readonly libraryVersion: string;
  readonly libraryModules: Readonly<Record<string, () => object>>;
  readonly workspace: Workspace;
  readonly locate: FrameLocator;
  /** Filled by the loader: source maps by script. */
  readonly maps: Map<string, ScriptMap>;
}
