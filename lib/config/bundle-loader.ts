// The usual loader: bundles from the cache, made with esbuild where there is none.
import { join } from 'node:path';
import { OcidslError } from '../base/errors.ts';
import { BundleCache } from './bundle-cache.ts';
import type { ConfigBundle, ImportedPackage } from './config-bundle.ts';
import { configError } from './config-error.ts';
import { configFileIn, workspacePath } from './config-file.ts';
import { isGuardFailure } from './guard-evaluation.ts';
import { evaluateModule, evaluateScript, importUrl, type Evaluated } from './evaluate-bundle.ts';
import { setLoaderRegistry, sourceMeta } from './loader-registry.ts';
import type { LoaderContext, PackageLoader } from './package-loader.ts';

interface Prepared {
  readonly bundle: ConfigBundle;
  readonly compiled: Buffer | undefined;
  /** Whether the bundle's script is in the cache folder. */
  readonly written: boolean;
  /** Whether the cache may keep it. */
  readonly cacheable: boolean;
}

/** Loads bundles into the workspace of its context. */
export class BundleLoader implements PackageLoader {
  readonly #context: LoaderContext;
  readonly #cache: BundleCache;
  readonly #prepared = new Map<string, Promise<Prepared>>();
  readonly #bundles: ConfigBundle[] = [];
  /** Which packages' configs a package's config imports, as far as known: a path back to it is a cycle. */
  readonly #imports = new Map<string, Set<string>>();
  readonly #evaluated = new Map<string, Evaluated | Error>();
  #evaluating: ConfigBundle | undefined;
  #last: ConfigBundle | undefined;

  constructor(context: LoaderContext) {
    this.#context = context;
    this.#cache = new BundleCache(context.cacheDirectory, [context.libraryVersion, context.libraryRoot, context.root].join('\0'));
  }

  async prepare(packageName: string): Promise<void> {
    await this.#prepare(packageName);
  }

  async evaluate(packageName: string): Promise<void> {
    setLoaderRegistry({
      library: (specifier) => this.#context.libraryModules[specifier]!(),
      package: (name) => (this.#evaluated.get(name) as Evaluated).exports,
      meta: (file) => sourceMeta(file, importUrl),
    });
    await this.#evaluate(packageName);
  }

  describe(failure: unknown): unknown {
    const bundle = this.#evaluating ?? this.#last;
    if (bundle === undefined || !isGuardFailure(failure)) return failure;
    const error = this.#error(failure, bundle);
    this.#evaluated.set(bundle.package, error);
    this.#leave(bundle);
    return error;
  }

  *inputs(): Iterable<string> {
    for (const bundle of this.#bundles) for (const input of bundle.inputs) yield input.path;
  }

  #prepare(name: string): Promise<Prepared> {
    let prepared = this.#prepared.get(name);
    if (prepared === undefined) {
      prepared = this.#read(name);
      this.#prepared.set(name, prepared);
    }
    return prepared;
  }

  async #read(name: string): Promise<Prepared> {
    const { root, cacheDirectory, libraryRoot, libraryModules } = this.#context;
    const file = configFileIn(join(root, name));
    if (file === undefined) throw (await import('./missing-package.ts')).missingPackage(root, name);
    const cached = this.#cache.read(name, file);
    if (cached !== undefined && (await this.#importsAreAsBefore(cached.bundle)))
      return this.#add({ ...cached, written: true, cacheable: true });
    // Loaded here: most starts find the bundle.
    const { bundleConfig } = await import('./bundle-config.ts');
    const { bundle, cacheable } = await bundleConfig({
      root,
      package: name,
      file,
      directory: cacheDirectory,
      libraryRoot,
      librarySpecifiers: Object.keys(libraryModules),
      libraryExports: (specifier) => (Object.hasOwn(libraryModules, specifier) ? Object.keys(libraryModules[specifier]!()) : undefined),
      importedPackage: (imported) => this.#import(name, imported),
    });
    const written = (cacheable || bundle.format === 'esm') && this.#cache.writeScript(bundle);
    return this.#add({ bundle, compiled: undefined, written, cacheable });
  }

  #add(prepared: Prepared): Prepared {
    const { bundle } = prepared;
    this.#bundles.push(bundle);
    this.#context.maps.set(bundle.script, { folder: this.#context.root, read: bundle.readMap });
    return prepared;
  }

  async #importsAreAsBefore(bundle: ConfigBundle): Promise<boolean> {
    for (const before of bundle.packages) {
      try {
        const now = await this.#import(bundle.package, before.name);
        if (now.file !== before.file || now.exports.join('\0') !== before.exports.join('\0')) return false;
      } catch {
        return false; // bundling again meets the same failure and tells where the import is
      }
    }
    return true;
  }

  async #import(importer: string, name: string): Promise<ImportedPackage> {
    const imports = this.#imports.get(importer) ?? new Set();
    this.#imports.set(importer, imports.add(name));
    const cycle = this.#pathBetween(name, importer);
    if (cycle !== undefined) throw cycleError([importer, ...cycle]);
    const { file, exports } = (await this.#prepare(name)).bundle;
    return { name, file, exports };
  }

  #pathBetween(from: string, to: string, seen = new Set<string>()): string[] | undefined {
    if (from === to) return [from];
    if (seen.has(from)) return undefined;
    seen.add(from);
    for (const next of this.#imports.get(from) ?? []) {
      const path = this.#pathBetween(next, to, seen);
      if (path !== undefined) return [from, ...path];
    }
    return undefined;
  }

  async #evaluate(name: string): Promise<void> {
    const before = this.#evaluated.get(name);
    if (before instanceof Error) throw before;
    if (before !== undefined) return;
    const prepared = await this.#prepare(name);
    const { bundle } = prepared;
    for (const imported of bundle.packages) await this.#evaluate(imported.name);
    this.#context.workspace.enterPackage(name);
    this.#evaluating = bundle;
    this.#last = bundle;
    let compiled: Buffer | undefined;
    try {
      const evaluated = await this.#run(prepared);
      refusePromise(evaluated.exports, this.#nameOf(bundle));
      this.#evaluated.set(name, evaluated);
      compiled = evaluated.compiled;
    } catch (thrown) {
      const error = this.#error(thrown, bundle);
      this.#evaluated.set(name, error);
      throw error;
    } finally {
      this.#leave(bundle);
      if (prepared.cacheable && prepared.written) this.#cache.keep(bundle, compiled);
    }
  }

  async #run({ bundle, compiled, written }: Prepared): Promise<Evaluated> {
    if (bundle.format === 'cjs') return evaluateScript(bundle, compiled);
    const { maps, root } = this.#context;
    return evaluateModule(bundle, written, (script) => maps.set(script, { folder: root, read: bundle.readMap }));
  }

  // After a failure of the guard an evaluation may still go on; it must not end the package of another one.
  #leave(bundle: ConfigBundle): void {
    if (this.#evaluating !== bundle) return;
    this.#evaluating = undefined;
    this.#context.workspace.leavePackage();
  }

  #error(thrown: unknown, bundle: ConfigBundle): OcidslError {
    return configError(thrown, { name: this.#nameOf(bundle), awaits: bundle.awaits }, this.#context.locate);
  }

  #nameOf(bundle: ConfigBundle): string {
    return workspacePath(this.#context.root, bundle.file) ?? bundle.file;
  }
}

function cycleError(packages: readonly string[]): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_CONFIG_CYCLE',
    message: `Cannot load configs that import each other: ${packages.map((name) => (name === '' ? 'the root package' : `"${name}"`)).join(' → ')}`,
    hint: 'Write the label of a target instead of importing its handle, or move what both need into a file that both import',
  });
}

function refusePromise(exports: object, name: string): void {
  if (!('default' in exports && exports.default instanceof Promise)) return;
  throw new OcidslError({
    code: 'OCIDSL_CONFIG_THREW',
    message: `Cannot load ${name}: its default export is a promise, which nothing awaits, expected rule calls while it is evaluated`,
    hint: 'Await it: "await main();" at the top level',
  });
}
