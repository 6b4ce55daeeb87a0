// The rules of docs/architecture.md about who may import and call what. A failure names the file and what it did.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf, projectRoot, sourceFiles, type SourceFile } from './source-files.ts';

/** A folder of lib/ imports lower ranks and itself. */
const RANKS: Readonly<Record<string, number>> = {
  base: 0,
  action: 1,
  oci: 1,
  tar: 1,
  deb: 1,
  go: 1,
  graph: 1,
  report: 1,
  registry: 2,
  store: 2,
  plan: 2,
  tools: 3,
  rules: 3,
  fetch: 3,
  'index.ts': 4,
  engine: 4,
  sinks: 4,
  config: 5,
  testing: 5,
  cli: 6,
};

/** Uses of the clock and of chance, none of which may reach a key or an output. File → why. */
const CLOCK_AND_CHANCE: Readonly<Record<string, string>> = {
  'lib/config/bundle-inputs.ts': 'a file changed after the bundle began is not trusted by its fingerprint',
  'lib/config/bundle-cache.ts': 'old bundles are removed by age',
  'lib/engine/discoveries.ts': 'a file changed during a discovery is not trusted by its fingerprint',
  'lib/engine/file-index.ts': 'a file as young as the index is not trusted by its fingerprint',
  'lib/engine/write-snapshot-file.ts': 'leftovers of killed processes are removed by age',
  'lib/registry/http.ts': 'retries: deadlines and jitter',
  'lib/sinks/folder-lock.ts': 'how long to wait for another process, and when its lock is stale',
  'lib/sinks/replace-file.ts': 'leftovers of killed processes are removed by age',
  'lib/store/disk-cas.ts': 'leftovers of killed processes are removed by age',
  'lib/store/partial-file.ts': 'what another process may still be writing is not taken from it',
  'lib/store/temporary-files.ts': 'names that no other process uses',
  'lib/tools/discover-go-packages.ts': 'a file changed while go read it is not trusted by its fingerprint',
};

/** Who starts processes. File → what it starts. */
const PROCESSES: Readonly<Record<string, string>> = {
  'lib/base/run-process.ts': 'actions, credential helpers, discoveries: the one way to run a program to its end',
  'lib/sinks/engine-process.ts': 'container engines, with their streams',
  'lib/sinks/run.ts': 'the engine that runs the image, on the terminal of the user',
};

/** Outside lib/cli: who touches the environment, the arguments or the output. File → why. */
const TERMINAL: Readonly<Record<string, string>> = {
  'lib/config/guard-evaluation.ts': 'what a config prints goes to stderr, because stdout is for results',
};

const UNDICI_FOLDERS = ['registry', 'fetch', 'sinks'];

const library = sourceFiles('lib');
const macros = sourceFiles('macros');
const code = new Map<string, string>();

beforeAll(async () => {
  await Promise.all([...library, ...macros].map(async (file) => code.set(file.path, await codeOf(file))));
});

const folderOf = (path: string): string => path.split('/')[1] ?? '';

describe('imports', () => {
  it('finds the sources', () => {
    expect(library.length).toBeGreaterThan(50);
    expect(library.flatMap((file) => file.imports).length).toBeGreaterThan(100);
  });

  it('has a rank for every folder of lib/', () => {
    expect(library.map((file) => folderOf(file.path)).filter((folder) => RANKS[folder] === undefined)).toEqual([]);
  });

  it('go to lower ranks only', () => {
    const rank = (path: string): number => RANKS[folderOf(path)] ?? Number.NaN;
    const upward = edges(library)
      .filter(([, to]) => to.startsWith('lib/'))
      .filter(([from, to]) => folderOf(from) !== folderOf(to) && rank(to) >= rank(from))
      .map(([from, to]) => `${from} (rank ${rank(from)}) imports ${to} (rank ${rank(to)})`);
    expect(upward).toEqual([]);
  });

  it('have no cycle', () => {
    expect(cycles(edges([...library, ...macros]))).toEqual([]);
  });

  it('name files that exist', () => {
    expect(edges([...library, ...macros]).filter(([, to]) => !existsSync(join(projectRoot, to)))).toEqual([]);
  });

  it('of macros/ name nothing but ocidsl', () => {
    const foreign = macros.flatMap((file) =>
      file.imports
        .filter(({ specifier, path }) => specifier !== 'ocidsl' && path?.startsWith('macros/') !== true)
        .map(({ specifier }) => `${file.path} imports ${specifier}`),
    );
    expect(foreign).toEqual([]);
  });

  it('of macros/ come from lib/cli only', () => {
    const users = edges(library).filter(([from, to]) => to.startsWith('macros/') && folderOf(from) !== 'cli');
    expect(users).toEqual([]);
  });

  it('of undici are dynamic, because it takes longer to load than most commands run', () => {
    const eager = library.flatMap((file) =>
      file.imports
        .filter(({ specifier }) => specifier === 'undici' || specifier.startsWith('undici/'))
        .filter(({ kind }) => kind === 'static' || (kind === 'dynamic' && !UNDICI_FOLDERS.includes(folderOf(file.path))))
        .map(({ kind }) => `${file.path}: ${kind} import of undici`),
    );
    expect(eager).toEqual([]);
  });

  it('of node:child_process are where processes are started', () => {
    const importers = library.filter((file) => file.imports.some(({ specifier }) => specifier === 'node:child_process'));
    expect(importers.map((file) => file.path).sort()).toEqual(Object.keys(PROCESSES).sort());
  });
});

describe('code', () => {
  const users = (pattern: RegExp, outside: readonly string[] = []): string[] =>
    [...code]
      .filter(([path]) => !outside.includes(folderOf(path)))
      .filter(([, text]) => pattern.test(text))
      .map(([path]) => path)
      .sort();

  it('reads the environment and the arguments, and prints, in lib/cli only', () => {
    const terminal = /\bprocess\d*\.(env|argv|stdin|stdout|stderr|exit|exitCode)\b|\(process, ["']std|\bconsole\b/;
    expect(users(terminal, ['cli'])).toEqual(Object.keys(TERMINAL).sort());
  });

  it('does no I/O where targets are declared, planned and described', () => {
    const planning = library.filter(({ path }) => ['graph', 'plan', 'rules'].includes(folderOf(path)));
    expect(planning.length).toBeGreaterThan(20);
    expect(
      planning.filter(({ imports }) => imports.some(({ specifier }) => specifier.startsWith('node:'))).map(({ path }) => path),
    ).toEqual([]);
  });

  it('uses the clock and chance where it says why', () => {
    const clock = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\d*\.now\b|\bhrtime\b|\brandom(UUID|Bytes|Int)\b/;
    expect(users(clock, ['cli', 'testing'])).toEqual(Object.keys(CLOCK_AND_CHANCE).sort());
  });

  it('never sorts by locale', () => {
    expect(users(/\.localeCompare\b|\bIntl\.Collator\b|\.toLocale(Lower|Upper)Case\b/)).toEqual([]);
  });

  it('never calls the global fetch, which buffers and follows what it should not', () => {
    expect(users(/(?:\bawait|\breturn|[=(,])\s*fetch\(|\bglobalThis\.fetch\b/)).toEqual([]);
  });

  it('has no default export', () => {
    expect(users(/^export default\b|\bas default\b/m)).toEqual([]);
  });
});

describe('files', () => {
  it('have at most 400 lines', () => {
    const long = sourceFiles('lib', 'macros', 'bin', 'test', 'scripts')
      .map((file) => [file.path, file.text.split('\n').length - 1] as const)
      .filter(([, lines]) => lines > 400);
    expect(long).toEqual([]);
  });

  it('of lib/ and macros/ say first what lives in them', () => {
    const silent = [...library, ...macros].filter((file) => !/^(\/\/|\/\*)/.test(file.text)).map((file) => file.path);
    expect(silent).toEqual([]);
  });

  it('of every example include a README and a config', () => {
    const missing = readdirSync(join(projectRoot, 'examples'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => [`examples/${name}/README.md`, `examples/${name}/build.config.ts`])
      .filter((path) => !existsSync(join(projectRoot, path)));
    expect(missing).toEqual([]);
  });
});

function edges(files: readonly SourceFile[]): (readonly [from: string, to: string])[] {
  return files.flatMap((file) => file.imports.flatMap(({ path }) => (path === undefined ? [] : [[file.path, path] as const])));
}

/** Import cycles, each as the path that leads back to its start. */
function cycles(all: readonly (readonly [string, string])[]): string[] {
  const targets = new Map<string, string[]>();
  for (const [from, to] of all) targets.set(from, [...(targets.get(from) ?? []), to]);
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' → '));
    if (start >= 0 || done.has(path)) return;
    for (const next of targets.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return found;
}
