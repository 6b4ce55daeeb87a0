// What this copy of the library is: where it lies, its version, and the modules that configs import from it.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as library from '../index.ts';
import * as macros from '../../macros/index.ts';

interface LibraryPackage {
  readonly root: string;
  readonly version: string;
}

// Neither dist/ nor a folder of lib/ has a package.json: a failed look costs as much as reading it.
const PACKAGE: LibraryPackage = findPackage(join(import.meta.dirname, '..'));

/** The package's folder: above dist/ in an installation, above lib/ in a checkout. */
export const LIBRARY_ROOT: string = PACKAGE.root;

/** The package's version. */
export function libraryVersion(): string {
  return PACKAGE.version;
}

/** Modules for configs. `ocidsl/testing` is loaded only where a config asks for it. */
export const LIBRARY_MODULES: Readonly<Record<string, () => object>> = { ocidsl: () => library, 'ocidsl/macros': () => macros };

function findPackage(from: string): LibraryPackage {
  for (let folder = from; ; folder = resolve(folder, '..')) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        readonly name?: string;
        readonly version?: string;
      };
      if (name === 'ocidsl' && version !== undefined) return { root: folder, version };
    } catch {
      if (folder === resolve(folder, '..')) throw new Error('The package.json of ocidsl is missing');
    }
  }
}
