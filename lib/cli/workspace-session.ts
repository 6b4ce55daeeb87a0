// A loaded workspace: the configs that a command needs are evaluated, their problems reported, and names on the command line
// turned into targets.
import { mkdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { shortName } from '../base/short-name.ts';
import { combineErrors, environmentError, isOcidslError, OcidslError, type SourceLocation } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { configFileIn } from '../config/config-file.ts';
import { findWorkspace } from '../config/find-workspace.ts';
import { createConfigLoader, type ConfigLoader } from '../config/load-workspace.ts';
import { locateCallSite } from '../graph/call-site.ts';
import { reachable } from '../graph/closure.ts';
import { findCycle } from '../graph/cycles.ts';
import { formatLabel, parseLabel } from '../graph/label.ts';
import type { Target } from '../graph/target.ts';
import { unknownTarget } from '../plan/analyze.ts';
import { linkDeclared } from '../plan/declared-target.ts';
import { LIBRARY_MODULES, LIBRARY_ROOT, libraryVersion } from './library.ts';
import type { Settings } from './settings.ts';

/** A workspace with the packages that a command needs. */
export interface WorkspaceSession {
  readonly root: string;
  /** Folder of what is kept between commands for this workspace: speed only. */
  readonly stateDirectory: string;
  readonly loader: ConfigLoader;
  readonly targets: ReadonlyMap<string, Target>;
  /** Labels that the command names, or all of them. */
  readonly requested: readonly string[];
  /** Every target that they reach, dependencies first. */
  readonly closure: readonly string[];
  /** Where a target was declared, innermost call first. */
  locate(label: string): SourceLocation[];
  /** The error with the place of its target, where it has none. */
  located(error: OcidslError): OcidslError;
  /** The same for anything that was thrown. */
  locatedIfExpected(error: unknown): unknown;
}

/** Turns an absolute label from the command line into the target that is meant; throws where there is none. */
export type ChooseTarget = (label: string, targets: ReadonlyMap<string, Target>) => string;

/**
 * Loads what `names` need; all targets where it is empty.
 * @throws OcidslError with every problem of the configs
 */
export async function openWorkspace(
  settings: Settings,
  names: readonly string[],
  choose: ChooseTarget = existingTarget,
): Promise<WorkspaceSession> {
  if (settings.root !== undefined) checkRoot(settings.root);
  const found = findWorkspace(settings.root ?? settings.cwd);
  const root = settings.root ?? found.root;
  const stateDirectory = join(settings.cacheDirectory, 'workspaces', `${basename(root)}-${shortName(root)}`);
  makePrivateFolder(stateDirectory);
  const loader = createConfigLoader({
    root,
    cacheDirectory: stateDirectory,
    loader: settings.configLoader,
    libraryRoot: LIBRARY_ROOT,
    libraryVersion: libraryVersion(),
    libraryModules: LIBRARY_MODULES,
  });
  const { targets } = loader.workspace;
  const locate = (label: string): SourceLocation[] => {
    const target = targets.get(label);
    return target === undefined
      ? []
      : [target.site, ...target.macros.map((call) => call.site).reverse()].flatMap((site) => userLocation(site, loader));
  };
  const located = (error: OcidslError): OcidslError =>
    error.errors.length > 0
      ? combineErrors(error.errors.map(located))
      : error.label === undefined
        ? error
        : error.at({ locations: locate(error.label) });

  const packageOfCwd = settings.root === undefined ? found.packageOfCwd : '';
  const requestedLabels = names.map((name) => formatLabel(parseLabel(name, packageOfCwd)));
  try {
    if (requestedLabels.length === 0) await loader.load('');
    for (const name of names) await loadPackageOf(formatLabel(parseLabel(name, packageOfCwd)), loader);
    const roots = requestedLabels.length === 0 ? undefined : requestedLabels;
    await loadReached(loader, roots);
    if (await loadDeclarations(loader, root, roots)) await loadReached(loader, roots);
  } catch (error) {
    const problems = loader.describeProblems();
    if (isOcidslError(error)) throw combineErrors([...problems, located(error)]);
    throw error;
  }
  const problems = loader.describeProblems();
  if (problems.length > 0) throw combineErrors(problems);
  const requested = requestedLabels.length === 0 ? [...targets.keys()] : requestedLabels.map((label) => choose(label, targets));
  const lookup = (label: string) => targets.get(label);
  const closure = reachable(requested, lookup);
  return {
    root,
    stateDirectory,
    loader,
    targets,
    requested,
    closure,
    locate,
    located,
    locatedIfExpected: (error) => (isOcidslError(error) ? located(error) : error),
  };
}

/** Fails where targets use each other in a circle or use what does not exist. */
export function checkGraph(session: WorkspaceSession): void {
  const { targets, closure } = session;
  const errors = closure.flatMap((label) => {
    const target = targets.get(label)!;
    return target === undefined
      ? []
      : target.references
          .filter((reference) => !targets.has(reference))
          .map((reference) => session.located(asUse(unknownTarget(reference, targets.keys()), target)));
  });
  if (errors.length > 0) throw combineErrors(errors);
  const cycle = findCycle(session.requested, (label) => targets.get(label)?.references ?? []);
  if (cycle === undefined) return;
  throw new OcidslError({
    code: 'OCIDSL_CYCLE',
    message: `Cannot build "${cycle[0]}": it uses itself, ${cycle.join(' → ')}`,
    label: cycle[0],
    locations: cycle.slice(0, -1).flatMap((label) => session.locate(label).slice(0, 1)),
    hint: 'Remove one of these uses',
  });
}

function asUse(error: OcidslError, target: Target): OcidslError {
  return new OcidslError({
    code: error.code,
    message: `${error.message} (used by ${target.rule.name} "${target.label}")`,
    label: target.label,
    hint: error.hint,
  });
}

function userLocation(site: Target['site'], loader: ConfigLoader): SourceLocation[] {
  return locateCallSite(site, loader.locate).slice(0, 1);
}

async function loadPackageOf(label: string, loader: ConfigLoader): Promise<void> {
  const colon = label.lastIndexOf(':');
  await loader.load(colon < 0 ? '' : label.slice(0, colon));
}

// Labels may name targets of packages that no import reaches: load those too, until nothing new turns up.
async function loadReached(loader: ConfigLoader, roots: readonly string[] | undefined): Promise<void> {
  const { targets } = loader.workspace;
  const asked = new Set<string>();
  for (;;) {
    const closure = reachable(roots ?? targets.keys(), (label) => targets.get(label));
    const missing = closure.filter((label) => label.includes(':') && !targets.has(label) && !asked.has(label));
    if (missing.length === 0) return;
    for (const label of missing) {
      asked.add(label);
      await loadPackageOf(label, loader).catch((error: unknown) => {
        // A package that cannot be found is the mistake of who names it; what is wrong inside of it has a place of its own.
        const user = [...targets.values()].find(({ references }) => references.includes(label));
        throw isOcidslError(error) && error.locations.length === 0 ? error.at({ label: user?.label }) : error;
      });
    }
  }
}

// What the root package declares for all packages counts for a target wherever it is built from.
async function loadDeclarations(loader: ConfigLoader, root: string, roots: readonly string[] | undefined): Promise<boolean> {
  const { targets } = loader.workspace;
  const lookup = (label: string) => targets.get(label);
  if (!reachable(roots ?? targets.keys(), lookup).some((label) => lookup(label)?.rule.usesDeclared !== undefined)) return false;
  if (configFileIn(root) !== undefined) await loader.load('');
  linkDeclared(targets);
  return true;
}

function existingTarget(label: string, targets: ReadonlyMap<string, Target>): string {
  if (targets.has(label)) return label;
  throw withMacros(label, targets);
}

// A macro's name is no target where the macro did not make one: name those that it made.
function withMacros(label: string, targets: ReadonlyMap<string, Target>): OcidslError {
  const made = [...targets.values()].filter((target) =>
    target.macros.some((call) => formatLabel({ package: target.package, name: call.name }) === label),
  );
  if (made.length === 0) return unknownTarget(label, targets.keys());
  return new OcidslError({
    code: 'OCIDSL_TARGET_UNKNOWN',
    message: `Cannot find target "${label}": the ${made[0]!.macros[0]!.macro} of that name made no target called so`,
    hint: `It made ${made.map((target) => target.label).join(', ')}`,
  });
}

// A mistake on the command line, and none of this machine.
function checkRoot(root: string): void {
  let isFolder: boolean | undefined;
  try {
    isFolder = statSync(root).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw environmentError(`open the folder "${root}"`, error);
  }
  if (isFolder === true) return;
  throw new OcidslError({
    code: 'OCIDSL_USAGE',
    message: `Cannot use --root "${printable(root)}": ${isFolder === undefined ? 'there is no such folder' : 'it is no folder'}, expected the folder of a workspace's root config`,
  });
}

function makePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    // A cache that cannot be written costs time only; the stores say so where it matters.
  }
}
