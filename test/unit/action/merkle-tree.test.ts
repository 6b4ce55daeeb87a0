import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeDirectory, encodeDirectory } from '../../../lib/action/directory.ts';
import { merkleDirectories, merkleRoot } from '../../../lib/action/merkle-tree.ts';
import { compareUtf8 } from '../../../lib/base/bytes.ts';
import { digestOf } from '../../../lib/base/digest.ts';
import { testDigest } from './upstream.ts';
import type { MerkleEntry } from '../../../lib/action/merkle-tree.ts';
import type { Digest } from '../../../lib/base/digest.ts';

const file = (path: string, sizeBytes = 1): MerkleEntry => ({ path, digest: testDigest('a', sizeBytes), isExecutable: false });

/** The same by the book: recursive, by maps, through encodeDirectory(). */
function rootByTheBook(entries: readonly MerkleEntry[], prefix = ''): Digest {
  const below = new Map<string, MerkleEntry[]>();
  for (const entry of entries) {
    const [name = ''] = entry.path.slice(prefix.length).split('/');
    below.set(name, [...(below.get(name) ?? []), entry]);
  }
  const names = [...below.keys()].sort(compareUtf8);
  const leaf = (name: string) => below.get(name)?.find(({ path }) => path === prefix + name);
  return digestOf(
    encodeDirectory({
      files: names.flatMap((name) => {
        const entry = leaf(name);
        return entry && 'digest' in entry ? [{ name, digest: entry.digest, isExecutable: entry.isExecutable }] : [];
      }),
      directories: names
        .filter((name) => leaf(name) === undefined)
        .map((name) => ({ name, digest: rootByTheBook(below.get(name) ?? [], `${prefix}${name}/`) })),
      symlinks: names.flatMap((name) => {
        const entry = leaf(name);
        return entry && 'target' in entry ? [{ name, target: entry.target }] : [];
      }),
    }),
  );
}

// Few letters, so that paths share directories; those around the slash in ASCII, and both sides of U+FFFF.
const segment = fc
  .string({ unit: fc.constantFrom('a', 'b', '-', '.', '0', ' ', '\u{ffee}', '🦭'), minLength: 1, maxLength: 3 })
  .filter((name) => !/^\.\.?$/.test(name));
const trees = fc
  .array(
    fc.record({
      path: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
      size: fc.nat(),
      isExecutable: fc.boolean(),
      isLink: fc.boolean(),
    }),
    { maxLength: 30 },
  )
  .map((all) => {
    const taken = new Set<string>();
    return all.flatMap(({ path, size, isExecutable, isLink }): MerkleEntry[] => {
      if ([...taken].some((other) => other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`))) return [];
      taken.add(path);
      return [isLink ? { path, target: '../x' } : { path, digest: testDigest('b', size), isExecutable }];
    });
  });

describe('merkleRoot()', () => {
  test('gives what encoding each Directory by itself gives, in whatever order the files come', () => {
    fc.assert(
      fc.property(trees, fc.infiniteStream(fc.nat()), (entries, random) => {
        const expected = rootByTheBook(entries);
        expect(merkleRoot(entries)).toEqual(expected);
        expect(merkleRoot([...entries].sort((a, b) => compareUtf8(a.path, b.path)))).toEqual(expected);
        const shuffled = entries.map((entry) => ({ entry, at: random.next().value ?? 0 })).sort((a, b) => a.at - b.at);
        expect(merkleRoot(shuffled.map(({ entry }) => entry))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('of nothing is the digest of no bytes', () => {
    expect(merkleRoot([])).toEqual(digestOf(Buffer.alloc(0)));
  });

  test('changes with a path, a content, a mode and a link, and with nothing else', () => {
    const base = [file('a/b'), file('c')];
    const others = [
      [file('a/b'), file('d')],
      [file('a/b', 2), file('c')],
      [{ path: 'a/b', digest: testDigest('a', 1), isExecutable: true }, file('c')],
      [{ path: 'a/b', target: 'c' }, file('c')],
    ];
    expect(new Set([base, ...others].map((entries) => merkleRoot(entries).hash)).size).toBe(5);
    expect(merkleRoot([file('c'), file('a/b')])).toEqual(merkleRoot(base));
  });

  test.each([
    ['the same path twice', [file('a'), file('b'), file('a')], '"a" to a tree: it is there twice'],
    ['a file that is a directory', [file('a'), file('a-b'), file('a/x')], '"a/x" to a tree: "a" is a file'],
    ['a file that is a deep directory', [file('a/b/c/d'), file('a/b')], '"a/b" is a file'],
    ['an absolute path', [file('/a')], 'it is absolute'],
    ['a path outside', [file('a/../b')], '".." segment'],
    ['an empty segment', [file('a//b')], 'it has an empty segment'],
    ['a trailing slash', [file('a/')], 'it has an empty segment'],
    ['an empty path', [file('')], 'it is empty'],
    ['a NUL', [file('a\0b')], 'it has a NUL'],
  ])('refuses %s', (_, entries, message) => {
    expect(() => merkleRoot(entries)).toThrow(message);
  });

  test('200,000 files and paths of 1,000 levels', () => {
    const entries = Array.from({ length: 200_000 }, (_, i) => file(`dir${i % 300}/sub${i % 7}/file-${i}`, i));
    entries.push(file(`${'d/'.repeat(1000)}f`));
    const started = performance.now();
    expect(merkleRoot(entries).hash).toMatch(/^[0-9a-f]{64}$/);
    // A quadratic algorithm takes minutes; this one well below a second on an idle machine.
    expect(performance.now() - started).toBeLessThan(15_000);
  }, 30_000);
});

describe('merkleDirectories()', () => {
  test('gives every Directory before the one that names it, and the root last', () => {
    fc.assert(
      fc.property(trees, (entries) => {
        const seen = new Set<string>();
        let last: Digest | undefined;
        for (const { digest, bytes } of merkleDirectories(entries)) {
          expect(digestOf(bytes)).toEqual(digest);
          for (const child of decodeDirectory(bytes).directories) expect(seen).toContain(child.digest.hash);
          seen.add(digest.hash);
          last = digest;
        }
        expect(last).toEqual(merkleRoot(entries));
      }),
    );
  });
});
