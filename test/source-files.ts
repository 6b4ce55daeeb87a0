// The project's own sources as data, for the tests that hold its rules: files, imports, and code without comments.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transform } from 'esbuild';

/** The folder of package.json. */
export const projectRoot = join(import.meta.dirname, '..');

/** One TypeScript or JavaScript file of the project. */
export interface SourceFile {
  /** Relative to the project, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** One import or re-export. */
export interface Import {
  /** As written. */
  readonly specifier: string;
  /** What a relative specifier means, relative to the project. */
  readonly path: string | undefined;
  readonly kind: 'static' | 'type' | 'dynamic';
}

/** Every source file below some folders. Vendored and generated files are in folders named below, and left out. */
export function sourceFiles(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(projectRoot.length + 1))
      .filter((path) => !/(^|\/)(node_modules|ocidsl-out|dist)\//.test(path))
      .map((path) => {
        const text = readFileSync(join(projectRoot, path), 'utf8');
        return { path, text, imports: importsIn(path, text) };
      }),
  );
}

const STATIC = /^(?:import|export)\b(\s+type\b)?(?:[^'"`;]*?\bfrom)?\s*['"]([^'"\n]+)['"]/gm;
const DYNAMIC = /^(?!\s*(?:\/\/|\*)).*?\b(typeof\s+)?import\(\s*['"]([^'"\n]+)['"]/gm;

function importsIn(path: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, kind: Import['kind']): void => {
    found.push({ specifier, kind, path: specifier.startsWith('.') ? join(dirname(path), specifier) : undefined });
  };
  for (const [, type, specifier = ''] of text.matchAll(STATIC)) add(specifier, type === undefined ? 'static' : 'type');
  for (const [, type, specifier = ''] of text.matchAll(DYNAMIC)) add(specifier, type === undefined ? 'dynamic' : 'type');
  return found;
}

/** The file's code as JavaScript, without comments and types. */
export async function codeOf(file: SourceFile): Promise<string> {
  if (file.path.endsWith('.d.ts')) return '';
  const { code } = await transform(file.text, { loader: 'ts', target: 'node20.18', legalComments: 'none' });
  return code;
}
