// Keeps bundles in a folder of the workspace: for each package a small file that says what the bundle was made from, beside it
// the script, its source map and V8's compiled code, named by content. Deleting any of them costs time only.
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../base/digest.ts';
import type { ConfigBundle } from './config-bundle.ts';
import { compareStamps, stampWritten, type FileStamp } from './file-stamp.ts';

/** A bundle and what is kept for it. */
export interface CachedBundle {
  readonly bundle: ConfigBundle;
  /** V8's compiled code, made by the same version of Node. */
  readonly compiled: Buffer | undefined;
}

// Increased with every change of what bundles contain.
const FORMAT = 1;

interface Entry extends Omit<ConfigBundle, 'code' | 'readMap'> {
  readonly key: string;
  /** The script, its source map, and its compiled code where there is some: nobody edits them, so their stamps suffice. */
  readonly files: readonly FileStamp[];
  readonly compiledBy: string | undefined;
}

/** The bundles of one workspace. */
export class BundleCache {
  readonly directory: string;
  readonly #key: string;
  /** What is kept already, by package, so that it is not written again. */
  readonly #kept = new Map<
    string,
    { readonly script: string; readonly inputs: readonly FileStamp[]; readonly compiled: Buffer | undefined }
  >();

  /** `identity` is everything besides the inputs that decides a bundle: the library's version and place, the root. */
  constructor(directory: string, identity: string) {
    this.directory = directory;
    this.#key = `${FORMAT}\0${process.versions.node.split('.')[0]}\0${identity}`;
  }

  /** The bundle kept for a package with this config file; undefined where there is none or something changed since. */
  read(packageName: string, file: string): CachedBundle | undefined {
    try {
      const entry = JSON.parse(readFileSync(this.#entryPath(packageName), 'utf8')) as Entry;
      if (![entry.inputs, entry.absent, entry.files, entry.exports, entry.packages, entry.awaits].every(Array.isArray)) return undefined;
      if (entry.key !== this.#key || entry.package !== packageName || entry.file !== file) return undefined;
      const now = Date.now();
      const inputs = compareStamps(entry.inputs, entry.stampedAt);
      if (inputs === undefined || entry.absent.some((path) => statSync(path, { throwIfNoEntry: false }) !== undefined)) return undefined;
      const scripts = entry.files.slice(0, 2);
      const compiled = entry.files[2];
      const kept = compareStamps(scripts, Infinity);
      if (kept === undefined || scripts[0]?.path !== entry.script) return undefined;
      const code = readFileSync(entry.script, 'utf8');
      const usable = compiled !== undefined && entry.compiledBy === COMPILER && compareStamps([compiled], Infinity)?.[0] === compiled;
      const { key: _key, files: _files, compiledBy: _compiledBy, ...rest } = entry;
      const touched = inputs !== entry.inputs || kept !== scripts;
      const cached: CachedBundle = {
        bundle: {
          ...rest,
          inputs,
          stampedAt: touched ? now : entry.stampedAt,
          code,
          readMap: () => readFileSync(mapPath(entry.script), 'utf8'),
        },
        compiled: usable ? readFileSync(compiled.path) : undefined,
      };
      if (!touched) this.#kept.set(packageName, { script: entry.script, inputs, compiled: cached.compiled });
      return cached;
    } catch {
      return undefined; // missing, unreadable or not what this version writes: made again
    }
  }

  /** Writes the script and its map, so that a module can be imported and frames be located. Returns whether it could. */
  writeScript(bundle: ConfigBundle): boolean {
    try {
      mkdirSync(this.directory, { recursive: true });
      sweep(this.directory);
      replaceFile(bundle.script, bundle.code);
      replaceFile(mapPath(bundle.script), bundle.readMap());
      return true;
    } catch {
      return false; // a read-only or full disk: the next start bundles again
    }
  }

  /** Keeps a bundle whose script has been written, with V8's compiled code for it. Failures are ignored. */
  keep(bundle: ConfigBundle, compiled: Buffer | undefined): void {
    const before = this.#kept.get(bundle.package);
    if (before !== undefined && before.script === bundle.script && before.inputs === bundle.inputs && before.compiled === compiled) return;
    try {
      const map = bundle.readMap();
      const files = [stampWritten(bundle.script, sha256Hex(bundle.code)), stampWritten(mapPath(bundle.script), sha256Hex(map))];
      if (compiled !== undefined) {
        const path = `${bundle.script}.${COMPILER}.bin`;
        replaceFile(path, compiled);
        files.push(stampWritten(path, sha256Hex(compiled)));
      }
      const { code: _code, readMap: _readMap, ...rest } = bundle;
      const entry: Entry = { ...rest, key: this.#key, files, compiledBy: compiled === undefined ? undefined : COMPILER };
      const old = this.#scriptsOf(bundle.package);
      replaceFile(this.#entryPath(bundle.package), JSON.stringify(entry));
      for (const path of old) if (!path.startsWith(bundle.script)) rmSync(path, { force: true });
      this.#kept.set(bundle.package, { script: bundle.script, inputs: bundle.inputs, compiled });
    } catch {
      // as above
    }
  }

  #entryPath(packageName: string): string {
    const name = encodeURIComponent(packageName);
    return join(this.directory, `package-${name.length > 200 ? sha256Hex(name) : name}.json`);
  }

  // Files of the bundle kept so far. Another process may be about to read them: it then bundles again.
  #scriptsOf(packageName: string): string[] {
    try {
      const entry = JSON.parse(readFileSync(this.#entryPath(packageName), 'utf8')) as Entry;
      const paths = entry.files.map((file) => file.path);
      return paths.filter((path) => path.startsWith(this.directory));
    } catch {
      return [];
    }
  }
}

// V8's compiled code is for one version of V8 and one kind of processor.
const COMPILER = `${process.version}-${process.arch}`;

function mapPath(script: string): string {
  return `${script}.map`;
}

const STALE_MS = 24 * 60 * 60 * 1000;

// Removes what killed commands left: temporary files that nobody has changed for a day.
function sweep(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.tmp')) continue;
    const path = join(directory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.ctimeMs > STALE_MS) rmSync(path, { force: true });
  }
}

function replaceFile(path: string, content: string | Buffer): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w', 0o644);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
