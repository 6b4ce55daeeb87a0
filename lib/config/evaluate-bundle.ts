// Evaluates a bundle in this process: a script with V8's compiled code where possible, else an ES module.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { environmentError } from '../base/errors.ts';
import type { ConfigBundle } from './config-bundle.ts';

/** The exports of an evaluated config, in a box: a config may export something named `then`. */
export interface Evaluated {
  readonly exports: object;
  /** Compiled code to keep; undefined for modules. The same buffer as given where V8 took it. */
  readonly compiled: Buffer | undefined;
}

type ScriptBody = (module: { exports: object }, exports: object, require: NodeJS.Require) => void;

/** Runs a `cjs` bundle, synchronously. Throws what the config throws. */
export function evaluateScript(bundle: ConfigBundle, compiled: Buffer | undefined): Evaluated {
  // On the line of the code's first, so that the source map stays right.
  const script = new vm.Script(`(function (module, exports, require) {${bundle.code}\n})`, {
    filename: bundle.script,
    ...(compiled && { cachedData: compiled }),
  });
  const body = script.runInThisContext() as ScriptBody;
  const module = { exports: {} };
  body(module, module.exports, lazyRequire(bundle.file));
  const accepted = compiled !== undefined && script.cachedDataRejected === false;
  // After the run: only then it holds the functions that the config calls.
  return { exports: module.exports, compiled: accepted ? compiled : script.createCachedData() };
}

let loads = 0;

/** Imports an `esm` bundle; where its script could not be written, a copy in the system's folder for temporary files. */
export async function evaluateModule(bundle: ConfigBundle, written: boolean, place: (script: string) => void): Promise<Evaluated> {
  let script = bundle.script;
  let temporary: string | undefined;
  if (!written) {
    try {
      temporary = mkdtempSync(join(tmpdir(), 'ocidsl-config-'));
      script = join(temporary, basename(bundle.script));
      writeFileSync(script, bundle.code);
    } catch (error) {
      throw environmentError(
        `write the bundle of "${bundle.file}"`,
        error,
        "Make the cache folder or the system's temporary folder writable",
      );
    }
    place(script);
  }
  try {
    // Node evaluates a URL once; another load in the same process must evaluate it again.
    const url = `${pathToFileURL(script).href}?load=${loads++}`;
    return { exports: await importUrl(url), compiled: undefined };
  } finally {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  }
}

/** The native import(). */
export function importUrl(url: string): Promise<object> {
  return import(url) as Promise<object>;
}

function lazyRequire(file: string): NodeJS.Require {
  let real: NodeJS.Require | undefined;
  return ((id: string): unknown => (real ??= createRequire(file))(id)) as NodeJS.Require;
}
