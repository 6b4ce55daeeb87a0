import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sourcePath } from '../../../lib/graph/source-path.ts';

describe('sourcePath()', () => {
  test.each([
    ['a.txt', '', 'a.txt'],
    ['a.txt', 'apps/hello', 'apps/hello/a.txt'],
    ['./a//b/./c', 'p', 'p/a/b/c'],
    ['../a', 'p/q', 'p/a'],
    ['../../a', 'p/q', 'a'],
    ['a/', '', 'a'],
    ['.', '', ''],
    ['.', 'p', 'p'],
    ['..', 'p', ''],
    ['...', '', '...'],
    ['a b', '', 'a b'],
  ])('reads %j of package %j as %j', (text, from, path) => expect(sourcePath(text, from)).toEqual({ path }));

  test.each([
    ['', 'it is empty'],
    ['a\0b', 'it has a NUL byte'],
    ['a\\b', 'it has a backslash, write / between folders'],
    ['/etc/passwd', 'it is absolute'],
    ['C:/x', 'it is absolute'],
    ['c:x', 'it is absolute'],
    ['..', 'it leaves the workspace'],
    ['a/../..', 'it leaves the workspace'],
  ])('refuses %j', (text, problem) => expect(sourcePath(text, '')).toEqual({ problem }));

  test('never leaves the workspace, and agrees with node:path where it stays', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '.', '..', ''), { minLength: 1, maxLength: 8 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(text, fc.constantFrom('', 'p', 'p/q'), (path, from) => {
        const result = sourcePath(path, from);
        if ('problem' in result) {
          expect(path === '' || path.startsWith('/') || posix.normalize(posix.join(from, path)).startsWith('..')).toBe(true);
        } else expect(result.path).toBe(posix.normalize(posix.join(from, path)).replace(/\/$/, '').replace(/^\.$/, ''));
      }),
      { numRuns: 500 },
    );
  });
});
