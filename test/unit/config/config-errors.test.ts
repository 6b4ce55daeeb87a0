// What goes wrong in a config comes out as one error with the user's place, and leaves the process as it was.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installLibrary, linkLibrary, load, temporaryFolder, writeFiles, type Loaded } from './fixture/workspace-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let library = '';
beforeAll(async () => {
  library = await installLibrary(folder.path);
});

let count = 0;
async function loadFiles(files: Record<string, string | object>, packages: readonly string[] = ['']): Promise<Loaded> {
  const root = writeFiles(join(folder.path, `ws${count++}`), files);
  linkLibrary(library, root);
  const job = { root, cacheDirectory: join(root, '.cache'), load: packages };
  const cold = await load(library, job);
  expect(cold.restored).toBe(true);
  expect(cold.status).toBe(0);
  expect(JSON.stringify([cold.error, cold.problems])).not.toMatch(/ocidsl-(config|library|package)|__ocidsl|\.cache|load=|bundle\.js/);
  if (existsSync(job.cacheDirectory)) expect((await load(library, job)).error).toEqual(cold.error);
  return cold;
}

describe.each([
  ['a script', ''],
  ['a module', 'await null;\n'],
])('in %s', (_, before) => {
  const at = (line: number, column: number): string => `build.config.ts:${before === '' ? line : line + 1}:${column}`;
  const failing = async (body: string) => (await loadFiles({ 'build.config.ts': before + body })).error;

  it('an Error thrown at the top level', async () => {
    expect(await failing('const x: number = 1;\n  throw new TypeError(`no ${x}`);')).toMatchObject({
      code: 'OCIDSL_CONFIG_THREW',
      kind: 'config',
      message: 'Cannot load build.config.ts: it threw TypeError: no 1',
      places: [at(2, 9)],
    });
  });

  it('an Error thrown in a called function of another file', async () => {
    const { error } = await loadFiles({
      'build.config.ts': `${before}import { f } from './lib/f.ts';\nf();`,
      'lib/f.ts': "type T = 1;\nexport function f() {\n  throw new Error('deep', { cause: new Error('deeper') });\n}\n",
    });
    expect(error).toMatchObject({
      message: 'Cannot load build.config.ts: it threw Error: deep, because of Error: deeper',
      places: ['lib/f.ts:3:9', at(2, 1)],
    });
  });

  it('values that are no Error', async () => {
    const messages = [];
    for (const value of ["'text'", 'undefined', '{ a: 1 }']) messages.push((await failing(`throw ${value};`))?.message);
    expect(messages).toEqual(['"text"', 'nothing', 'an object'].map((shown) => `Cannot load build.config.ts: it threw ${shown}`));
  });

  it('an Error whose message looks like a stack, or would write to the terminal', async () => {
    const error = await failing("throw new Error('a\\n    at x (/etc/passwd:1:1)\\u001b[2J');");
    expect(error?.places).toEqual([at(1, 7)]);
    expect(error?.message).toContain('\\x1b[2J');
  });

  it('process.exit(), also where the config catches it', async () => {
    expect(await failing('\nprocess.exit(0);')).toMatchObject({
      code: 'OCIDSL_CONFIG_THREW',
      message: 'Cannot load build.config.ts: it called process.exit(0), expected it to return or to throw',
      places: [at(2, 9)],
    });
    expect(await failing('try { process.exit(); } catch {}')).toMatchObject({ places: [at(1, 15)] });
  });

  it('a rejection that nobody awaits', async () => {
    expect(await failing("async function main() {\n  await null;\n  throw new Error('lost');\n}\nmain();")).toMatchObject({
      code: 'OCIDSL_CONFIG_THREW',
      message: 'Cannot load build.config.ts: a promise was rejected and nobody awaited it: Error: lost',
      places: [at(3, 9)],
    });
  });

  it('a rule called after the evaluation has ended', async () => {
    const error = await failing(
      "import { file } from 'ocidsl';\nsetImmediate(() => 0);\nasync function main() {\n  await null;\n  await null;\n  file({ name: 'late' });\n}\nmain();",
    );
    // A module's evaluation ends a few turns later, so the call is in time there.
    if (before === '') expect(error).toMatchObject({ code: 'OCIDSL_DECLARED_TOO_LATE', places: [at(6, 3)] });
    else expect(error).toBeNull();
  });

  it('a promise as the default export', async () => {
    expect(await failing('export default (async () => 1)();')).toMatchObject({
      code: 'OCIDSL_CONFIG_THREW',
      message: expect.stringContaining('its default export is a promise'),
    });
  });

  it('a handle used as a string', async () => {
    expect(await failing("import { file } from 'ocidsl';\nconst a = file({ name: 'a' });\nString(a);")).toMatchObject({
      code: 'OCIDSL_HANDLE_USED_AS_VALUE',
      places: [at(3, 1)],
    });
  });

  it('the recursion that never ends', async () => {
    expect(await failing('function f(): number { return f() + 1; }\nf();')).toMatchObject({
      message: expect.stringContaining('RangeError'),
    });
  });
});

it('reports a rejected top-level await', async () => {
  const { error } = await loadFiles({ 'build.config.ts': "const f = async () => {\n  throw new Error('rejected');\n};\nawait f();" });
  expect(error).toMatchObject({ code: 'OCIDSL_CONFIG_THREW', places: ['build.config.ts:2:9', 'build.config.ts:4:7'] });
});

it('reports a top-level await that never ends, instead of a silent end', async () => {
  const { error } = await loadFiles({
    'build.config.ts': 'const meta = import.meta.url;\nconst x = 1;\nconst y = await new Promise(() => {});',
  });
  expect(error).toMatchObject({ code: 'OCIDSL_CONFIG_NEVER_SETTLED', kind: 'config', places: ['build.config.ts:3:11'] });
});

it('reports an exception in a callback while a top-level await waits', async () => {
  const { error } = await loadFiles({
    'build.config.ts':
      "setTimeout(() => {\n  throw new Error('in a timer');\n}, 1);\nawait new Promise((done) => setTimeout(done, 10_000).unref());",
  });
  expect(error).toMatchObject({ code: 'OCIDSL_CONFIG_THREW', places: ['build.config.ts:2:9'] });
});

it('reports a syntax error with its line and a caret', async () => {
  const { error } = await loadFiles({ 'build.config.ts': "const url = import.meta.url;\nconst a = 'é', b = ;\n" });
  expect(error).toMatchObject({
    code: 'OCIDSL_CONFIG_SYNTAX',
    kind: 'config',
    message: 'Cannot read build.config.ts: Unexpected ";"',
    places: ['build.config.ts:2:20'],
  });
  expect(error?.output).toBe("const a = 'é', b = ;\n                   ^");
});

it('reports all unresolved imports together, with what to do', async () => {
  const { error } = await loadFiles({
    'build.config.ts':
      "import './nowhere.ts';\nimport { x } from '@acme/macros/go';\nimport 'ocidsl/macro';\nimport { fil, file } from 'ocidsl';\nimport { h } from './apps/b/build.config.ts';\nfil; file; x; h;",
    'apps/b/build.config.ts': 'export const handle = 1;',
  });
  const shown = [error!, ...(error!.errors ?? [])]
    .filter((each) => each.code !== 'OCIDSL_SEVERAL')
    .map(({ message, places, hint }) => [message, places[0], hint]);
  expect(shown).toEqual([
    ['Cannot import "./nowhere.ts": there is no such file', 'build.config.ts:1:8', undefined],
    [
      'Cannot import "@acme/macros/go": the package is not installed, or has no such module',
      'build.config.ts:2:19',
      'Run: npm install --save-dev @acme/macros',
    ],
    ['Cannot import "ocidsl/macro": ocidsl has no such module, expected "ocidsl" or "ocidsl/macros"', 'build.config.ts:3:8', undefined],
  ]);
});

it('reports names that the library or another config does not export', async () => {
  const { error } = await loadFiles({
    'build.config.ts': "import { fil } from 'ocidsl';\nimport { handel } from './apps/b/build.config.ts';\nconsole.log(fil, handel);",
    'apps/b/build.config.ts': 'export const handle = 1;',
  });
  expect(error?.errors?.map(({ code, message, places, hint }) => [code, message, places[0], hint])).toEqual([
    ['OCIDSL_CONFIG_IMPORT', 'Cannot import "fil" from "ocidsl": it has no such export', 'build.config.ts:1:10', 'Did you mean "file"?'],
    [
      'OCIDSL_CONFIG_IMPORT',
      'Cannot import "handel" from "apps/b/build.config.ts": it has no such export',
      'build.config.ts:2:10',
      'Did you mean "handle"?',
    ],
  ]);
});

it("reports an imported package's own error at its own place", async () => {
  const broken = await loadFiles({ 'build.config.ts': "import './apps/b/build.config.ts';", 'apps/b/build.config.ts': '\nconst = 1;' });
  expect(broken.error).toMatchObject({ code: 'OCIDSL_CONFIG_SYNTAX', places: ['apps/b/build.config.ts:2:7'] });
  const throwing = await loadFiles({
    'build.config.ts': "import './apps/b/build.config.ts';\nconsole.log('not reached');",
    'apps/b/build.config.ts': "\nthrow new Error('b');",
  });
  expect(throwing.error).toMatchObject({
    message: 'Cannot load apps/b/build.config.ts: it threw Error: b',
    places: ['apps/b/build.config.ts:2:7'],
  });
  expect(throwing.stderr).toBe('');
});

it('reports configs that import each other', async () => {
  const { error } = await loadFiles({
    'build.config.ts': "import './apps/b/build.config.ts';",
    'apps/b/build.config.ts': "import './c/build.config.ts';",
    'apps/b/c/build.config.ts': "\nimport '../../../build.config.ts';",
  });
  expect(error).toMatchObject({
    code: 'OCIDSL_CONFIG_CYCLE',
    message: 'Cannot load configs that import each other: "apps/b/c" → the root package → "apps/b" → "apps/b/c"',
    places: ['apps/b/c/build.config.ts:2:8'],
  });
});

it('reports two imports of each other among siblings, loaded at once', async () => {
  const { error } = await loadFiles({
    'build.config.ts': "import './b/build.config.ts';\nimport './c/build.config.ts';",
    'b/build.config.ts': "import '../c/build.config.ts';",
    'c/build.config.ts': "import '../b/build.config.ts';",
  });
  expect(error?.code).toBe('OCIDSL_CONFIG_CYCLE');
});

it('reports a config outside of the workspace', async () => {
  writeFiles(folder.path, { 'outside/build.config.ts': '' });
  const { error } = await loadFiles({ 'build.config.ts': "import '../outside/build.config.ts';" });
  expect(error).toMatchObject({ code: 'OCIDSL_CONFIG_IMPORT', places: ['build.config.ts:1:8'] });
});

it('reports a package without a config, and near names', async () => {
  const { error } = await loadFiles({ 'build.config.ts': '', 'apps/hello/build.config.ts': '' }, ['apps/helo']);
  expect(error).toMatchObject({ code: 'OCIDSL_PACKAGE_NOT_FOUND', hint: 'Did you mean "apps/hello"?' });
});

it('refuses a second copy of the library, naming both', async () => {
  const { error } = await loadFiles({
    'build.config.ts': "import './apps/b/build.config.ts';",
    'apps/b/build.config.ts': "\nimport { file } from 'ocidsl';\nfile({ name: 'a' });",
    'apps/b/node_modules/ocidsl/package.json': { name: 'ocidsl', version: '0.9.0', exports: './index.js' },
    'apps/b/node_modules/ocidsl/index.js': '',
  });
  expect(error).toMatchObject({ code: 'OCIDSL_TWO_COPIES', kind: 'config', places: ['apps/b/build.config.ts:2:22'] });
  expect(error?.message).toContain('version 0.9.0 in "');
  expect(error?.message).toContain(`version 1.0.0 in "${library}"`);
});

it('collects problems of attributes with the calls around them, and the place of the first of two declarations', async () => {
  const { problems, targets } = await loadFiles({
    'build.config.ts':
      "import { file } from 'ocidsl';\nimport { twice } from 'ocidsl/macros';\nfile({ name: 'a', text: 1 } as never);\n\nfunction again() {\n  file({ name: 'a' });\n}\nagain();\ntwice({ name: 'm', text: 2 });\n",
  });
  expect(targets).toHaveLength(2);
  expect(problems.map(({ code, message, places }) => [code, message, ...places])).toEqual([
    ['OCIDSL_ATTRIBUTE', 'Cannot use attribute "text" of file "a": it is 1, expected a string', 'build.config.ts:3:1'],
    [
      'OCIDSL_LABEL_DUPLICATE',
      'Cannot declare file "a": a file of that name is already declared at build.config.ts:3:1',
      'build.config.ts:6:3',
      'build.config.ts:8:1',
    ],
    ['OCIDSL_ATTRIBUTE', 'Cannot use attribute "text" of file "m_inner": it is 2, expected a string', 'build.config.ts:9:1'],
  ]);
});
