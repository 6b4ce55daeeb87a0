import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { archivePath, inPackageDir, type PathMapping } from '../../../lib/rules/archive-path.ts';

const mapping = (changes: Partial<PathMapping>): PathMapping => ({ stripPrefix: undefined, remapPaths: [], packageDir: '/', ...changes });

// The semantics of dest_path() and _remap() in rules_pkg 1.0.1 (pkg/path.bzl, pkg/private/tar/tar.bzl).
describe('archivePath()', () => {
  test.each<[path: string, packageName: string, changes: Partial<PathMapping>, result: string]>([
    // No stripPrefix: the file's own folder goes.
    ['a.txt', '', {}, 'a.txt'],
    ['p/q/a.txt', 'p', {}, 'a.txt'],
    // ".": the path below the package stays.
    ['p/q/a.txt', 'p', { stripPrefix: '.' }, 'q/a.txt'],
    ['p/q/a.txt', 'p', { stripPrefix: './' }, 'q/a.txt'],
    ['q/a.txt', '', { stripPrefix: '.' }, 'q/a.txt'],
    // "x": x below the package.
    ['p/q/r/a.txt', 'p', { stripPrefix: 'q' }, 'r/a.txt'],
    ['p/q/r/a.txt', 'p', { stripPrefix: './q/' }, 'r/a.txt'],
    ['p/q/r/a.txt', 'p', { stripPrefix: 'q/r' }, 'a.txt'],
    // "/x": x below the root.
    ['p/q/a.txt', 'p', { stripPrefix: '/p' }, 'q/a.txt'],
    ['p/q/a.txt', 'p', { stripPrefix: '/' }, 'p/q/a.txt'],
    ['other/q/a.txt', 'p', { stripPrefix: '/other' }, 'q/a.txt'],
    // A path without the prefix stays whole; a folder is matched whole.
    ['p/q/a.txt', 'p', { stripPrefix: 'x' }, 'p/q/a.txt'],
    ['p/qq/a.txt', 'p', { stripPrefix: 'q' }, 'p/qq/a.txt'],
    ['p/q/a.txt', 'p', { stripPrefix: 'q/a.txt' }, 'a.txt'],
    // remapPaths: the first key that the path starts with, as plain text.
    ['p/q/a.txt', 'p', { stripPrefix: '.', remapPaths: [['q', 'etc']] }, 'etc/a.txt'],
    ['p/q/a.txt', 'p', { stripPrefix: '.', remapPaths: [['/q', '/etc']] }, 'etc/a.txt'],
    ['p/q/a.txt', 'p', { stripPrefix: '.', remapPaths: [['q/', 'r']] }, 'ra.txt'],
    ['p/qq/a.txt', 'p', { stripPrefix: '.', remapPaths: [['q', 'x']] }, 'xq/a.txt'],
    [
      'p/q/a.txt',
      'p',
      {
        stripPrefix: '.',
        remapPaths: [
          ['q', 'first'],
          ['q/a', 'second'],
        ],
      },
      'first/a.txt',
    ],
    [
      'p/q/a.txt',
      'p',
      {
        stripPrefix: '.',
        remapPaths: [
          ['q/a', 'second'],
          ['q', 'first'],
        ],
      },
      'second.txt',
    ],
    ['p/q/a.txt', 'p', { remapPaths: [['q', 'x']] }, 'a.txt'],
    ['p/q/a.txt', 'p', { remapPaths: [['a.txt', 'etc/b.txt']] }, 'etc/b.txt'],
    ['p/q/a.txt', 'p', { stripPrefix: '.', remapPaths: [['', 'all']] }, 'allq/a.txt'],
    // packageDir comes last, and is not remapped.
    ['p/q/a.txt', 'p', { packageDir: '/usr/share' }, 'usr/share/a.txt'],
    [
      'p/q/a.txt',
      'p',
      {
        packageDir: 'usr//share/',
        stripPrefix: '.',
        remapPaths: [
          ['q', 'r'],
          ['usr', 'x'],
        ],
      },
      'usr/share/r/a.txt',
    ],
  ])('puts %s of package %j with %j at %s', (path, packageName, changes, result) => {
    expect(archivePath(path, packageName, [], mapping(changes))).toBe(result);
  });

  test.each<[path: string, folders: string[], result: string]>([
    ['assets/css/a.css', ['assets'], 'assets/css/a.css'],
    ['p/assets/css/a.css', ['p/assets'], 'assets/css/a.css'],
    ['p/assets', ['p/assets'], 'assets'],
    ['p/assets2/a.css', ['p/assets'], 'a.css'],
    ['p/q/a.css', [''], 'p/q/a.css'],
  ])('keeps the place of %s in a folder that is named: %j', (path, folders, result) => {
    expect(archivePath(path, 'p', folders, mapping({}))).toBe(result);
  });

  test('strips a named folder as any other path where stripPrefix is given', () => {
    expect(archivePath('p/assets/css/a.css', 'p', ['p/assets'], mapping({ stripPrefix: 'assets' }))).toBe('css/a.css');
  });

  test('always gives a clean relative path that ends in the file name where nothing is remapped', () => {
    const segment = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(
        path,
        fc.constantFrom('', 'a', 'a/b'),
        fc.option(fc.constantFrom('.', 'a', '/a', '/', './b/'), { nil: undefined }),
        fc.constantFrom('/', '', 'x/y', '/x'),
        (file, packageName, stripPrefix, packageDir) => {
          const result = archivePath(file, packageName, [], mapping({ stripPrefix, packageDir }));
          expect(result).toMatch(/^[a-z](\/[a-z])*$/);
          expect(result.at(-1)).toBe(file.at(-1));
        },
      ),
    );
  });
});

test.each([
  ['a', '/', 'a'],
  ['/a//b/./c/', '', 'a/b/c'],
  ['a', './x/', 'x/a'],
])('inPackageDir(%j, %j) is %j', (path, packageDir, result) => expect(inPackageDir(path, packageDir)).toBe(result));
