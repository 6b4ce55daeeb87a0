// Makes the bundle of one package's config with esbuild. Only a miss of the cache comes here, so only then esbuild is loaded.
import { basename, join } from 'node:path';
import type { BuildFailure, BuildOptions, BuildResult, Message, Metafile } from 'esbuild';
import type { SourceLocation } from '../base/errors.ts';
import { sha256Hex } from '../base/digest.ts';
import { BundleInputs } from './bundle-inputs.ts';
import type { BundleMap, ConfigBundle, ImportedPackage } from './config-bundle.ts';
import { bundleFailure } from './bundle-failure.ts';
import { importPlugin, type ImportContext } from './import-plugin.ts';
import { PRELUDE_DEFINES, type ComputedImport } from './source-prelude.ts';

/** What a bundle is made from. */
export interface BundleRequest {
  readonly root: string;
  readonly package: string;
  /** The config: an absolute path. */
  readonly file: string;
  /** Folder of the bundle's script; nothing is written by this function. */
  readonly directory: string;
  readonly libraryRoot: string;
  readonly librarySpecifiers: readonly string[];
  readonly libraryExports: ImportContext['libraryExports'];
  /** Bundles another package; throws on a cycle. */
  readonly importedPackage: ImportContext['importedPackage'];
}

const TOP_LEVEL_AWAIT = 'Top-level await is currently not supported';
const COMPUTED_IMPORT = 'unsupported-dynamic-import';

/**
 * Bundles the config of a package. Configs of other packages stay outside, packages from npm too, unless they use ocidsl.
 * `cacheable` is false where files changed meanwhile.
 * @throws OCIDSL_CONFIG_SYNTAX, OCIDSL_CONFIG_IMPORT, OCIDSL_TWO_COPIES, with the place in the user's file
 */
export async function bundleConfig(request: BundleRequest): Promise<{ readonly bundle: ConfigBundle; readonly cacheable: boolean }> {
  const { build } = await import('esbuild');
  const inputs = new BundleInputs();
  const computedImports = new Map<string, ComputedImport[]>();
  const context: ImportContext = { ...request, inputs, computedImports, packages: new Map(), onlyInModules: new Set(), shifted: new Set() };
  const pass = async (format: 'cjs' | 'esm'): Promise<Pass> => {
    try {
      return await build(passOptions(context, format));
    } catch (error) {
      if (!isBuildFailure(error)) throw error;
      if (format === 'cjs' && error.errors.every((each) => each.text.startsWith(TOP_LEVEL_AWAIT))) return { awaits: error.errors };
      throw bundleFailure(error.errors, context);
    }
  };
  let module = await pass('esm');
  for (const warning of module.warnings ?? []) {
    if (warning.id !== COMPUTED_IMPORT || warning.location === null) continue;
    const { file, line, column } = warning.location;
    const path = join(request.root, file);
    // The pass saw a file with a prelude already where it mentions import.meta.
    const at = { line: line - (context.shifted.has(path) ? 1 : 0), column };
    computedImports.set(
      path,
      [...(computedImports.get(path) ?? []), at].sort((a, b) => b.line - a.line || b.column - a.column),
    );
  }
  if (computedImports.size > 0) module = await pass('esm');
  const script = await pass('cjs');
  const format = script.awaits === undefined && context.onlyInModules.size === 0 ? 'cjs' : 'esm';
  const result = format === 'cjs' ? script : module;
  const [code, map] = outputsOf(result, format, request.root, context.shifted);
  return {
    bundle: {
      package: request.package,
      file: request.file,
      format,
      code,
      exports: exportsOf(module.metafile),
      packages: packagesInOrder(module.metafile, request, [...context.packages.values()]),
      awaits: (script.awaits ?? []).flatMap((each) => locationOf(each, context)),
      inputs: inputs.stamps,
      absent: inputs.absent,
      stampedAt: inputs.startedAt,
      script: join(request.directory, `${sha256Hex(`${request.file}\0${code}`).slice(0, 32)}.${format === 'cjs' ? 'cjs' : 'mjs'}`),
      readMap: () => map,
    },
    cacheable: inputs.consistent,
  };
}

type Pass = Partial<BuildResult<{ metafile: true; write: false }>> & { readonly awaits?: readonly Message[] };

function passOptions(context: ImportContext, format: 'cjs' | 'esm') {
  return {
    entryPoints: [context.file],
    absWorkingDir: context.root,
    outfile: join(context.root, 'bundle.js'), // not written; sources in the map are relative to it
    bundle: true,
    format,
    platform: 'node',
    target: 'node20.18',
    charset: 'utf8',
    // As Node resolves: without the "module" field and condition that bundlers know.
    mainFields: ['main'],
    conditions: [],
    define: { ...PRELUDE_DEFINES },
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
    logOverride: { [COMPUTED_IMPORT]: 'warning' },
    plugins: [importPlugin(context, format)],
  } satisfies BuildOptions;
}

function outputsOf(result: Pass, format: 'cjs' | 'esm', root: string, shifted: ReadonlySet<string>): [code: string, map: string] {
  const text = (suffix: string): string => result.outputFiles?.find((file) => basename(file.path) === `bundle.js${suffix}`)?.text ?? '';
  const map = JSON.parse(text('.map')) as Omit<BundleMap, 'shifted'>;
  const indices = map.sources.flatMap((source, i) => (shifted.has(join(root, source)) ? [i] : []));
  let code = text('');
  // esbuild's shim for require() in a module wants one; on the same line, so that the map stays right.
  if (format === 'esm' && code.includes('__require('))
    code = `import { createRequire as __ocidsl_require } from "node:module"; var require = __ocidsl_require(import.meta.url); ${code}`;
  return [code, JSON.stringify({ ...map, shifted: indices })];
}

function exportsOf(metafile: Metafile | undefined): string[] {
  for (const output of Object.values(metafile?.outputs ?? {})) {
    if (output.entryPoint !== undefined) return output.exports;
  }
  return [];
}

// In the order in which Node would evaluate them: depth first, imports in the order written.
function packagesInOrder(metafile: Metafile | undefined, request: BundleRequest, packages: readonly ImportedPackage[]): ImportedPackage[] {
  const inputs = metafile?.inputs ?? {};
  const entry = Object.values(metafile?.outputs ?? {}).find((output) => output.entryPoint !== undefined)?.entryPoint ?? request.file;
  const found = new Set<ImportedPackage>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const imported = packages.find((each) => path === `ocidsl-package:${each.name}`);
    if (imported) found.add(imported);
    for (const each of inputs[path]?.imports ?? []) visit(each.path);
  };
  visit(entry);
  return [...found];
}

function locationOf(message: Message, context: ImportContext): SourceLocation[] {
  if (message.location === null) return [];
  const { file, line, column } = message.location;
  return [{ file, line: line - (context.shifted.has(join(context.root, file)) ? 1 : 0), column: column + 1 }];
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}
