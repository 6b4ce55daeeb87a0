import { renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Discovered } from '../../../lib/plan/discovery.ts';
import { discoverGo, discoveryIo, factsOf, goPackagesDiscoverer, hasGo, HELLO, tree, write } from './go-fixtures.ts';

const local = (found: Discovered) => found.watched.filter((path) => !path.startsWith('/'));

describe.skipIf(!hasGo)('go-packages: stillValid (needs go)', () => {
  const stillValid = async (root: string, found: Discovered, paths: readonly string[]) =>
    (await goPackagesDiscoverer.stillValid!(found, paths, discoveryIo(root))) === found;

  test('an edit in a function is one, an import is not', async () => {
    const root = tree({
      ...HELLO,
      'greet/e.go': 'package greet\n\nimport _ "embed"\n\n//go:embed e.txt\nvar E string\n',
      'greet/e.txt': 'a',
    });
    const found = await discoverGo(root);
    write(root, { 'greet/greet.go': HELLO['greet/greet.go']!.replace('hello', 'bye'), 'greet/e.txt': 'b' });
    expect(await stillValid(root, found, ['greet/greet.go', 'greet/e.txt'])).toBe(true);
    write(root, { 'greet/greet.go': HELLO['greet/greet.go']!.replace('\n', '\nimport _ "os"\n') });
    expect(await stillValid(root, found, ['greet/greet.go'])).toBe(false);
    expect(await stillValid(root, found, ['greet/e.txt'])).toBe(true);
  });

  test('never with go.mod, nor with a file that is gone or something else', async () => {
    const root = tree(HELLO);
    const found = await discoverGo(root);
    expect(await stillValid(root, found, ['go.mod'])).toBe(false);
    renameSync(join(root, 'greet/greet.go'), join(root, 'greet/moved.go'));
    expect(await stillValid(root, found, ['greet/greet.go'])).toBe(false);
    symlinkSync('moved.go', join(root, 'greet/greet.go'));
    expect(await stillValid(root, found, ['greet/greet.go'])).toBe(false);
  });

  test('whenever it holds after an edit, go list finds the same', async () => {
    const start = [
      '//go:build linux',
      '',
      '// Package greet.',
      'package greet',
      '',
      'import (',
      '\t"embed"',
      '\t"strings"',
      ')',
      '',
      'import "fmt"',
      '',
      '// Text is it.',
      'func Text() string {',
      '\treturn strings.ToUpper("x `" + fmt.Sprint(`y "`, \'"\'))',
      '}',
      '',
      '//go:embed a.txt',
      'var A string',
      '',
      '/* no',
      '//go:embed b.txt',
      '*/',
      'var B embed.FS',
      '',
      'var C = `',
      '//go:embed c.txt',
      '`',
      '',
    ];
    const line = fc.constantFrom(
      ...start,
      '//go:embed b.txt',
      '//go:embed *.txt',
      'import "os"',
      '/*',
      '*/',
      '`',
      '"',
      '// x',
      'var D = 1',
      '//go:build windows',
      '\tx "sort"',
      ')',
      'package greet',
      "'",
      '{',
      ';',
    );
    const edit = fc.oneof(
      fc.record({ at: fc.nat(start.length), remove: fc.constant(0), insert: line }),
      fc.record({ at: fc.nat(start.length), remove: fc.constant(1), insert: fc.constant(undefined) }),
      fc.record({ at: fc.nat(start.length), remove: fc.constant(1), insert: line }),
    );
    const root = tree({ ...HELLO, 'greet/greet.go': start.join('\n'), 'greet/a.txt': '', 'greet/b.txt': '', 'greet/c.txt': '' });
    const before = await discoverGo(root);
    const seen = (found: Discovered) => [found.files, local(found), factsOf(found).modules];
    const held = { yes: 0, no: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const lines = [...start];
        for (const { at, remove, insert } of edits) lines.splice(at, remove, ...(insert === undefined ? [] : [insert]));
        write(root, { 'greet/greet.go': lines.join('\n') });
        if (!(await stillValid(root, before, ['greet/greet.go']))) {
          held.no++;
          return;
        }
        held.yes++;
        expect(seen(await discoverGo(root))).toEqual(seen(before));
      }),
      { numRuns: Number(process.env['RUNS'] ?? 40), endOnFailure: true },
    );
    // Both were seen; how often is up to chance.
    expect(held.yes).toBeGreaterThan(0);
    expect(held.no).toBeGreaterThan(0);
  });
});
