// createConfigLoader() with bundles: every kind of package, both formats, imports of all sorts, packages.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  installLibrary,
  linkLibrary,
  load,
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
const workspace = (files: Record<string, string | object>): string => {
  const root = writeFiles(join(folder.path, `ws${count++}`), files);
  linkLibrary(library, root);
  return root;
};
const cacheOf = (root: string): string => join(root, '.cache');
// Loads twice: what comes from the cache must equal what was made anew.
async function loadTwice(root: string, packages: readonly string[] = ['']): Promise<Loaded> {
  const job = { root, cacheDirectory: cacheOf(root), load: packages };
  const cold = await load(library, job);
  const warm = await load(library, job, WITHOUT_ESBUILD);
  expect(warm).toEqual(cold);
  expect(cold.restored).toBe(true);
  return cold;
}
const scriptsIn = (root: string): string[] =>
  readdirSync(cacheOf(root))
    .filter((name) => /\.[cm]js$/.test(name))
    .map((name) => name.slice(-4));

const kinds: ReadonlyArray<readonly [string, object | undefined]> = [
  ['no package.json', undefined],
  ['a package.json without "type"', {}],
  ['"type": "commonjs"', { type: 'commonjs' }],
  ['"type": "module"', { type: 'module' }],
];
const flavours = [
  ['no top-level await', '', '.cjs'],
  ['top-level await', 'await new Promise((done) => setTimeout(done, 1));\n', '.mjs'],
] as const;
for (const [kind, manifest] of kinds) {
  for (const [flavour, statement, format] of flavours) {
    it(`loads a config with ${kind} and ${flavour}`, async () => {
      const root = workspace({
        ...(manifest && { 'package.json': manifest }),
        'build.config.ts': `import { file } from 'ocidsl';\nimport { twice } from 'ocidsl/macros';\n${statement}const name: string = 'a';\nexport const a = file({ name });\ntwice({ name: 'm' });\n`,
      });
      const { targets, error } = await loadTwice(root);
      const line = statement === '' ? 4 : 5;
      expect(error).toBeNull();
      expect(targets[0]).toBe(`a build.config.ts:${line}:18`);
      expect(targets).toHaveLength(2);
      expect(scriptsIn(root)).toEqual([format]);
    });
  }
}

it.each(['build.config.mts', 'build.config.js', 'build.config.mjs'])('loads %s', async (name) => {
  const root = workspace({ [name]: "import { file } from 'ocidsl';\nfile({ name: 'a' });\n" });
  expect((await loadTwice(root)).targets).toEqual([`a ${name}:2:1`]);
});

it('prefers build.config.ts to what a compiler wrote beside it', async () => {
  const root = workspace({
    'build.config.ts': "import { file } from 'ocidsl';\nfile({ name: 'ts' });",
    'build.config.js': 'throw new Error();',
  });
  expect((await loadTwice(root)).targets).toEqual(['ts build.config.ts:2:1']);
});

it('works where ocidsl is not installed in the workspace', async () => {
  const root = writeFiles(join(folder.path, `ws${count++}`), { 'build.config.ts': "import { file } from 'ocidsl';\nfile({ name: 'a' });" });
  expect((await loadTwice(root)).targets).toEqual(['a build.config.ts:2:1']);
});

it('gives each source file its own import.meta, __dirname and __filename, and keeps its lines', async () => {
  const source = (name: string) =>
    `#!/usr/bin/env node\nimport { file } from 'ocidsl';\nexport const run = () =>\n  file({ name: '${name}', text: [import.meta.url, import.meta.filename, import.meta.dirname, __filename, __dirname, import.meta.resolve('./x y.js')].join(' ') });\n`;
  for (const statement of ['', 'await null;']) {
    const root = workspace({
      'build.config.ts': `${source('a')}import { run as other } from './sub/other.ts';\nrun();\nother();\n${statement}`,
      'sub/other.ts': source('b'),
    });
    const { targets, attributes } = await loadTwice(root);
    expect(targets).toEqual(['a build.config.ts:4:3', 'b sub/other.ts:4:3']);
    const meta = (path: string, folderOf: string): string =>
      [pathToFileURL(path).href, path, folderOf, path, folderOf, pathToFileURL(join(folderOf, 'x y.js')).href].join(' ');
    expect(attributes['a']).toEqual({ text: meta(join(root, 'build.config.ts'), root) });
    expect(attributes['b']).toEqual({ text: meta(join(root, 'sub/other.ts'), join(root, 'sub')) });
  }
});

it('imports JSON, CommonJS packages, ES packages and Node modules', async () => {
  const packages = {
    'data.json': { text: 'json' },
    'node_modules/old/package.json': { name: 'old', main: 'main.js' },
    'node_modules/old/main.js': "exports.text = 'old';",
    'node_modules/new/package.json': { name: 'new', type: 'module', exports: { import: './new.js' } },
    'node_modules/new/new.js': "await null; export const text = 'new'; export default 'default';",
  };
  const imports =
    "import { join } from 'node:path';\nimport fs from 'fs';\nimport data from './data.json' with { type: 'json' };\nimport { text as old } from 'old';\n";
  const common = workspace({
    ...packages,
    'build.config.ts': `${imports}import { file } from 'ocidsl';\nfile({ name: 'a', text: [join('x', 'y'), typeof fs.statSync, data.text, old].join(' ') });\n`,
  });
  expect((await loadTwice(common)).attributes).toEqual({ a: { text: 'x/y function json old' } });
  expect(scriptsIn(common)).toEqual(['.cjs']);
  const modules = workspace({
    ...packages,
    'build.config.ts': `${imports}import { file } from 'ocidsl';\nimport other, { text } from 'new';\nfile({ name: 'a', text: [data.text, old, text, other, typeof join, typeof fs].join(' ') });\n`,
  });
  expect((await loadTwice(modules)).attributes).toEqual({ a: { text: 'json old new default function object' } });
  expect(scriptsIn(modules)).toEqual(['.mjs']);
});

it('takes import() of files, packages and computed names', async () => {
  const root = workspace({
    'node_modules/new/package.json': { name: 'new', type: 'module', exports: './new.js' },
    'node_modules/new/new.js': "export const text = 'new';",
    'sub/plain.mjs': "export const text = 'plain';",
    'sub/helper.ts':
      "export const load = async (name: string) => (await import('./' + name)).text; // import(name)\nexport const shown = 'import(name)';\n",
    'build.config.ts': `import { file } from 'ocidsl';
import { load, shown } from './sub/helper.ts';
const { text } = await import('new');
/* é */ const name = './sub/plain.mjs', other = (await import(name)).text;
file({ name: 'a', text: [text, other, await load('plain.mjs'), (await import('./lazy.ts')).text, shown].join(' ') });
`,
    'lazy.ts': "export const text: string = 'lazy';",
  });
  const { attributes, targets } = await loadTwice(root);
  expect(attributes).toEqual({ a: { text: 'new plain plain lazy import(name)' } });
  expect(targets).toEqual(['a build.config.ts:5:1']);
});

it('bundles packages of macros, so that they use the running library; their lines are kept', async () => {
  const root = workspace({
    'node_modules/acme/package.json': { name: 'acme', type: 'module', exports: './index.js', peerDependencies: { ocidsl: '*' } },
    'node_modules/acme/index.js':
      "import { defineMacro, file } from 'ocidsl';\nexport const acme = defineMacro('acme', ({ name }) =>\n  file({ name, text: 1 }));\n",
    'build.config.ts': "import { acme } from 'acme';\n\nacme({ name: 'a' });\n",
  });
  const { targets, problems, inputs } = await loadTwice(root);
  expect(targets).toEqual(['a node_modules/acme/index.js:3:3']);
  expect(problems[0]!.places).toEqual(['node_modules/acme/index.js:3:3', 'build.config.ts:3:1']);
  expect(inputs).toContain(join(root, 'node_modules/acme/index.js'));
});

it('takes path aliases of tsconfig.json and sources of npm workspaces', async () => {
  const root = workspace({
    'tsconfig.base.json': { compilerOptions: { paths: { '@shared/*': ['./shared/*'] } } },
    'tsconfig.json': '{ /* comments */ "extends": "./tsconfig.base.json", }',
    'shared/a.ts': "export const text: string = 'aliased';",
    'build.config.ts': "import { file } from 'ocidsl';\nimport { text } from '@shared/a.ts';\nfile({ name: 'a', text });",
  });
  const { attributes, inputs } = await loadTwice(root);
  expect(attributes).toEqual({ a: { text: 'aliased' } });
  expect(inputs).toContain(join(root, 'tsconfig.base.json'));
});

it('evaluates an imported package once, before, and gives its targets to it', async () => {
  for (const statement of ['', 'await null;\n']) {
    const root = workspace({
      'build.config.ts':
        "import { file } from 'ocidsl';\nimport { b } from './apps/b/build.config.ts';\nimport { c, default as other } from './apps/c/build.config.ts';\nfile({ name: 'a', deps: [b, c, other] });\n",
      'apps/b/build.config.ts': `import { file } from 'ocidsl';\nimport { c, declare } from '../c/build.config.ts';\n${statement}export const b = file({ name: 'b', deps: [c] });\ndeclare('from_b');\n`,
      'apps/c/build.config.ts':
        "import { file } from 'ocidsl';\nexport const c = file({ name: 'c' });\nexport default c;\nexport const declare = (name: string) => file({ name });\nconsole.log('c');\n",
    });
    const { targets, attributes, stderr } = await loadTwice(root, ['', 'apps/b', '', 'apps/c']);
    const line = statement === '' ? 3 : 4;
    expect(targets).toEqual([
      'apps/c:c apps/c/build.config.ts:2:18',
      `apps/b:b apps/b/build.config.ts:${line}:18`,
      'apps/b:from_b apps/c/build.config.ts:4:42',
      'a build.config.ts:4:1',
    ]);
    expect(attributes['a']).toEqual({ deps: [{ $target: 'apps/b:b' }, { $target: 'apps/c:c' }, { $target: 'apps/c:c' }] });
    expect(stderr).toBe('c\n');
  }
});

it('loads only what was asked for', async () => {
  const root = workspace({
    'build.config.ts': 'throw new Error();',
    'apps/b/build.config.ts': "import { file } from 'ocidsl';\nfile({ name: 'b' });",
  });
  expect((await loadTwice(root, ['apps/b'])).targets).toEqual(['apps/b:b apps/b/build.config.ts:2:1']);
});

it('passes on what a config re-exports of another', async () => {
  const root = workspace({
    'build.config.ts':
      "import { file } from 'ocidsl';\nimport * as all from './apps/b/build.config.ts';\nfile({ name: 'a', text: Object.keys(all).join() });",
    'apps/b/build.config.ts': "export * from './c/build.config.ts';\nexport const b = 1;",
    'apps/b/c/build.config.ts': "export const c = 1, d = 2;\nexport { c as 'odd name' };",
  });
  expect((await loadTwice(root)).attributes).toEqual({ a: { text: 'b,c,d,odd name' } });
});

it('gives every package its own instance of a shared file', async () => {
  const root = workspace({
    'shared.ts': "import { file } from 'ocidsl';\nexport const base = file({ name: 'base' });\n",
    'build.config.ts': "import './apps/b/build.config.ts';\nimport { base } from './shared.ts';\nvoid base;",
    'apps/b/build.config.ts': "import { base } from '../../shared.ts';\nvoid base;",
  });
  expect((await loadTwice(root)).targets).toEqual(['apps/b:base shared.ts:2:21', 'base shared.ts:2:21']);
});

it('evaluates anew in another loader of the same process', async () => {
  for (const statement of ['', 'await null;']) {
    const root = workspace({ 'build.config.ts': `import { file } from 'ocidsl';\nfile({ name: 'a' });${statement}` });
    expect((await load(library, { root, cacheDirectory: cacheOf(root), twice: true })).targets).toEqual(['a build.config.ts:2:1']);
  }
});

it('sends what a config prints to stderr, in both formats', async () => {
  for (const statement of ['', 'await null;']) {
    const root = workspace({ 'build.config.ts': `console.log('one');process.stdout.write('two\\n');${statement}` });
    const { stdout, stderr } = await loadTwice(root);
    expect([stdout, stderr]).toEqual(['', 'one\ntwo\n']);
  }
});

it('survives unusual names of folders', async () => {
  const root = writeFiles(join(folder.path, `ws ${count++} (é%20)#?`), {
    'build.config.ts': "import { file } from 'ocidsl';\nawait null;\nfile({ name: 'a', text: import.meta.url });",
  });
  linkLibrary(library, root);
  const { targets, attributes } = await loadTwice(root);
  expect(targets).toEqual(['a build.config.ts:3:1']);
  expect(attributes).toEqual({ a: { text: pathToFileURL(join(root, 'build.config.ts')).href } });
  expect(existsSync(cacheOf(root))).toBe(true);
});
