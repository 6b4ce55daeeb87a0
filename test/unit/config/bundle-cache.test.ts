// The cache of bundles: what it notices, what it survives, and that a hit needs no esbuild.
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  installLibrary,
  load,
  linkLibrary,
  temporaryFolder,
  writeFiles,
  WITHOUT_ESBUILD,
  type Loaded,
} from './fixture/workspace-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let library = '';
beforeAll(async () => {
  library = await installLibrary(folder.path);
});

let count = 0;
const rule = (text: string, more = ''): string => `import { file } from 'ocidsl';\n${more}file({ name: 'a', text: ${text} });\n`;
const workspace = (files: Record<string, string | object>): string => {
  const root = writeFiles(join(folder.path, `ws${count++}`), files);
  linkLibrary(library, root);
  return root;
};
const cacheOf = (root: string): string => join(root, '.cache');
const loadRoot = (root: string, more: { libraryVersion?: string } = {}): Promise<Loaded> =>
  load(library, { root, cacheDirectory: cacheOf(root), ...more });
const loadCached = (root: string, more: { libraryVersion?: string } = {}): Promise<Loaded> =>
  load(library, { root, cacheDirectory: cacheOf(root), ...more }, WITHOUT_ESBUILD);
const missed = (loading: Promise<Loaded>): Promise<boolean> =>
  loading.then(
    () => false,
    () => true,
  );
const text = (loaded: Loaded): unknown => (loaded.attributes['a'] as { text?: unknown }).text;
const old = (path: string): void => utimesSync(path, 1_600_000_000, 1_600_000_000);

it('breaks esbuild where these tests say so', async () => {
  const root = workspace({ 'build.config.ts': rule('"x"') });
  await expect(loadCached(root)).rejects.toThrow(/The service/);
});

it('does not load esbuild for a hit', async () => {
  const root = workspace({ 'build.config.ts': rule('"x"') });
  await loadRoot(root);
  const hidden = {
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent("import Module from 'node:module';process.on('exit', () => console.error('loaded', Object.keys(Module._cache).some((path) => path.includes('esbuild'))));")}`,
  };
  const job = { root, cacheDirectory: cacheOf(root) };
  expect((await load(library, job, hidden)).stderr).toContain('loaded false');
  rmSync(cacheOf(root), { recursive: true });
  expect((await load(library, job, hidden)).stderr).toContain('loaded true');
});

describe('notices', () => {
  it('an edit of the same size that sets the time back', async () => {
    for (const name of ['build.config.ts', 'lib/x.ts']) {
      const root = workspace({
        'build.config.ts': rule('x + "1"', "import { x } from './lib/x.ts';\n"),
        'lib/x.ts': "export const x: string = '1';",
      });
      const path = join(root, name);
      old(path);
      expect(text(await loadRoot(root))).toBe('11');
      expect(text(await loadCached(root))).toBe('11');
      writeFileSync(path, readFileSync(path, 'utf8').replace(/(['"])1\1/, '"2"'));
      old(path);
      expect(['12', '21']).toContain(text(await loadRoot(root)));
    }
  });

  it('every one of many quick edits', async () => {
    const root = workspace({ 'build.config.ts': rule('"0"') });
    for (let i = 1; i <= 4; i++) {
      writeFileSync(join(root, 'build.config.ts'), rule(`"${i}"`));
      expect(text(await loadRoot(root))).toBe(String(i));
    }
  });

  it('a file that is found before the one used so far', async () => {
    const root = workspace({ 'build.config.ts': rule('x', "import { x } from './x';\n"), 'x.js': "export const x = 'js';" });
    expect(text(await loadRoot(root))).toBe('js');
    writeFileSync(join(root, 'x.ts'), "export const x: string = 'ts';");
    expect(text(await loadRoot(root))).toBe('ts');
  });

  it('an upgrade of a package, and a nearer copy of it', async () => {
    const root = workspace({
      'a/build.config.ts': rule('x', "import { x } from 'dep';\n"),
      'node_modules/dep/package.json': { name: 'dep', version: '1.0.0', main: 'one.js' },
      'node_modules/dep/one.js': "exports.x = 'one';",
      'node_modules/dep/two.js': "exports.x = 'two';",
    });
    const inner = async () =>
      ((await load(library, { root, cacheDirectory: cacheOf(root), load: ['a'] })).attributes['a:a'] as { text: string }).text;
    expect(await inner()).toBe('one');
    writeFiles(root, { 'node_modules/dep/package.json': { name: 'dep', version: '2.0.0', main: 'two.js' } });
    expect(await inner()).toBe('two');
    writeFiles(root, {
      'a/node_modules/dep/package.json': { name: 'dep', main: 'x.js' },
      'a/node_modules/dep/x.js': "exports.x = 'nearer';",
    });
    expect(await inner()).toBe('nearer');
  });

  it('another tsconfig.json', async () => {
    const root = workspace({
      'tsconfig.json': { compilerOptions: { paths: { '@x': ['./one.ts'] } } },
      'one.ts': "export const x = 'one';",
      'two.ts': "export const x = 'two';",
      'build.config.ts': rule('x', "import { x } from '@x';\n"),
    });
    expect(text(await loadRoot(root))).toBe('one');
    writeFiles(root, { 'tsconfig.json': { compilerOptions: { paths: { '@x': ['./two.ts'] } } } });
    expect(text(await loadRoot(root))).toBe('two');
  });

  it('a second copy of the library that is installed later', async () => {
    const root = workspace({ 'a/build.config.ts': rule('"x"') });
    const job = { root, cacheDirectory: cacheOf(root), load: ['a'] };
    expect((await load(library, job)).error).toBeNull();
    writeFiles(root, { 'a/node_modules/ocidsl/package.json': { name: 'ocidsl', version: '2.0.0' } });
    expect((await load(library, job)).error?.code).toBe('OCIDSL_TWO_COPIES');
  });

  it('another version of the library', async () => {
    const root = workspace({ 'build.config.ts': rule('"x"') });
    await loadRoot(root);
    expect(await missed(loadCached(root))).toBe(false);
    expect(await missed(loadCached(root, { libraryVersion: '2.0.0' }))).toBe(true);
  });

  it("another package's exports, but not its other edits", async () => {
    const root = workspace({
      'build.config.ts':
        "import * as b from './b/build.config.ts';\nimport { file } from 'ocidsl';\nfile({ name: 'a', text: Object.keys(b).join() + b.b });",
      'b/build.config.ts': 'export const b = 1;',
    });
    const entry = (): number => statSync(join(cacheOf(root), 'package-.json')).ino;
    expect(text(await loadRoot(root))).toBe('b1');
    writeFiles(root, { 'b/build.config.ts': 'export const b = 2;' });
    const scripts = readdirSync(cacheOf(root)).filter((name) => name.endsWith('.cjs'));
    expect(text(await loadRoot(root))).toBe('b2');
    expect(readdirSync(cacheOf(root)).filter((name) => scripts.includes(name))).toHaveLength(1);
    const before = entry();
    writeFiles(root, { 'b/build.config.ts': 'export const b = 2, c = 3;' });
    expect(text(await loadRoot(root))).toBe('b,c2');
    expect(entry()).not.toBe(before);
  });

  it("that an imported package's config is gone", async () => {
    const root = workspace({ 'build.config.ts': "import './b/build.config.ts';", 'b/build.config.ts': '' });
    await loadRoot(root);
    unlinkSync(join(root, 'b/build.config.ts'));
    expect((await loadRoot(root)).error).toMatchObject({ code: 'OCIDSL_CONFIG_IMPORT', places: ['build.config.ts:1:8'] });
  });
});

describe('does not mind', () => {
  it('new times of unchanged files: a checkout or a copy', async () => {
    const root = workspace({ 'build.config.ts': rule('"x"') });
    await loadRoot(root);
    for (const name of ['build.config.ts', ...readdirSync(cacheOf(root)).map((each) => join('.cache', each))]) old(join(root, name));
    expect(text(await loadCached(root))).toBe('x');
  });

  it('the directory it is started in, and environment variables', async () => {
    const root = workspace({ 'build.config.ts': rule('"x"') });
    await loadRoot(root);
    const loaded = await load(
      library,
      { root, cacheDirectory: cacheOf(root) },
      { ...WITHOUT_ESBUILD, TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8' },
    );
    expect(text(loaded)).toBe('x');
  });
});

describe('survives', () => {
  const damages: ReadonlyArray<readonly [string, (path: string) => void]> = [
    ['truncated', (path) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ['empty', (path) => truncateSync(path, 0)],
    ['overwritten', (path) => writeFileSync(path, Buffer.alloc(statSync(path).size, 'x'))],
    ['null', (path) => writeFileSync(path, 'null')],
    ['a folder', (path) => (unlinkSync(path), mkdirSync(path))],
    ['gone', (path) => unlinkSync(path)],
  ];
  it.each(damages)(
    'files of the cache that are %s',
    async (_, damage) => {
      const root = workspace({ 'a/build.config.ts': rule('"x"'), 'b/build.config.ts': rule('"x"', 'await null;\n') });
      const job = { root, cacheDirectory: cacheOf(root), load: ['a', 'b'] };
      const { targets } = await load(library, job);
      const files = readdirSync(cacheOf(root));
      expect(files).toHaveLength(7); // an entry, a script and a map each; compiled code of one
      for (const name of files) {
        damage(join(cacheOf(root), name));
        expect((await load(library, job)).attributes, name).toEqual({ 'a:a': { text: 'x' }, 'b:a': { text: 'x' } });
      }
      rmSync(cacheOf(root), { recursive: true });
      expect((await load(library, job)).targets).toEqual(targets);
    },
    60_000,
  );

  it.each(['', 'await null;\n'])('a cache folder that cannot be written or made (%j)', async (statement) => {
    const root = workspace({ 'build.config.ts': rule('"x"', statement), blocked: 'a file' });
    const loaded = await load(library, { root, cacheDirectory: join(root, 'blocked/cache') });
    expect(loaded.targets).toEqual([`a build.config.ts:${statement === '' ? 2 : 3}:1`]);
  });

  it('a read-only cache folder', async () => {
    const root = workspace({ 'build.config.ts': rule('"x"') });
    await loadRoot(root);
    chmodSync(folder.path, 0o755);
    chmodSync(cacheOf(root), 0o555);
    const job = { root, cacheDirectory: cacheOf(root) };
    // Root may write everywhere, so the process runs as nobody then.
    const user = process.getuid?.() === 0 ? 65_534 : undefined;
    expect(text(await load(library, job, WITHOUT_ESBUILD, user))).toBe('x');
    const before = readdirSync(cacheOf(root));
    writeFileSync(join(root, 'build.config.ts'), rule('"y"'));
    expect(text(await load(library, job, {}, user))).toBe('y');
    expect(readdirSync(cacheOf(root))).toEqual(before);
    chmodSync(cacheOf(root), 0o755);
  });

  it('several processes at once', async () => {
    const root = workspace({
      'build.config.ts': rule('x', "import { x } from './b/build.config.ts';\n"),
      'b/build.config.ts': "await null;\nexport const x: string = 'x';",
    });
    const all = await Promise.all(Array.from({ length: 5 }, () => loadRoot(root)));
    for (const loaded of all) expect(text(loaded)).toBe('x');
    expect(text(await loadCached(root))).toBe('x');
    expect(readdirSync(cacheOf(root)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

it('leaves no files of earlier bundles', async () => {
  const root = workspace({ 'build.config.ts': rule('"0"') });
  await loadRoot(root);
  const before = readdirSync(cacheOf(root)).length;
  for (let i = 1; i <= 2; i++) {
    writeFileSync(join(root, 'build.config.ts'), rule(`"${i}"`));
    await loadRoot(root);
  }
  expect(readdirSync(cacheOf(root))).toHaveLength(before);
});

it('has the places of errors again where source maps were removed from the cache', async () => {
  const root = workspace({ 'build.config.ts': "\nthrow new Error('x');" });
  await loadRoot(root);
  for (const name of readdirSync(cacheOf(root))) if (name.endsWith('.map')) unlinkSync(join(cacheOf(root), name));
  expect((await loadRoot(root)).error?.places).toEqual(['build.config.ts:2:7']);
});
