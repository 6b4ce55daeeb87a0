import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filesOfGroup, groupFiles } from '../../../lib/tar/file-groups.ts';
import type { LayerEntry } from '../../../lib/tar/layer-spec.ts';

const file = (path: string, input: string, origin: string, more: Partial<LayerEntry> = {}): LayerEntry => ({
  path,
  type: 'file',
  input,
  origin,
  ...more,
});

const ungroup = (entries: readonly LayerEntry[]) =>
  entries.flatMap((entry) => (entry.type === 'files' ? [...filesOfGroup(entry)] : [entry]));

describe('groupFiles()', () => {
  it('puts neighbours together whose folders are the same', () => {
    const entries = ['a.js', 'lib/b.js', 'lib/c.js'].map((name) => file(`srv/${name}`, `srcs/src/web/${name}`, `web/${name}`));
    expect(groupFiles(entries)).toEqual([
      { path: 'srv', type: 'files', input: 'srcs/src/web', origin: 'web', names: ['a.js', 'lib/b.js', 'lib/c.js'] },
    ]);
  });

  it('takes as much for the name as all three paths have, up to the whole of it', () => {
    const names = ['a/x', 'a/y'];
    expect(groupFiles(names.map((name) => file(name, `srcs/src/${name}`, name)))).toEqual([
      { path: '', type: 'files', input: 'srcs/src', origin: '', names },
    ]);
  });

  it('leaves alone one file, files with attributes of their own or another name, and what is no file', () => {
    const entries: LayerEntry[] = [
      file('a', 'in/a', 'a'),
      file('b', 'in/b', 'b', { mode: 0o755 }),
      file('c', 'in/other', 'c'),
      { path: 'd', type: 'file', origin: 'emptyFiles' },
      { path: 'e', type: 'directory', origin: 'e' },
      { path: 't', type: 'tree', input: 'in/t', origin: 't' },
      file('f', 'in/f', 'f'),
    ];
    expect(groupFiles(entries)).toEqual(entries);
  });

  it('begins anew where a folder changes, and keeps the order', () => {
    const names = ['x', 'y', 'z'];
    const entries = [
      ...names.map((name) => file(`one/${name}`, `in/1/${name}`, `1/${name}`)),
      ...names.map((name) => file(`one-more/${name}`, `in/1/${name}`, `1/${name}`)),
    ];
    expect(groupFiles(entries).map(({ path, names: grouped }) => [path, grouped])).toEqual([
      ['one', names],
      ['one-more', names],
    ]);
  });

  it('loses nothing', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
    const prefix = fc.constantFrom('', 'a/', 'in/', 'a/b/');
    const entry = fc.oneof(
      fc.tuple(path, prefix, prefix, prefix).map(([name, a, b, c]) => file(a + name, b + name, c + name)),
      fc.tuple(path, path, path).map(([a, b, c]) => file(a, b, c)),
      path.map((name) => file(name, name, name, { uid: 1 })),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
        expect(ungroup(groupFiles(entries))).toEqual(entries);
      }),
    );
  });
});
