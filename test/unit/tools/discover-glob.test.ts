import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Discovered } from '../../../lib/plan/discovery.ts';
import { globDiscoverer } from '../../../lib/tools/discover-glob.ts';
import type { GlobArguments } from '../../../lib/tools/match-patterns.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

// Files with their path as content; an arrow makes a symbolic link.
function tree(...paths: string[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ocidsl-glob-')));
  folders.push(folder);
  for (const text of paths) {
    const [path, target] = text.split(' -> ') as [string, string?];
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (target === undefined) writeFileSync(join(folder, path), path);
    else symlinkSync(target, join(folder, path));
  }
  return folder;
}

const io = (workspaceRoot: string) => ({ workspaceRoot, environment: {}, signal: new AbortController().signal });

async function glob(root: string, include: string | readonly string[], more: Partial<GlobArguments> = {}): Promise<Discovered> {
  return await globDiscoverer.run(
    { package: '', include: [include].flat(), exclude: [], allowEmpty: false, dot: false, ...more },
    io(root),
  );
}

const names = (found: Discovered) => found.files.map(({ name }) => name);
const failure = async (promise: Promise<unknown>) =>
  await promise.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error as { code: string; message: string; hint?: string },
  );

describe('patterns', () => {
  test('match below the package, sorted by bytes, with folders listed', async () => {
    const root = tree('a.txt', 'p/z.txt', 'p/a/b.txt', 'p/a-b.txt', 'p/a/c/d.txt', 'p/ä.txt', 'p/\u{1f600}.txt', 'p/\ufb01.txt', 'p/x.md');
    const found = await glob(root, '**/*.txt', { package: 'p' });
    expect(found.files.slice(0, 2)).toEqual([
      { name: 'a-b.txt', path: 'p/a-b.txt' },
      { name: 'a/b.txt', path: 'p/a/b.txt' },
    ]);
    expect(names(found)).toEqual(['a-b.txt', 'a/b.txt', 'a/c/d.txt', 'z.txt', 'ä.txt', '\ufb01.txt', '\u{1f600}.txt']);
    expect(found.watched).toEqual(['p', 'p/a', 'p/a/c']);
  });

  test('exclude, dot files, braces, the same file twice', async () => {
    const root = tree('src/a.ts', 'src/a.test.ts', 'src/.hidden.ts', 'src/gen/b.ts', 'src/c.js');
    expect(names(await glob(root, ['src/**/*.{ts,js}', 'src/a.ts']))).toEqual(['src/a.test.ts', 'src/a.ts', 'src/c.js', 'src/gen/b.ts']);
    expect(names(await glob(root, 'src/**', { exclude: ['**/*.test.ts', 'src/gen'] }))).toEqual(['src/a.ts', 'src/c.js']);
    expect(names(await glob(root, 'src/*.ts', { dot: true }))).toContain('src/.hidden.ts');
    expect(names(await glob(root, 'src/.*.ts'))).toEqual(['src/.hidden.ts']);
  });

  test('node_modules, .git and ocidsl-out only where a pattern names them', async () => {
    const root = tree('a.js', 'node_modules/x/a.js', 'sub/node_modules/y/a.js', '.git/a.js', '.github/a.js', 'ocidsl-out/a.js');
    const all = await glob(root, '**/*.js', { dot: true });
    expect(names(all)).toEqual(['.github/a.js', 'a.js']);
    expect(all.watched.some((path) => path.includes('node_modules'))).toBe(false);
    expect(names(await glob(root, ['**/*.js', 'node_modules/*/*.js']))).toEqual(['a.js', 'node_modules/x/a.js']);
    expect(names(await glob(root, '**/node_modules/**/*.js'))).toEqual(['node_modules/x/a.js', 'sub/node_modules/y/a.js']);
    expect(names(await glob(root, '.git/*.js'))).toEqual(['.git/a.js']);
  });

  test('what is absent is watched, where nothing is all right', async () => {
    const root = tree('a.txt');
    const found = await glob(root, ['nowhere/**', 'b.txt', 'x/y/z'], { allowEmpty: true });
    expect(found.files).toEqual([]);
    expect(found.watched).toEqual(expect.arrayContaining(['nowhere', 'b.txt', 'x']));
  });

  test.each([
    ['Src/**', 'Case matters: there is "src/a.ts"'],
    ['src', '"src" is a folder, write "src/**"'],
    ['src/', '"src/" is a folder, write "src/**"'],
    ['conf/*', 'dot: true'],
    ['*.ts', '** goes through all below'],
  ])('nothing matches %s', async (pattern, hint) => {
    const root = tree('src/a.ts', 'conf/.env');
    const error = await failure(glob(root, pattern));
    expect(error).toMatchObject({ code: 'OCIDSL_GLOB_EMPTY', hint: expect.stringContaining(hint) as string });
    expect(error.message).toBe(`Cannot find source files for "${pattern}" in folder ".": nothing matches, expected at least one file`);
  });

  test('nothing matches, because everything is excluded or the folder is missing', async () => {
    const root = tree('src/a.ts');
    expect((await failure(glob(root, '**', { exclude: ['src/**'] }))).hint).toContain('excluded, such as "src/a.ts"');
    expect((await failure(glob(root, '**', { package: 'nowhere' }))).hint).toContain('does not exist');
  });

  test.each(['', '!a', '/etc/*', '../x', 'a/../../x', '{..,a}/x'])('refuses the pattern %j', async (pattern) => {
    expect((await failure(glob(tree('a'), pattern))).code).toBe('OCIDSL_GLOB_PATTERN');
  });

  test('links inside the workspace are followed, under their own names', async () => {
    const root = tree('real/a.txt', 'p/link.txt -> ../real/a.txt', 'p/folder -> ../real', 'p/b.txt');
    const found = await glob(root, '**', { package: 'p' });
    expect(found.files.map(({ name, path }) => [name, path])).toEqual([
      ['b.txt', 'p/b.txt'],
      ['folder/a.txt', 'p/folder/a.txt'],
      ['link.txt', 'real/a.txt'],
    ]);
    // The links themselves, and the folder that one leads to.
    expect(found.watched).toEqual(['p', 'p/folder', 'p/link.txt', 'real']);
  });

  test('circles end, whoever links to whom', async () => {
    const root = tree('a/x.txt', 'a/up -> ..', 'a/self -> .', 'a/b -> ../b', 'b/a -> ../a', 'b/y.txt');
    const found = names(await glob(root, '**/*.txt'));
    expect(found).toEqual(expect.arrayContaining(['a/x.txt', 'b/y.txt', 'a/b/y.txt', 'b/a/x.txt']));
    expect(found.length).toBeLessThan(10);
    expect((await failure(glob(root, 'a/up/**'))).message).toContain('a folder above itself');
  });

  test('links out of the workspace are never followed', async () => {
    const outside = tree('secret.txt', 'd/secret.txt');
    const root = tree('a.txt', `d -> ${outside}`, `l.txt -> ${outside}/secret.txt`, 'dangling.txt -> nowhere');
    expect(names(await glob(root, ['**/a.txt', '**/secret.txt']))).toEqual(['a.txt']);
    for (const pattern of ['l.*', 'l.txt', 'd/*', 'd/secret.txt', 'd/d/**']) {
      const error = await failure(glob(root, pattern));
      expect([pattern, error.code, error.message]).toEqual([
        pattern,
        'OCIDSL_GLOB_SYMLINK',
        expect.stringContaining('it leads out of the workspace'),
      ]);
    }
    for (const pattern of ['dangling*', 'dangling.txt']) expect((await failure(glob(root, pattern))).message).toContain('it leads nowhere');
  });

  test('named pipes are an error where they match, and are never opened', async () => {
    const root = tree('a/x.txt');
    execFileSync('mkfifo', [join(root, 'a/pipe')]);
    expect(names(await glob(root, 'a/*.txt'))).toEqual(['a/x.txt']);
    const error = await failure(glob(root, 'a/*'));
    expect(error).toMatchObject({
      code: 'OCIDSL_GLOB_SPECIAL',
      message: expect.stringContaining('"a/pipe": it is a named pipe') as string,
    });
  });

  test.skipIf(process.platform !== 'linux')('names that are not UTF-8 are an error where they match', async () => {
    const root = tree('a/x.txt', 'b/\ufffd.txt');
    writeFileSync(Buffer.concat([Buffer.from(`${root}/a/`), Buffer.from([0x66, 0xff, 0xe9]), Buffer.from('.md')]), '');
    expect(names(await glob(root, '**/*.txt'))).toEqual(['a/x.txt', 'b/\ufffd.txt']);
    expect(await failure(glob(root, 'a/*.md'))).toMatchObject({
      code: 'OCIDSL_GLOB_NAME',
      message: expect.stringContaining('"f\\xff\\xe9.md"') as string,
    });
    mkdirSync(Buffer.concat([Buffer.from(`${root}/c`), Buffer.from([0xfe])]));
    expect((await failure(glob(root, '**/*.txt'))).code).toBe('OCIDSL_GLOB_NAME');
  });
});

describe('stillValid', () => {
  test('neither content nor mode matters, another kind of file is not accepted', async () => {
    const root = tree('a', 'b', 'c');
    const found = await glob(root, '*');
    writeFileSync(join(root, 'a'), 'changed');
    expect(await globDiscoverer.stillValid!(found, ['a'], io(root))).toBe(found);
    chmodSync(join(root, 'b'), 0o755);
    expect((await globDiscoverer.stillValid!(found, ['a', 'b'], io(root)))?.files).toEqual((await glob(root, '*')).files);
    rmSync(join(root, 'c'));
    expect(await globDiscoverer.stillValid!(found, ['c'], io(root))).toBeUndefined();
    symlinkSync('a', join(root, 'c'));
    expect(await globDiscoverer.stillValid!(found, ['c'], io(root))).toBeUndefined();
  });
});
