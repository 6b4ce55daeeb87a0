// Records what decides a bundle: the source files, the package.json and tsconfig.json files around them, and paths that
// would have decided it had they existed.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { readStamped, type FileStamp } from './file-stamp.ts';
import { nearestFile } from './library-copy.ts';

/** The inputs of one bundle, while it is made. */
export class BundleInputs {
  /** When the recording began: ms since 1970. */
  readonly startedAt = Date.now();
  readonly #sources = new Map<string, { readonly content: Buffer; readonly stamp: FileStamp }>();
  readonly #deciders = new Map<string, FileStamp>();
  readonly #absent = new Set<string>();
  readonly #folders = new Set<string>();

  /** Content of a source file; read once, so that every pass of the bundler sees the same. */
  source(path: string): Buffer {
    let source = this.#sources.get(path);
    if (source === undefined) {
      source = readStamped(path);
      this.#sources.set(path, source);
      this.#around(dirname(path));
    }
    return source.content;
  }

  /** Notes a file that the bundler reads by itself. */
  decidedBy(path: string): void {
    if (this.#deciders.has(path)) return;
    try {
      this.#deciders.set(path, readStamped(path).stamp);
    } catch {
      this.#absent.add(path);
    }
  }

  /** Notes paths whose appearance would change the bundle. */
  decidedByAbsence(paths: Iterable<string>): void {
    for (const path of paths) this.#absent.add(path);
  }

  get stamps(): FileStamp[] {
    const sources = [...this.#sources.values()].map((source) => source.stamp);
    return [...sources, ...[...this.#deciders.values()].filter((stamp) => !this.#sources.has(stamp.path))];
  }

  get absent(): string[] {
    return [...this.#absent];
  }

  /** Whether the bundler certainly saw the same files: it reads the deciders at a moment that is not known. */
  get consistent(): boolean {
    const latest = this.startedAt - 10; // a tick of the file system's clock, and more
    return [...this.#deciders.values()].every((stamp) => stamp.ctimeMs < latest);
  }

  #around(folder: string): void {
    if (this.#folders.has(folder)) return;
    this.#folders.add(folder);
    for (const name of ['package.json', 'tsconfig.json']) {
      const { path, absent } = nearestFile(folder, name);
      this.decidedByAbsence(absent);
      if (path === undefined) continue;
      if (name === 'tsconfig.json') this.#compilerOptions(path, 0);
      else this.decidedBy(path);
    }
  }

  // tsconfig.json may be JSON with comments; only its "extends" is of interest here, and a false find costs nothing.
  #compilerOptions(path: string, depth: number): void {
    if (depth > 10) return;
    this.decidedBy(path);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return;
    }
    const value = /"extends"\s*:\s*(\[[^\]]*\]|"[^"]*")/.exec(text)?.[1] ?? '';
    for (const [, base] of value.matchAll(/"([^"]*)"/g)) {
      for (const candidate of baseFiles(path, base!)) this.#compilerOptions(candidate, depth + 1);
    }
  }
}

function baseFiles(tsconfig: string, base: string): string[] {
  if (base.startsWith('.') || isAbsolute(base)) {
    const path = resolve(dirname(tsconfig), base);
    return path.endsWith('.json') ? [path] : [path, `${path}.json`];
  }
  const require = createRequire(tsconfig);
  for (const specifier of [base, `${base}.json`, join(base, 'tsconfig.json')]) {
    try {
      return [require.resolve(specifier)];
    } catch {
      // the next form
    }
  }
  return [];
}
