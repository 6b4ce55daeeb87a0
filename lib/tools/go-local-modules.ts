// The modules of a Go build that lie in the user's own folders: the main module or those of a workspace, and folders that
// replace a module. Gives their files names that do not depend on where they lie.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { localReplacements, modulePathOf, readModFile, usedFolders, type ModDirective } from '../go/mod-file.ts';

/** What was found on disk before Go is asked. Paths are absolute. */
export interface GoLocalModules {
  /** Folder of the go.mod that the build runs in. */
  readonly moduleRoot: string;
  /** Files that Go reads besides packages, whether or not they exist: go.mod, go.sum, go.work, go.work.sum, modules.txt. */
  readonly moduleFiles: readonly string[];
  /** Paths whose existence decides which modules count: go.mod and go.work above, vendor. */
  readonly watched: readonly string[];
  /** Folders and the names that stand for them; the longest folder that contains a file names it. */
  readonly roots: readonly GoModuleRoot[];
}

/** One folder of modules or vendored packages. */
export interface GoModuleRoot {
  readonly folder: string;
  /** `<module path>@<version>`, or `@work` for the folder of a go.work: no module path has an `@`. */
  readonly prefix: string;
  /** Module path, undefined for the folder of a go.work. */
  readonly modulePath?: string;
}

/**
 * The local modules that a build in `folder` reads.
 * @throws OCIDSL_GO_MODULE where no go.mod is in it or above
 */
export function findLocalModules(folder: string, usesWork: boolean): GoLocalModules {
  const watched: string[] = [];
  const moduleRoot = findUpwards(folder, 'go.mod', watched);
  if (moduleRoot === undefined) {
    throw new OcidslError({
      code: 'OCIDSL_GO_MODULE',
      message: `Cannot find the Go module of "${printable(folder)}": there is no go.mod in it or above, expected a module`,
      hint: 'Run go mod init there, or name the folder of the module',
    });
  }
  const workFolder = usesWork ? findUpwards(moduleRoot, 'go.work', watched) : undefined;
  const work = workFolder === undefined ? [] : readDirectives(join(workFolder, 'go.work'));
  const mainFolders = workFolder === undefined ? [moduleRoot] : usedFolders(work).map((used) => resolve(workFolder, used));
  // A folder must be listed for its module to be part of the workspace; where it is not, Go says so.
  if (!mainFolders.includes(moduleRoot)) mainFolders.push(moduleRoot);

  const roots = new Map<string, GoModuleRoot>();
  const prefixes = new Set<string>();
  const add = (root: string, modulePath: string, version: string) => {
    const prefix = `${modulePath}@${version}`;
    if (roots.has(root) || prefixes.has(prefix)) return;
    prefixes.add(prefix);
    roots.set(root, { folder: root, prefix, modulePath });
  };
  const moduleFiles: string[] = [];
  const replacements: { base: string; directives: readonly ModDirective[] }[] = [];
  if (workFolder !== undefined) {
    moduleFiles.push(join(workFolder, 'go.work'), join(workFolder, 'go.work.sum'));
    replacements.push({ base: workFolder, directives: work });
  }
  for (const main of mainFolders) {
    const directives = readDirectives(join(main, 'go.mod'));
    add(main, modulePathOf(directives) ?? '', '');
    moduleFiles.push(join(main, 'go.mod'), join(main, 'go.sum'));
    replacements.push({ base: main, directives });
  }
  for (const { base, directives } of replacements) {
    for (const { modulePath, version, folder: to } of localReplacements(directives)) {
      const root = resolve(base, to);
      add(root, modulePath, version);
      // A replacement that another one overrides is not read.
      if (roots.get(root)?.modulePath === modulePath) moduleFiles.push(join(root, 'go.mod'));
    }
  }
  const vendor = join(workFolder ?? moduleRoot, 'vendor');
  watched.push(vendor);
  moduleFiles.push(join(vendor, 'modules.txt'));
  if (workFolder !== undefined && !roots.has(workFolder)) roots.set(workFolder, { folder: workFolder, prefix: '@work' });
  return {
    moduleRoot,
    moduleFiles: [...new Set(moduleFiles)],
    watched,
    roots: [...roots.values()].sort((a, b) => b.folder.length - a.folder.length),
  };
}

// Every place that was looked at counts: a file that appears nearer wins.
function findUpwards(start: string, name: string, watched: string[]): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return folder;
    watched.push(path);
    if (dirname(folder) === folder) return undefined;
  }
}

function readDirectives(path: string): ModDirective[] {
  return existsSync(path) ? readModFile(readFileSync(path, 'utf8')) : [];
}
