// The loader for `--config-loader tsx`: Node imports the configs themselves and tsx strips the types. Slower than bundles; what
// it loads is the same, except that a target is refused where the file of the call is no config and was called by none.
import { realpathSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { OcidslError } from '../base/errors.ts';
import { locateCallSite } from '../graph/call-site.ts';
import { configError } from './config-error.ts';
import { configFileIn, isConfigFile, packageOfConfig, workspacePath } from './config-file.ts';
import { isGuardFailure } from './guard-evaluation.ts';
import { importUrl } from './evaluate-bundle.ts';
import { findLibraryCopy, nearestFile, readManifest, twoCopiesError } from './library-copy.ts';
import { missingPackage } from './missing-package.ts';
import type { LoaderContext, PackageLoader } from './package-loader.ts';

/** Imports configs through tsx. Node evaluates a file once, so one process can load a workspace once. */
export class TsxLoader implements PackageLoader {
  readonly #context: LoaderContext;
  readonly #files = new Set<string>();
  readonly #failures = new Map<string, Error>();
  #unregister: (() => Promise<void>) | undefined;
  #evaluating: string | undefined;
  #last: string | undefined;

  constructor(context: LoaderContext) {
    this.#context = context;
  }

  async prepare(packageName: string): Promise<void> {
    const { root, libraryRoot } = this.#context;
    const file = configFileIn(join(root, packageName));
    if (file === undefined) throw missingPackage(root, packageName);
    const name = workspacePath(root, file) ?? file;
    refuseCommonJs(file, name);
    const copy = findLibraryCopy(dirname(file)).folder;
    if (copy !== undefined && copy !== libraryRoot) throw twoCopiesError(name, copy, libraryRoot);
    if (this.#unregister !== undefined) return;
    const { register } = await import('tsx/esm/api');
    // Without a namespace: with one, configs would get a library of their own.
    this.#unregister = register({
      onImport: (url) => {
        if (url.startsWith('file:')) this.#files.add(fileURLToPath(url.replace(/[?#].*$/, '')));
      },
    });
  }

  async evaluate(packageName: string): Promise<void> {
    const failure = this.#failures.get(packageName);
    if (failure !== undefined) throw failure;
    const { root, workspace } = this.#context;
    const file = configFileIn(join(root, packageName))!;
    workspace.packageOf = () => this.#packageOfCall();
    workspace.enterPackage(packageName);
    this.#evaluating = file;
    this.#last = file;
    try {
      await importUrl(pathToFileURL(file).href);
    } catch (thrown) {
      throw this.#failed(thrown, file);
    } finally {
      this.#leave(file);
    }
  }

  describe(failure: unknown): unknown {
    return this.#last === undefined || !isGuardFailure(failure) ? failure : this.#failed(failure, this.#last);
  }

  inputs(): Iterable<string> {
    return [...this.#files].filter((path) => workspacePath(this.#context.root, path) !== undefined && !path.includes('/node_modules/'));
  }

  #failed(thrown: unknown, file: string): Error {
    const { root, locate } = this.#context;
    const error = configError(thrown, { name: workspacePath(root, file) ?? file, awaits: [] }, locate);
    this.#failures.set(packageOfConfig(root, file) ?? '', error);
    this.#leave(file);
    return error;
  }

  #leave(file: string): void {
    if (this.#evaluating !== file) return;
    this.#evaluating = undefined;
    this.#context.workspace.packageOf = undefined;
    this.#context.workspace.leavePackage();
  }

  // Configs that import each other are evaluated inside of one import(), so the stack is what tells them apart: the outermost
  // config in it is the one whose evaluation made the call.
  #packageOfCall(): string {
    const { root, locate } = this.#context;
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = Infinity;
    const site: { stack?: string } = {};
    Error.captureStackTrace(site);
    const places = locateCallSite(site, locate);
    Error.stackTraceLimit = limit;
    const config = places.findLast((place) => isConfigFile(place.file));
    const name = config && packageOfConfig(root, join(root, config.file));
    if (name !== undefined) return name;
    throw new OcidslError({
      code: 'OCIDSL_CONFIG_PACKAGE_UNKNOWN',
      message: `Cannot declare a target in ${places[0]?.file ?? 'a file that is no config'}: with --config-loader tsx nothing tells its package, expected a call made by a config`,
      locations: places,
      hint: 'Declare it in a function that a config calls, or leave out --config-loader tsx',
    });
  }
}

function refuseCommonJs(file: string, name: string): void {
  if (extname(file).startsWith('.m')) return;
  const manifest = nearestFile(dirname(file), 'package.json').path;
  if (manifest !== undefined && readManifest(manifest)['type'] === 'module') return;
  const where =
    manifest === undefined ? 'there is no package.json beside or above it' : `"${realpathSync(manifest)}" does not say "type": "module"`;
  throw new OcidslError({
    code: 'OCIDSL_CONFIG_LOADER',
    message: `Cannot load ${name} with --config-loader tsx: ${where}, expected an ES module`,
    hint: 'Add "type": "module" to package.json, name the config build.config.mts, or leave out --config-loader tsx',
  });
}
