// bin/ocidsl.js with a command line of a few lines in place of the real bundle.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../source-files.ts';

let folder: string;
let cache: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocidsl-bin-'));
  cache = join(folder, 'cache');
  mkdirSync(cache);
  cpSync(join(projectRoot, 'bin'), join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'user.mjs'), 'export const value = await Promise.resolve("imported");');
  writeBundle('one');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

// The shape that scripts/build-package.ts makes, stamp included.
function writeBundle(stamp: string): void {
  mkdirSync(join(folder, 'dist'), { recursive: true });
  const code = `var Import = Import ?? ((url) => import(url));
exports.main = async (argv) => {
  const { value } = await Import(require('node:url').pathToFileURL(require('node:path').join(__dirname, '../user.mjs')).href);
  console.log(JSON.stringify([argv, value, ${JSON.stringify(stamp)}, __filename.endsWith('dist/cli.cjs')]));
  return 7;
};
//${stamp}
`;
  writeFileSync(join(folder, 'dist/cli.cjs'), code);
}

function run(args: readonly string[], environment: Readonly<Record<string, string>> = { XDG_CACHE_HOME: cache }) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'bin/ocidsl.js'), ...args], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, signal, stderr, stdout };
}

const expected = (args: readonly string[], stamp = 'one') => ({
  status: 7,
  signal: null,
  stderr: '',
  stdout: `${JSON.stringify([args, 'imported', stamp, true])}\n`,
});

const codeFolder = (): string => join(cache, 'ocidsl/code');
const codeFiles = (): string[] => readdirSync(codeFolder()).sort();

describe('bin/ocidsl.js', () => {
  it('runs main() with the arguments, from compiled code the second time, where import() works too', () => {
    expect(run(['build', 'x y'])).toEqual(expected(['build', 'x y']));
    const [file = ''] = codeFiles();
    expect(codeFiles()).toEqual([`${process.version}-${process.arch}-one-build.bin`]);
    utimesSync(join(codeFolder(), file), 1e9 + 2e9, 1e9 + 2e9);
    const before = readFileSync(join(codeFolder(), file));
    expect(run(['build', 'x y'])).toEqual(expected(['build', 'x y']));
    expect(readFileSync(join(codeFolder(), file)).equals(before)).toBe(true);
  });

  it('keeps one file for each command, and none named by arguments that are no command', () => {
    run(['build']);
    run(['--help']);
    run(['../../x']);
    run([]);
    expect(codeFiles().map((name) => name.split('-one-')[1])).toEqual(['--help.bin', 'build.bin', 'ocidsl.bin']);
  });

  it('never runs the code of another bundle of the same length', () => {
    run(['build']);
    writeBundle('two');
    expect(run(['build'])).toEqual(expected(['build'], 'two'));
  });

  it.each([
    ['cut short', (file: string) => truncateSync(file, 1001)],
    ['emptied', (file: string) => writeFileSync(file, '')],
    ['damaged', (file: string) => writeFileSync(file, readFileSync(file).fill(0x5a, 400, 440))],
  ])('makes compiled code anew that was %s', (_, damage) => {
    run(['build']);
    const file = join(codeFolder(), codeFiles()[0] ?? '');
    damage(file);
    const damaged = readFileSync(file);
    expect(run(['build'])).toEqual(expected(['build']));
    expect(readFileSync(file).equals(damaged)).toBe(false);
  });

  it('removes files that were written more than a month ago', () => {
    mkdirSync(codeFolder(), { recursive: true });
    writeFileSync(join(codeFolder(), 'old.bin'), '');
    utimesSync(join(codeFolder(), 'old.bin'), 1, 1);
    run(['build']);
    expect(codeFiles()).toHaveLength(1);
  });

  it.each([
    ['cannot be written', { XDG_CACHE_HOME: '/proc/none' }],
    ['is a file', { XDG_CACHE_HOME: '/dev/null' }],
    ['is relative', { XDG_CACHE_HOME: 'cache-here', HOME: '/nonexistent' }],
    ['is nowhere', {}],
  ])('works where the cache folder %s', (_, environment) => {
    expect(run(['build'], environment)).toEqual(expected(['build']));
    expect(existsSync('/nonexistent') || existsSync(join(folder, 'cache-here')) || existsSync(join(folder, '.cache'))).toBe(false);
  });

  it('runs without compiled code with --debug', () => {
    expect(run(['build', '--debug'])).toEqual(expected(['build', '--debug']));
    expect(existsSync(codeFolder())).toBe(false);
  });
});
