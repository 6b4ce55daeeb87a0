// One copy of the library: whichever package of ocidsl a config would import must be the one that is running.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OcidslError } from '../base/errors.ts';

/** Which installation `import 'ocidsl'` means in a folder. */
export interface LibraryCopy {
  /** Its package folder without symbolic links; undefined where none is installed. */
  readonly folder: string | undefined;
  /** The package.json that decided it. */
  readonly manifest: string | undefined;
  /** Paths that would have decided it, had they existed. */
  readonly absent: readonly string[];
}

/** Resolves the package `ocidsl` as Node does: the package around the folder itself, else the nearest node_modules. */
export function findLibraryCopy(from: string): LibraryCopy {
  const absent: string[] = [];
  const around = nearestFile(from, 'package.json');
  if (around.path !== undefined && nameIn(around.path) === 'ocidsl') {
    return { folder: realpathSync(dirname(around.path)), manifest: around.path, absent: around.absent };
  }
  for (let folder = from; ; folder = dirname(folder)) {
    const manifest = join(folder, 'node_modules', 'ocidsl', 'package.json');
    if (statSync(manifest, { throwIfNoEntry: false })) return { folder: realpathSync(dirname(manifest)), manifest, absent };
    absent.push(manifest);
    if (dirname(folder) === folder) return { folder: undefined, manifest: undefined, absent };
  }
}

/**
 * The error for an import of another installation than the running one.
 * @param importer the file that imports it, as users know it
 */
export function twoCopiesError(importer: string, found: string, running: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_TWO_COPIES',
    message:
      `Cannot load ${importer}: its "ocidsl" is version ${versionIn(found)} in "${found}", ` +
      `expected the running one, version ${versionIn(running)} in "${running}"`,
    hint: 'Run the installed one with "npx ocidsl"; a package of macros lists ocidsl under peerDependencies',
  });
}

/** The nearest file of that name in a folder or above it, and the paths that were tried before. */
export function nearestFile(from: string, name: string): { readonly path: string | undefined; readonly absent: string[] } {
  const absent: string[] = [];
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return { path, absent };
    absent.push(path);
    if (dirname(folder) === folder) return { path: undefined, absent };
  }
}

function nameIn(manifest: string): unknown {
  return readManifest(manifest)['name'];
}

function versionIn(folder: string): string {
  const version = readManifest(join(folder, 'package.json'))['version'];
  return typeof version === 'string' ? version.slice(0, 50) : 'unknown';
}

/** A package.json as an object; empty where it is missing or no object. */
export function readManifest(path: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
