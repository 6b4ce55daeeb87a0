// From the packages that `go list` names to the files that a build reads and the paths whose change would name others.
import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { sortedUtf8 } from '../base/bytes.ts';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { embedFolders } from './go-embed-folders.ts';
import { sourceFilesOf, type GoListModule, type GoListPackage } from './go-list.ts';
import type { GoLocalModules } from './go-local-modules.ts';
import { isWithin } from './workspace-path.ts';

/** One file that a build reads. */
export interface GoPackageFile {
  /** `<module path>@<version>/<path>`. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  /** What go list reads of it: `imports` and build constraints, `nothing` but its name, or `everything`. */
  readonly read: 'imports' | 'nothing' | 'everything';
}

/** What a build reads. */
export interface GoPackageFiles {
  readonly files: readonly GoPackageFile[];
  /** Absolute paths: folders for their names, files that are left out now, paths that must stay absent. */
  readonly watched: readonly string[];
  /** Modules of the module cache: `path@version h1:…`, sorted. */
  readonly modules: readonly string[];
}

/** The files of the user among everything that `packages` are made of. */
export function goPackageFiles(packages: readonly GoListPackage[], modules: GoLocalModules, goModCache: string): GoPackageFiles {
  const files = new Map<string, GoPackageFile>();
  const watched = new Set(modules.watched);
  const cached = new Set<string>();
  const add = (path: string, read: GoPackageFile['read']) => {
    const root = modules.roots.find(({ folder }) => isWithin(folder, path));
    if (root === undefined) throw outside(path);
    const name = `${root.prefix}/${relative(root.folder, path).split(sep).join('/')}`;
    // Some file is both compiled and embedded: what is compiled is read.
    if (read !== 'nothing' || !files.has(path)) files.set(path, { name, path, read });
  };
  for (const path of modules.moduleFiles) {
    if (existsSync(path)) add(path, 'everything');
    else watched.add(path);
  }
  for (const listed of packages) {
    const folder = listed.Dir;
    if (listed.Standard === true || folder === undefined) continue;
    const root = modules.roots.find((candidate) => isWithin(candidate.folder, folder));
    if (isWithin(goModCache, folder) && (root === undefined || !isWithin(goModCache, root.folder))) {
      if (listed.Module !== undefined) cached.add(describeModule(listed.Module));
      for (const path of shadows(listed.ImportPath, modules)) watched.add(path);
      continue;
    }
    if (root === undefined) throw outside(folder);
    watched.add(folder);
    // A go.mod on the way would make the package part of another module.
    for (let parent = dirname(folder); folder !== root.folder && parent !== root.folder; parent = dirname(parent))
      watched.add(join(parent, 'go.mod'));
    for (const name of sourceFilesOf(listed)) add(join(folder, name), name.endsWith('.syso') ? 'nothing' : 'imports');
    for (const name of listed.EmbedFiles ?? []) add(join(folder, name), 'nothing');
    for (const path of embedFolders(folder, listed.EmbedPatterns ?? [])) watched.add(path);
    for (const name of [...(listed.IgnoredGoFiles ?? []), ...(listed.IgnoredOtherFiles ?? [])]) {
      // Names with these prefixes are ignored whatever is in them, and tests are no part of a program.
      if (!/^[._]/.test(name) && !name.endsWith('_test.go')) watched.add(join(folder, name));
    }
  }
  // The profile that -pgo=auto takes; where it is absent, the package's folder is watched already.
  const profile = join(packages.at(-1)?.Dir ?? '', 'default.pgo');
  if (modules.roots.some(({ folder }) => isWithin(folder, profile)) && existsSync(profile)) add(profile, 'nothing');
  return { files: [...files.values()], watched: [...watched], modules: sortedUtf8(cached) };
}

// Folders of local modules that would provide the package, if they existed, besides the module that provides it now.
function shadows(importPath: string, { roots }: GoLocalModules): string[] {
  return roots.flatMap(({ folder, modulePath }) =>
    modulePath !== undefined && importPath.startsWith(`${modulePath}/`) ? [join(folder, importPath.slice(modulePath.length + 1))] : [],
  );
}

function describeModule({ Path, Version, Sum, Replace }: GoListModule): string {
  const replaced = Replace === undefined ? '' : ` => ${Replace.Path}@${Replace.Version ?? ''}`;
  return `${Path}@${Version ?? ''}${replaced} ${Replace?.Sum ?? Sum ?? ''}`.trimEnd();
}

function outside(path: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GO_PACKAGE',
    message: `Cannot use Go source "${printable(path)}": it lies outside of every module of the build, expected it in a module, a replacement or the module cache`,
  });
}
