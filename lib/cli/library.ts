// What this copy of the library is: where it lies, its version, and the modules that configs import from it.
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as library from '../index.ts';
import * as macros from '../../macros/index.ts';

/** The package's folder: above dist/ in an installation, above lib/ in a checkout. */
export const LIBRARY_ROOT: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The package's version. */
export function libraryVersion(): string {
  return (JSON.parse(readFileSync(join(LIBRARY_ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Modules for configs. `ocidsl/testing` is loaded only where a config asks for it. */
export const LIBRARY_MODULES: Readonly<Record<string, () => object>> = { ocidsl: () => library, 'ocidsl/macros': () => macros };

function findRoot(from: string): string {
  for (let folder = from; ; folder = resolve(folder, '..')) {
    try {
      if ((JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string }).name === 'ocidsl') return folder;
    } catch {
      if (folder === resolve(folder, '..')) throw new Error('The package.json of ocidsl is missing');
    }
  }
}
