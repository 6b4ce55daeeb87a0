import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareUtf8 } from '../../../lib/base/bytes.ts';
import type { LayerEntry, LayerSpec } from '../../../lib/tar/layer-spec.ts';
import { planEntries } from '../../../lib/tar/plan-entries.ts';
import { layerSpec } from '../tools/layer-fixtures.ts';

function plan(entries: readonly LayerEntry[], changes: Partial<LayerSpec> = {}) {
  const expanded = entries.map((given) => ({ given, path: given.path, input: given.input }));
  return planEntries(expanded, layerSpec(changes));
}

const paths = (entries: readonly LayerEntry[], changes: Partial<LayerSpec> = {}) =>
  plan(entries, changes).entries.map((entry) => entry.path);

const file = (path: string, more: Partial<LayerEntry> = {}): LayerEntry => ({ path, type: 'file', input: `in/${path}`, ...more });

const lastWins = { allowDuplicates: { differentContent: true, fromArchives: false } };

describe('planEntries()', () => {
  it('sorts by UTF-8 bytes, with missing parents before their children', () => {
    expect(paths([file('b/c'), file('a/ｚ'), file('a/😀'), file('a-b'), file('b/a/x')])).toEqual([
      'a',
      'a-b',
      'a/ｚ',
      'a/😀',
      'b',
      'b/a',
      'b/a/x',
      'b/c',
    ]);
  });

  it('creates parents 0755 with the owner and the time of the first path below', () => {
    const { entries } = plan([file('d/z', { uid: 5 }), file('d/e/f', { uid: 7, gid: 8, mtime: 9, uname: 'u', gname: 'g' })]);
    const parents = entries.filter((entry) => entry.type === 'directory');
    expect(parents).toMatchObject(
      ['d', 'd/e'].map((path) => ({ path, mode: 0o755, uid: 7, gid: 8, mtime: 9, uname: 'u', gname: 'g', implicit: true })),
    );
  });

  it('creates no parents where the spec says so', () => {
    expect(paths([file('a/b/c')], { createParents: false })).toEqual(['a/b/c']);
  });

  it('fills in defaults by type', () => {
    const { entries } = plan([
      { path: 'd', type: 'directory' },
      file('f'),
      file('g', { mode: 0o600, mtime: -1 }),
      { path: 's', type: 'symlink', linkTarget: 'f' },
    ]);
    expect(entries.map((entry) => [entry.path, entry.mode, entry.mtime])).toEqual([
      ['d', 0o755, 946684800],
      ['f', 0o555, 946684800],
      ['g', 0o600, -1],
      ['s', 0o777, 946684800],
    ]);
  });

  it('is the same for every order of entries without duplicates', () => {
    const entries = [
      file('a'),
      file('b/c'),
      file('b/d', { uid: 3 }),
      { path: 'b', type: 'directory', mode: 0o700 } as const,
      { path: 'l', type: 'hardlink', linkTarget: 'a' } as const,
    ];
    const seen = (given: readonly LayerEntry[]) =>
      plan(given).entries.map(({ path, type, mode, uid, linkTarget, origin }) => [path, type, mode, uid, linkTarget, origin]);
    const expected = seen(entries);
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (shuffled) => {
        expect(seen(shuffled)).toEqual(expected);
      }),
    );
  });

  it('puts every parent before its children and no path twice, whatever the paths', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', 'a-', 'é', '😀', '\uff5e'), { minLength: 1, maxLength: 4 })
      .map((segments) => segments.join('/'));
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 15 }), (all) => {
        const files = all.filter((one) => !all.some((other) => other.startsWith(`${one}/`)));
        const got = paths(files.map((one) => file(one)));
        expect(new Set(got).size).toBe(got.length);
        expect(got).toEqual([...got].sort(compareUtf8));
        for (const one of got)
          if (one.includes('/')) expect(got.indexOf(one.slice(0, one.lastIndexOf('/')))).toBeLessThan(got.indexOf(one));
        for (const one of files) expect(got).toContain(one);
      }),
    );
  });

  describe('hard links', () => {
    const link = (path: string, linkTarget: string): LayerEntry => ({ path, type: 'hardlink', linkTarget });

    it('come last and name the file itself', () => {
      const { entries } = plan([link('a', 'b'), link('b', './z'), file('z'), file('c')]);
      expect(entries.map((entry) => [entry.path, entry.linkTarget])).toEqual([
        ['c', undefined],
        ['z', undefined],
        ['a', 'z'],
        ['b', 'z'],
      ]);
    });

    it.each([
      ['a missing file', [link('a', 'b')], 'the archive has no such entry'],
      ['itself', [link('a', 'a')], 'the links form a cycle'],
      ['a cycle', [link('a', 'b'), link('b', 'a')], '2 errors'],
      ['a directory', [link('a', 'd'), { path: 'd', type: 'directory' }], 'it is a directory'],
    ] as const)('to %s are refused', (_what, entries, is) => {
      expect(() => plan(entries)).toThrow(is);
    });
  });

  describe('duplicates', () => {
    it('of equal entries, however spelled, are one entry', () => {
      expect(paths([file('a'), { ...file('a'), path: './a' }, { ...file('a'), path: '/a/' }])).toEqual(['a']);
    });

    it('with other attributes name both sources', () => {
      expect(() => plan([file('a', { origin: ':x' }), file('a', { origin: ':y', mode: 0o600 })])).toThrow(
        expect.objectContaining({
          code: 'OCIDSL_ENTRY_DUPLICATE',
          message: 'Cannot add "a" to the archive: the file from ":x" and the file from ":y" differ, expected one entry for each path',
        }),
      );
    });

    it('with other attributes: the last one wins where that is allowed', () => {
      const { entries, replaced } = plan([file('a', { mode: 0o600 }), file('a', { mode: 0o644 })], lastWins);
      expect(entries).toMatchObject([{ path: 'a', mode: 0o644 }]);
      expect(replaced).toMatchObject([{ kept: { mode: 0o644 }, dropped: { mode: 0o600 } }]);
    });

    it('with another input are contested, to be compared by content', () => {
      const { entries, contested, replaced } = plan([file('a', { input: 'in/1' }), file('a', { input: 'in/2' })]);
      expect(entries).toMatchObject([{ path: 'a', input: 'in/2' }]);
      expect(contested).toMatchObject([{ kept: { input: 'in/2' }, dropped: { input: 'in/1' } }]);
      expect(replaced).toEqual([]);
    });

    it('of directories: an implicit one gives way, in either order', () => {
      const given: LayerEntry = { path: 'd', type: 'directory', mode: 0o700 };
      const implicit: LayerEntry = { path: 'd', type: 'directory', implicit: true };
      for (const entries of [
        [given, implicit],
        [implicit, given],
      ])
        expect(plan(entries).entries).toMatchObject([{ mode: 0o700, implicit: false }]);
    });

    it('of a file and a directory are refused even where the last one wins', () => {
      for (const entries of [
        [file('a'), { path: 'a', type: 'directory' }],
        [{ path: 'a', type: 'directory', implicit: true }, file('a')],
      ] as LayerEntry[][]) {
        expect(() => plan(entries, lastWins)).toThrow(expect.objectContaining({ code: 'OCIDSL_ENTRY_DUPLICATE' }));
      }
    });
  });

  describe('parents', () => {
    it.each([true, false])('must be directories (createParents: %s)', (createParents) => {
      expect(() => plan([file('a', { origin: ':x' }), file('a/b/c', { origin: ':y' })], { createParents })).toThrow(
        expect.objectContaining({
          code: 'OCIDSL_ENTRY_PARENT',
          message: 'Cannot add "a/b/c" from ":y" to the archive: "a" from ":x" is a file, expected a directory',
        }),
      );
    });

    it('that are symbolic links are refused, with their target', () => {
      expect(() =>
        plan([{ path: 'bin', type: 'symlink', linkTarget: 'usr/bin', origin: 'symlinks' }, file('bin/sh', { origin: ':sh' })]),
      ).toThrow(
        expect.objectContaining({
          message: 'Cannot add "bin/sh" from ":sh" to the archive: "bin" from "symlinks" is a symlink to "usr/bin", expected a directory',
          hint: 'Add the entry below the path that the link points to',
        }),
      );
    });

    it('far above a sound directory are looked at too', () => {
      expect(() => plan([file('a'), { path: 'a/b', type: 'directory' }, file('a/b/c')])).toThrow(
        expect.objectContaining({ code: 'OCIDSL_ENTRY_PARENT' }),
      );
    });
  });

  it('reports several mistakes together', () => {
    expect(() => plan([file('..'), { path: 'a', type: 'symlink', linkTarget: '..' }, file('.wh.x'), file('ok')])).toThrow(
      expect.objectContaining({ errors: [expect.anything(), expect.anything(), expect.anything()] }),
    );
  });

  it('lays out 100,000 files in 11,000 directories in time', () => {
    const entries = Array.from({ length: 100_000 }, (_, i) => file(`d${i % 100}/e${i % 11_000}/f${i}`));
    const start = performance.now();
    expect(plan(entries).entries.length).toBeGreaterThan(111_000);
    // About 0.4 s; the limit only tells linear from quadratic.
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
