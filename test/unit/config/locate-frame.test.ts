// Frames of the library and of tools are dropped; those of configs, npm packages and the library's macros are kept.
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createFrameLocator } from '../../../lib/config/locate-frame.ts';
import { parseFrames } from '../../../lib/graph/call-site.ts';
import { temporaryFolder, writeFiles } from './fixture/workspace-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const root = join(folder.path, 'ws');
const libraryRoot = join(root, 'node_modules/ocidsl');
// Line 1 of each script: column 1 → line 3, column 5 of the first source; column 11 → line 1, column 1 of the second.
const map = (sources: readonly string[], shifted: readonly number[] = []) =>
  JSON.stringify({ version: 3, sources, names: [], mappings: 'AAEI,UCFJ', shifted });
const maps = new Map([
  ['/cache/a.cjs', { folder: root, read: () => map(['apps/a/build.config.ts', '../outside.ts']) }],
  ['/cache/shifted.mjs', { folder: root, read: () => map(['build.config.ts', 'ocidsl-library:ocidsl'], [0]) }],
  ['/cache/broken.cjs', { folder: root, read: () => '{' }],
]);
const locate = createFrameLocator({ root, libraryRoot, maps });
const at = (script: string, column = 1) => {
  const place = locate({ script, line: 1, column });
  return place && `${place.file}:${place.line}:${place.column}`;
};

it('maps frames of bundles to sources', () => {
  expect(at('/cache/a.cjs')).toBe('apps/a/build.config.ts:3:5');
  expect(at('/cache/a.cjs', 11)).toBe(`${join(folder.path, 'outside.ts')}:1:1`);
});

it('takes off the line that was put before a source, and drops sources that the loader made up', () => {
  expect(at('file:///cache/shifted.mjs?load=3')).toBe('build.config.ts:2:5');
  expect(at('/cache/shifted.mjs', 11)).toBeUndefined();
});

it('drops frames of a bundle whose map cannot be read', () => {
  expect(at('/cache/broken.cjs')).toBeUndefined();
});

it('drops the library and tsx', () => {
  for (const name of ['lib/graph/workspace.ts', 'dist/lib/index.js', 'bin/ocidsl.js'])
    expect(at(join(libraryRoot, name)), name).toBeUndefined();
  expect(at(join(root, 'node_modules/tsx/dist/x.mjs'))).toBeUndefined();
});

it("keeps the library's macros and files that only look like its own", () => {
  for (const name of ['dist/macros/index.js', 'macros/index.ts', 'libexec/x.js', 'build.config.ts']) {
    expect(at(join(libraryRoot, name)), name).toBe(`node_modules/ocidsl/${name}:1:1`);
  }
});

it('finds macros inside of the bundled command line by its map, and drops it where there is no map', () => {
  const script = join(libraryRoot, 'dist/cli.cjs');
  expect(at(script)).toBeUndefined();
  writeFiles(libraryRoot, { 'dist/cli.cjs.map': map(['../macros/go.ts', '../lib/cli/main.ts']) });
  const fresh = createFrameLocator({ root, libraryRoot, maps });
  expect(fresh({ script, line: 1, column: 1 })).toEqual({ file: 'node_modules/ocidsl/macros/go.ts', line: 3, column: 5 });
  expect(fresh({ script, line: 1, column: 11 })).toBeUndefined();
});

it('keeps other files as they are, relative to the root below it', () => {
  expect(at(join(root, 'node_modules/acme/index.js'))).toBe('node_modules/acme/index.js:1:1');
  expect(at('/usr/lib/x.js')).toBe('/usr/lib/x.js:1:1');
  expect(at(`file://${root}/with%20space.mjs`)).toBe('with space.mjs:1:1');
});

it('parses the forms of frames that Node writes', () => {
  const stack = [
    'Error: at /not/a/frame.ts:1:1 here',
    '    at f (/a/x.ts:1:2)',
    '    at async g (file:///a/y.mjs?load=1:3:4)',
    '    at async file:///a/z.mjs:5:6',
    '    at /a (b)/c.ts:7:8',
    '    at new C (/a (b)/d.ts:9:10)',
    '    at eval (eval at <anonymous> (/a/x.ts:1:1), <anonymous>:1:1)',
    '    at node:internal/x:1:1',
    '    at async Promise.all (index 0)',
  ].join('\n');
  expect(parseFrames(stack).map(({ script, line, column }) => `${script}|${line}|${column}`)).toEqual([
    '/a/x.ts|1|2',
    'file:///a/y.mjs?load=1|3|4',
    'file:///a/z.mjs|5|6',
    '/a (b)/c.ts|7|8',
    '/a (b)/d.ts|9|10',
  ]);
});
