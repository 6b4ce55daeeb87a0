// An esbuild plugin that decides what becomes of each import of a config: the running library, another package's exports,
// a part of the bundle, or a package that is loaded when the bundle runs.
import { existsSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import { OcidslError } from '../base/errors.ts';
import { suggest } from '../graph/suggest.ts';
import type { BundleInputs } from './bundle-inputs.ts';
import type { ImportedPackage } from './config-bundle.ts';
import { isConfigFile, packageOfConfig, workspacePath } from './config-file.ts';
import { findLibraryCopy, nearestFile, readManifest, twoCopiesError } from './library-copy.ts';
import { REGISTRY_EXPRESSION } from './loader-registry.ts';
import { withPrelude, type ComputedImport } from './source-prelude.ts';

/** What the plugin works with and what it finds out. One for each bundle; its passes share it. */
export interface ImportContext {
  readonly root: string;
  /** The config that is bundled. */
  readonly file: string;
  /** Real path of the running library's package folder. */
  readonly libraryRoot: string;
  /** Names of the exports of the running library's modules, by specifier. */
  readonly libraryExports: (specifier: string) => readonly string[] | undefined;
  readonly librarySpecifiers: readonly string[];
  /** Another package, bundled before; throws on a cycle. */
  readonly importedPackage: (name: string) => Promise<ImportedPackage>;
  readonly inputs: BundleInputs;
  /** Filled: packages by config file. */
  readonly packages: Map<string, ImportedPackage>;
  /** Filled: imports that a CommonJS script cannot have. */
  readonly onlyInModules: Set<string>;
  /** Filled: source files that got a prelude, as paths. */
  readonly shifted: Set<string>;
  /** Computed imports by source file, found by the first pass. */
  readonly computedImports: ReadonlyMap<string, readonly ComputedImport[]>;
}

const LIBRARY = 'ocidsl-library';
const PACKAGE = 'ocidsl-package';
const RESOLVING = Symbol('resolving');
const LOCAL = /^(?:\.{0,2}\/|\.{1,2}$|[A-Za-z]:[\\/])/;
const SCRIPT = /^\.[cm]?[jt]sx?$/;
const EXTENSIONS = ['.tsx', '.ts', '.jsx', '.js', '.css', '.json'];

/** The plugin, for one pass in the given format. */
export function importPlugin(context: ImportContext, format: 'cjs' | 'esm'): Plugin {
  return {
    name: 'ocidsl',
    setup(build) {
      build.onResolve({ filter: /.*/ }, (args) => {
        if (args.kind === 'entry-point' || args.pluginData === RESOLVING) return undefined;
        return resolveImport(context, format, build, args);
      });
      build.onLoad({ filter: /.*/, namespace: 'file' }, ({ path }) => loadSource(context, path));
      build.onLoad({ filter: /.*/, namespace: LIBRARY }, ({ path }) =>
        reexport(`library(${JSON.stringify(path)})`, context.libraryExports(path) ?? []),
      );
      build.onLoad({ filter: /.*/, namespace: PACKAGE }, ({ path }) => {
        const imported = [...context.packages.values()].find((each) => each.name === path);
        return reexport(`package(${JSON.stringify(path)})`, imported?.exports ?? []);
      });
    },
  };
}

async function resolveImport(
  context: ImportContext,
  format: 'cjs' | 'esm',
  build: PluginBuild,
  args: OnResolveArgs,
): Promise<OnResolveResult | undefined> {
  const specifier = args.path;
  if (isBuiltin(specifier)) return { path: specifier, external: true };
  if (specifier === 'ocidsl' || specifier.startsWith('ocidsl/')) return resolveLibrary(context, args);
  if (URL.canParse(specifier) && !LOCAL.test(specifier)) return undefined; // data: and the like: as esbuild does
  const found = await build.resolve(specifier, {
    importer: args.importer,
    namespace: args.namespace,
    resolveDir: args.resolveDir,
    kind: args.kind,
    pluginData: RESOLVING,
  });
  if (found.errors.length > 0) return failure(missingImport(context, args));
  const local = LOCAL.test(specifier);
  if (local) context.inputs.decidedByAbsence(overriding(join(args.resolveDir, specifier), found.path));
  if (isConfigFile(found.path) && found.path !== context.file) return resolvePackage(context, args, found.path);
  if (local || found.namespace !== 'file') return undefined;
  return resolveDependency(context, format, args, found.path);
}

function resolveLibrary(context: ImportContext, args: OnResolveArgs): OnResolveResult {
  const copy = findLibraryCopy(args.resolveDir);
  context.inputs.decidedByAbsence(copy.absent);
  if (copy.manifest !== undefined) context.inputs.decidedBy(copy.manifest);
  const importer = workspacePath(context.root, args.importer) ?? args.importer;
  if (copy.folder !== undefined && copy.folder !== context.libraryRoot)
    return failure(twoCopiesError(importer, copy.folder, context.libraryRoot));
  if (context.librarySpecifiers.includes(args.path)) return { path: args.path, namespace: LIBRARY };
  return failure(
    new OcidslError({
      code: 'OCIDSL_CONFIG_IMPORT',
      message: `Cannot import "${args.path}": ocidsl has no such module, expected ${context.librarySpecifiers.map((each) => `"${each}"`).join(' or ')}`,
    }),
  );
}

async function resolvePackage(context: ImportContext, args: OnResolveArgs, file: string): Promise<OnResolveResult> {
  const name = packageOfConfig(context.root, file);
  if (name === undefined) {
    return failure(
      new OcidslError({
        code: 'OCIDSL_CONFIG_IMPORT',
        message: `Cannot import "${args.path}": "${file}" is outside of the workspace "${context.root}", expected a config below it`,
      }),
    );
  }
  try {
    const imported = await context.importedPackage(name);
    if (imported.file !== file) {
      return failure(
        new OcidslError({
          code: 'OCIDSL_CONFIG_IMPORT',
          message: `Cannot import "${args.path}": the config of the package "${name}" is ${basename(imported.file)}, expected one config in a folder`,
          hint: `Import ${basename(imported.file)}, or remove it`,
        }),
      );
    }
    if (!context.packages.has(file)) context.packages.set(file, imported);
    return { path: name, namespace: PACKAGE };
  } catch (error) {
    return failure(error);
  }
}

function resolveDependency(context: ImportContext, format: 'cjs' | 'esm', args: OnResolveArgs, path: string): OnResolveResult | undefined {
  const manifest = nearestFile(dirname(path), 'package.json').path;
  if (manifest !== undefined) context.inputs.decidedBy(manifest);
  const name = packageName(args.path);
  for (let folder = args.resolveDir; !name.startsWith('#'); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name, 'package.json');
    context.inputs.decidedBy(candidate); // noted as absent where it is
    if (existsSync(candidate) || dirname(folder) === folder) break;
  }
  // Sources of this repository under another name (npm workspaces, tsconfig paths, #imports), and packages of macros: these
  // must use the running library, not load another copy of it.
  if (!/[\\/]node_modules[\\/]/.test(path) || dependsOnLibrary(manifest)) return undefined;
  if (args.kind === 'dynamic-import' || (args.kind !== 'require-call' && !isRequirable(path))) context.onlyInModules.add(args.path);
  return { path: format === 'esm' && args.kind !== 'require-call' ? pathToFileURL(path).href : path, external: true };
}

function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function dependsOnLibrary(manifest: string | undefined): boolean {
  if (manifest === undefined) return false;
  const parsed = readManifest(manifest);
  return ['dependencies', 'peerDependencies'].some((kind) => Object.hasOwn(Object(parsed[kind]) as object, 'ocidsl'));
}

function isRequirable(path: string): boolean {
  const extension = extname(path);
  if (extension !== '.js') return extension === '.cjs' || extension === '.json' || extension === '.node';
  const manifest = nearestFile(dirname(path), 'package.json').path;
  return manifest === undefined || readManifest(manifest)['type'] !== 'module';
}

// An import without its extension means the first of several files; those before the found one must stay absent.
function overriding(wanted: string, found: string): string[] {
  if (wanted === found) return [];
  const candidates = [wanted, ...EXTENSIONS.map((extension) => wanted + extension)];
  const end = candidates.indexOf(found);
  return end < 0 ? candidates.slice(0, 1) : candidates.slice(0, end);
}

function loadSource(context: ImportContext, path: string): OnLoadResult {
  const content = context.inputs.source(path);
  if (!SCRIPT.test(extname(path))) return { contents: content, loader: 'default' };
  const { text, shifted } = withPrelude(path, content.toString(), context.computedImports.get(path) ?? []);
  if (shifted) context.shifted.add(path);
  return { contents: text, loader: 'default' };
}

function reexport(source: string, names: readonly string[]): OnLoadResult {
  const lines = names.map((name, i) => `const x${i} = exports[${JSON.stringify(name)}]; export { x${i} as ${JSON.stringify(name)} };`);
  return { contents: `const exports = ${REGISTRY_EXPRESSION}.${source};\n${lines.join('\n')}\nexport {};\n`, loader: 'js' };
}

function missingImport(context: ImportContext, args: OnResolveArgs): OcidslError {
  const local = LOCAL.test(args.path) || args.path.startsWith('#');
  const near = suggest(args.path, context.librarySpecifiers);
  return new OcidslError({
    code: 'OCIDSL_CONFIG_IMPORT',
    message: `Cannot import "${args.path}": ${local ? 'there is no such file' : 'the package is not installed, or has no such module'}`,
    hint: local ? undefined : near.length > 0 ? `Did you mean "${near[0]}"?` : `Run: npm install --save-dev ${packageName(args.path)}`,
  });
}

function failure(error: unknown): OnResolveResult {
  return { errors: [{ text: error instanceof Error ? error.message : String(error), detail: error }] };
}
