// Makes dist/ from lib/ and macros/. dist/lib and dist/macros are what other packages import (ESM, one file per
// module, with types); dist/*.cjs are the command line in three files, because start-up time is mostly the number of files.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { lateUndici } from './late-undici.ts';

const root = join(import.meta.dirname, '..');

// Small and needed by every command, so it is part of the bundle; all other dependencies are loaded when needed.
const BUNDLED = new Set(['commander']);
// The files of undici that a direct connection needs; a proxy needs, and loads, the whole package.
const UNDICI = /^undici\/lib\//;

/** Builds `root`/dist anew. The old dist stays until the new one is complete, so that a running command is not disturbed. */
export async function buildPackage(): Promise<void> {
  const fresh = join(root, `.dist-${process.pid}`);
  try {
    mkdirSync(fresh, { recursive: true });
    // Both are awaited even if one fails: the other must not go on writing to a folder that is gone.
    const parts = await Promise.allSettled([emitModules(fresh), bundleCommandLine(fresh)]);
    for (const part of parts) if (part.status === 'rejected') throw part.reason;
    copyLicenses(fresh);
    const old = `${fresh}-old`;
    try {
      renameSync(join(root, 'dist'), old);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    renameSync(fresh, join(root, 'dist'));
    rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

// TypeScript 7 emits the same modules and declarations as TypeScript 6, in a seventh of the time.
async function emitModules(outDir: string): Promise<void> {
  const compiler = join(root, 'node_modules/typescript7/bin/tsc');
  const args = [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', outDir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  if (status !== 0) throw new Error(`tsc ended with status ${status}`);
}

// What is loaded at every start (cli.cjs) is apart from what only some commands need (commands.cjs): most of a start is
// reading code. Each module is in one of the two, so that there is one copy of everything.
async function bundleCommandLine(outDir: string): Promise<void> {
  const started = await startModules();
  const dynamic = new Set<string>();
  const entry = `export { main } from ${JSON.stringify(join(root, START))};\n${await startedModuleFunction([...started])}`;
  await bundle(outDir, 'cli.cjs', entry, {
    name: 'later-modules',
    setup(build) {
      build.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const module = relative(root, join(resolveDir, path));
        dynamic.add(module);
        return { path: module, namespace: 'later' };
      });
      build.onLoad({ filter: /.*/, namespace: 'later' }, ({ path }) => ({
        contents: `module.exports = Load('commands.cjs')[${JSON.stringify(path)}];`,
      }));
    },
  });
  const getters = [...dynamic].map((path) => `get ${JSON.stringify(path)}() { return require(${JSON.stringify(join(root, path))}); }`);
  const places = new Map([...started].map((path, i) => [path, i]));
  const undici = new Set<string>();
  await bundle(outDir, 'commands.cjs', `module.exports = { ${getters.join(', ')} };\n`, {
    name: 'started-modules',
    setup(build) {
      build.onResolve({ filter: /^(\.\.?\/.*\.ts|ocidsl)$/ }, ({ path, resolveDir }) => {
        const module = path === 'ocidsl' ? 'lib/index.ts' : relative(root, join(resolveDir, path));
        return places.has(module) ? { path: module, namespace: 'started' } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: 'started' }, ({ path }) => ({
        contents: `module.exports = Load('cli.cjs').startedModule(${places.get(path)!});`,
      }));
      build.onResolve({ filter: UNDICI }, ({ path }) => {
        undici.add(path);
        return { path, namespace: 'undici' };
      });
      build.onLoad({ filter: /.*/, namespace: 'undici' }, ({ path }) => ({
        contents: `module.exports = Load('undici.cjs')[${JSON.stringify(path)}];`,
      }));
    },
  });
  if (!readFileSync(join(outDir, 'commands.cjs'), 'latin1').includes('encodePax='))
    throw new Error('The header encoder is missing: look at headerEncoder');
  await bundleUndici(outDir, [...undici]);
}

// The encoder of tar-stream in place of the module that looks for it at run time. It is found 5 ms faster, and an archive's headers are those that we
// tested, whichever version of tar-stream is installed.
const headerEncoder: Plugin = {
  name: 'header-encoder',
  setup(build) {
    build.onLoad({ filter: /[/\\]load-header-encoder\.ts$/ }, () => ({
      contents: `export const loadHeaderEncoder = () => require(${JSON.stringify(join(root, 'node_modules/tar-stream/headers.js'))});`,
    }));
  },
};

// Loaded file by file, undici takes longer to start than all of ours.
async function bundleUndici(outDir: string, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) throw new Error('No file of undici is imported any more: look at UNDICI');
  const getters = paths.map((path) => `get ${JSON.stringify(path)}() { return require(${JSON.stringify(path)}); }`);
  const late = lateUndici(root);
  await bundle(outDir, 'undici.cjs', `module.exports = { ${getters.join(', ')} };\n`, late.plugin, {
    external: [],
    finish: (code) => code,
  });
  late.verify();
}

// Bundles are copies, and licenses ask that their text goes with them.
function copyLicenses(outDir: string): void {
  for (const name of [...BUNDLED, 'undici', 'tar-stream', 'b4a'])
    copyFileSync(join(root, 'node_modules', name, 'LICENSE'), join(outDir, `${name}.LICENSE`));
}

const START = 'lib/cli/main.ts';

// The modules that the start reaches by static imports, relative to the root.
async function startModules(): Promise<Set<string>> {
  const skipDynamic: Plugin = {
    name: 'skip-dynamic',
    setup: (build) =>
      build.onResolve({ filter: /.*/ }, ({ kind, path }) => (kind === 'dynamic-import' ? { path, external: true } : undefined)),
  };
  const { metafile } = await build({
    ...(await options()),
    entryPoints: [join(root, START)],
    outfile: join(root, 'none.cjs'),
    metafile: true,
    absWorkingDir: root,
    plugins: [skipDynamic],
  });
  return new Set(Object.keys(metafile.inputs).filter((path) => /^(lib|macros)\//.test(path)));
}

// Source of a function that gives a module of the start to those that are loaded later. `export * as` would make an object of every
// module at each start, which takes a tenth of the time that running all of them does.
async function startedModuleFunction(modules: readonly string[]): Promise<string> {
  const { metafile } = await build({
    ...(await options()),
    entryPoints: modules.map((path) => join(root, path)),
    outdir: root,
    format: 'esm',
    metafile: true,
    absWorkingDir: root,
  });
  const outputs = Object.values(metafile.outputs);
  const imports: string[] = [];
  const objects = modules.map((path, i) => {
    const names = outputs.find(({ entryPoint }) => entryPoint === path)!.exports;
    imports.push(`import { ${names.map((name) => `${name} as m${i}_${name}`).join(', ')} } from ${JSON.stringify(join(root, path))};`);
    return `() => ({ ${names.map((name) => `${name}: m${i}_${name}`).join(', ')} })`;
  });
  return `${imports.join('\n')}\nexport function startedModule(i) { return [${objects.join(',\n')}][i](); }\n`;
}

async function bundle(
  outDir: string,
  name: string,
  entry: string,
  plugin: Plugin,
  { finish = withLazyBuiltins, ...own }: Pick<BuildOptions, 'external'> & { readonly finish?: (code: string) => string } = {},
): Promise<void> {
  const outfile = join(outDir, name);
  const result = await build({
    ...(await options()),
    ...own,
    stdin: { contents: entry, resolveDir: root, loader: 'js', sourcefile: name },
    outfile,
    plugins: [plugin, headerEncoder, nativeImport],
  });
  for (const file of result.outputFiles) {
    writeFileSync(join(outDir, basename(file.path)), file.path === outfile ? stamped(requireAscii(name, finish(file.text))) : file.text);
  }
}

async function options() {
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  return {
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.18',
    external: Object.keys(dependencies).filter((name) => !BUNDLED.has(name)),
    // Macros import 'ocidsl'. In the bundle that is the bundle's own copy: two copies would be two workspaces.
    alias: { ocidsl: join(root, 'lib/index.ts') },
    tsconfigRaw: { compilerOptions: { target: 'es2022', verbatimModuleSyntax: true } },
    // Dependencies are loaded by require(), which starts faster; `nativeImport` keeps import() for what the user wrote.
    supported: { 'dynamic-import': false },
    // A third of the size to read at each start. Names are in the source map, for --debug: esbuild's keepNames would keep them by
    // thousands of calls at each start. Short lines, because Node prints the whole line of an uncaught error.
    minify: true,
    lineLimit: 120,
    sourcemap: 'linked',
    // Only places are looked up in the maps, and each error with a place reads one.
    sourcesContent: false,
    // A CommonJS module has no import.meta; these are its values for the bundle.
    define: { 'import.meta.url': '__meta.url', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    banner: {
      js:
        // Making a URL costs a start half a millisecond.
        "const __meta = { get url() { return require('node:url').pathToFileURL(__filename).href; } };" +
        // Unless the loader has set them:
        'var Import = Import ?? ((url) => import(url));' +
        "var Load = Load ?? ((name) => require('./' + name));" +
        // Kept in a variable: require() of a module that is loaded takes a microsecond, and hashing 100,000 files asks as often.
        "const __lazy = (id) => { let all; return new Proxy({}, { get: (_, name) => ((all ??= require(id)), name === 'default' ? all : all[name]) }); };",
    },
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  } as const satisfies BuildOptions;
}

// Node 20 refuses import() in code from a code cache, so bin/ocidsl.js passes its own import() in under this name. It has the
// length of `import`, so that the positions of the source map stay right. tsx is imported with it too: the copy of tsx that
// require() gives cannot find its own hooks.
const nativeImport: Plugin = {
  name: 'native-import',
  setup(build) {
    build.onLoad({ filter: /[/\\]lib[/\\].*\.ts$/ }, (file) => ({
      contents: readFileSync(file.path, 'utf8').replace(/\bimport\((?=[A-Za-z_$(]|'tsx\/)/g, 'Import('),
      loader: 'ts',
    }));
  },
};

// Half of the start would be loading node:crypto, node:child_process and their like, which most commands never call. So they
// are loaded when a member is used for the first time; those that Node has loaded anyway are left alone.
const BUILTIN = /(?<==)(?:[\w$]+\(require\(("node:[a-z_/]+")\),1\)|require\(("node:[a-z_/]+")\))(?=[;,\n})])/g;
const LOADED = new Set(['fs', 'path', 'url', 'util', 'events', 'process', 'buffer'].map((name) => `"node:${name}"`));

function withLazyBuiltins(code: string): string {
  let replaced = 0;
  const lazy = code.replace(BUILTIN, (call, namespace?: string, plain?: string) => {
    const id = namespace ?? plain ?? '';
    if (LOADED.has(id)) return call;
    replaced++;
    return `__lazy(${id})`;
  });
  // The pattern depends on how esbuild writes such imports.
  if (replaced === 0 || /=[\w$]*\(?require\("node:crypto"\)/.test(lazy))
    throw new Error('Built-ins are no longer loaded lazily: look at BUILTIN');
  return lazy;
}

/**
 * The code of a bundle, which bin/ocidsl.js reads as latin1. esbuild escapes what is not ASCII in strings and names, but not in regular
 * expressions.
 */
export function requireAscii(name: string, code: string): string {
  const at = code.search(/[^\0-\x7f]/);
  if (at < 0) return code;
  const around = code.slice(Math.max(at - 40, 0), at + 40);
  throw new Error(
    `${name} has a character that is not ASCII, which bin/ocidsl.js would read wrongly: write it as \\u{…} in ${JSON.stringify(around)}`,
  );
}

// bin/ocidsl.js keeps compiled code under this stamp. It cannot go by the file's time, which npm sets to the same day in
// 1985 in every package. The stamp stands behind the code, so that the positions of the source map stay right.
function stamped(code: string): string {
  return `${code}//${createHash('sha256').update(code).digest('hex').slice(0, 32)}\n`;
}
