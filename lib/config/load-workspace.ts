// Loads configs into a workspace, package by package, on demand. A package's config is evaluated once, after the configs
// that it imports, and its targets belong to it.
import { realpathSync } from 'node:fs';
import { compareUtf8 } from '../base/bytes.ts';
import { OcidslError, type SourceLocation } from '../base/errors.ts';
import { locateCallSite, type CallSite, type FrameLocator } from '../graph/call-site.ts';
import { setCurrentWorkspace, Workspace, type LoadProblem } from '../graph/workspace.ts';
import { BundleLoader } from './bundle-loader.ts';
import { guardEvaluation } from './guard-evaluation.ts';
import { setLoaderRegistry } from './loader-registry.ts';
import { createFrameLocator, type ScriptMap } from './locate-frame.ts';
import type { LoaderContext, PackageLoader } from './package-loader.ts';

/** What a loader of configs needs to know. */
export interface ConfigLoaderOptions {
  /** The workspace root, as `findWorkspace` gives it. */
  readonly root: string;
  /** Folder of this workspace in which bundles are kept; made where it is missing. It may be read-only. */
  readonly cacheDirectory: string;
  /** `bundle` starts in milliseconds and takes every kind of package; `tsx` is for debugging. @default 'bundle' */
  readonly loader?: 'bundle' | 'tsx';
  /** The package folder of the running ocidsl. */
  readonly libraryRoot: string;
  /** Changes whenever the library does: kept bundles are made for one version. */
  readonly libraryVersion: string;
  /** What configs get for `import 'ocidsl'` and its subpaths: the running copy. */
  readonly libraryModules: Readonly<Record<string, () => object>>;
}

/** Loads the configs of one workspace. */
export interface ConfigLoader {
  /** What the configs declare. It is the current workspace from the first load on. */
  readonly workspace: Workspace;
  /** Maps frames of stacks captured in configs to the user's files. */
  readonly locate: FrameLocator;
  /**
   * Evaluates the configs of packages ('' is the root), and before them those that they import; each once. Calls wait for each
   * other. Problems of attributes are collected in the workspace; what keeps a config from being evaluated is thrown.
   * @throws OCIDSL_CONFIG_SYNTAX, _IMPORT, _CYCLE, _THREW, _NEVER_SETTLED, OCIDSL_PACKAGE_NOT_FOUND, OCIDSL_TWO_COPIES
   */
  load(...packages: readonly string[]): Promise<void>;
  /** Absolute paths of the files whose content determined what was loaded so far, sorted. */
  inputs(): string[];
  /** The workspace's problems so far, with their places. */
  describeProblems(): OcidslError[];
}

/** Makes the loader of a workspace. Nothing is read before the first `load()`. */
export function createConfigLoader(options: ConfigLoaderOptions): ConfigLoader {
  const workspace = new Workspace();
  const maps = new Map<string, ScriptMap>();
  const libraryRoot = realpathSync(options.libraryRoot);
  const locate = createFrameLocator({ root: options.root, libraryRoot, maps });
  const context: LoaderContext = { ...options, libraryRoot, workspace, locate, maps };
  let opened: PackageLoader | undefined;

  const loadNow = async (packages: readonly string[]): Promise<void> => {
    const loader = (opened ??= await openLoader(options.loader, context));
    for (const name of packages) await loader.prepare(name);
    setCurrentWorkspace(workspace);
    try {
      await guardEvaluation(async () => {
        for (const name of packages) await loader.evaluate(name);
      });
    } catch (error) {
      throw loader.describe(error);
    } finally {
      setLoaderRegistry(undefined);
    }
  };
  let last: Promise<void> = Promise.resolve();
  return {
    workspace,
    locate,
    load(...packages) {
      const result = last.then(() => loadNow(packages));
      last = result.catch(() => {});
      return result;
    },
    inputs: () => [...new Set(opened?.inputs())].sort(compareUtf8),
    describeProblems: () => workspace.problems.map((problem) => describeProblem(problem, locate)),
  };
}

// The other loader is for debugging only, and not part of the start.
async function openLoader(loader: ConfigLoaderOptions['loader'], context: LoaderContext): Promise<PackageLoader> {
  if (loader !== 'tsx') return new BundleLoader(context);
  const { TsxLoader } = await import('./tsx-loader.ts');
  return new TsxLoader(context);
}

function describeProblem({ error, sites, otherSites }: LoadProblem, locate: FrameLocator): OcidslError {
  const locations = placesOf(sites, locate);
  const other = otherSites && placesOf(otherSites, locate).at(-1); // the outermost: a line of the user's
  if (other === undefined) return error.at({ locations });
  const { code, kind, label, hint } = error;
  return new OcidslError({
    code,
    kind,
    label,
    hint,
    locations,
    message: `${error.message} at ${other.file}:${other.line}:${other.column}`,
  });
}

function placesOf(sites: readonly CallSite[], locate: FrameLocator): SourceLocation[] {
  const places: SourceLocation[] = [];
  for (const place of sites.flatMap((site) => locateCallSite(site, locate))) {
    if (!places.some((each) => each.file === place.file && each.line === place.line)) places.push(place);
  }
  return places;
}
