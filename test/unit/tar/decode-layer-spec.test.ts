import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../lib/base/bytes.ts';
import { canonicalJson, type Json } from '../../../lib/base/json.ts';
import { decodeLayerSpec } from '../../../lib/tar/decode-layer-spec.ts';
import { encodeLayerSpec } from '../../../lib/tar/layer-spec.ts';
import { layerSpec } from '../tools/layer-fixtures.ts';

const FULL = layerSpec({
  defaults: { uid: 1, gid: 2, uname: 'u', gname: 'g', mtime: -1.5, fileMode: 0o644, executableMode: 0o755, directoryMode: 0o700 },
  entries: [
    { path: 'a', type: 'file', input: 'in/a', mode: 0, uid: 0, gid: 4294967294, uname: '', gname: '', mtime: 0, origin: 'src/a' },
    { path: 'b', type: 'symlink', linkTarget: 'a' },
    { path: 'c', type: 'hardlink', linkTarget: 'a' },
    { path: 'd', type: 'directory', implicit: true },
    { path: 't', type: 'tree', input: 'in/t' },
    { path: '', type: 'files', input: 'in', origin: '', names: ['x', 'y/z'] },
  ],
  archives: [{ input: 'in/x.tar', origin: ':x', folder: 'opt/x' }],
  overrides: [{ path: 'x', mode: 0o4755, uid: 0, gid: 1, uname: 'u', gname: '' }],
  compression: { format: 'gzip', level: 9 },
});

/** FULL with the property at `path` replaced (or removed). */
function broken(path: readonly (string | number)[], value: unknown): Buffer {
  const spec: unknown = structuredClone(FULL);
  let at = spec as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path.at(-1) ?? ''] = value;
  return utf8(JSON.stringify(spec));
}

describe('decodeLayerSpec()', () => {
  it('reads what encodeLayerSpec() writes, which is canonical JSON', () => {
    expect(decodeLayerSpec(encodeLayerSpec(FULL))).toEqual(FULL);
    expect(encodeLayerSpec(FULL).toString()).toBe(canonicalJson(FULL as unknown as Json));
  });

  it.each([
    [['entries', 0, 'mode'], '0755', 'property "entries[0].mode": it is "0755", expected an integer from 0 to 4095'],
    [['entries', 0, 'mode'], 0o10000, 'entries[0].mode'],
    [['entries', 0, 'uid'], -1, 'entries[0].uid'],
    [['entries', 0, 'uid'], 2 ** 32 - 1, 'an integer from 0 to 4294967294'],
    [['entries', 0, 'mtime'], null, 'entries[0].mtime'],
    [['entries', 0, 'mtime'], 1e13, 'entries[0].mtime'],
    [['entries', 0, 'path'], undefined, 'property "entries[0].path": it is missing, expected a string'],
    [['entries', 0, 'path'], 'a\0', 'a string without NUL'],
    [['entries', 0, 'type'], 'fifo', 'property "entries[0].type": it is "fifo", expected file, directory'],
    [['entries', 0, 'linkTarget'], 'x', 'property "entries[0].linkTarget": it is "x", expected none'],
    [['entries', 0, 'implicit'], true, 'only for a directory'],
    [['entries', 0, 'modes'], 1, 'and not "modes"'],
    [['entries', 1, 'linkTarget'], undefined, 'the target of the link'],
    [['entries', 1, 'input'], 'in/a', 'expected none'],
    [['entries', 3, 'implicit'], false, 'entries[3].implicit'],
    [['entries', 4, 'input'], undefined, 'the folder of the tree'],
    [['archives', 0, 'folder'], 1, 'archives[0].folder'],
    [['overrides'], {}, 'property "overrides": it is an object, expected an array'],
    [['overrides', 0, 'path'], undefined, 'property "overrides[0].path": it is missing, expected a string'],
    [['overrides', 0, 'mode'], 0o10000, 'overrides[0].mode'],
    [['overrides', 0, 'gid'], -1, 'overrides[0].gid'],
    [['overrides', 0, 'uname'], 0, 'overrides[0].uname'],
    [['overrides', 0, 'input'], 'x', 'and not "input"'],
    [['entries', 0, 'names'], ['x'], 'property "entries[0].names": it is an array, expected none'],
    [['entries', 5, 'names'], undefined, 'property "entries[5].names": it is missing, expected an array'],
    [['entries', 5, 'names', 1], 7, 'property "entries[5].names[1]": it is 7, expected a string'],
    [['entries', 5, 'names', 1], '', 'property "entries[5].names[1]": it is "", expected a name'],
    [['entries', 5, 'names', 1], 'a\0', 'a string without NUL'],
    [['entries', 5, 'origin'], undefined, 'property "entries[5].origin": it is missing, expected a string'],
    [['entries', 5, 'mode'], 0, 'files differ in their names only'],
    [['entries'], {}, 'property "entries": it is an object, expected an array'],
    [['archives', 0], 'x', 'property "archives[0]": it is "x", expected an object'],
    [['archives', 0, 'input'], 1, 'archives[0].input'],
    [['defaults', 'fileMode'], undefined, 'defaults.fileMode'],
    [['defaults', 'executableMode'], 4096, 'defaults.executableMode'],
    [['createParents'], 1, 'property "createParents": it is 1, expected true or false'],
    [['allowDuplicates', 'fromArchives'], undefined, 'allowDuplicates.fromArchives'],
    [['compression', 'format'], 'zstd', 'property "compression.format": it is "zstd", expected "gzip" or "none"'],
    [['compression', 'level'], 0, 'an integer from 1 to 9'],
    [['compression'], { format: 'none', level: 1 }, 'none without compression'],
    [['version'], 2, 'layer spec: it is an object, expected only defaults'],
  ] as const)('refuses %j: %j', (path, value, message) => {
    expect(() => decodeLayerSpec(broken(path, value))).toThrow(
      expect.objectContaining({ code: 'OCIDSL_LAYER_SPEC', message: expect.stringContaining(message) }),
    );
  });

  it.each(['', '[]', 'null', '{', '"x"'])('refuses the document %j', (text) => {
    expect(() => decodeLayerSpec(utf8(text))).toThrow(expect.objectContaining({ code: 'OCIDSL_LAYER_SPEC' }));
  });
});
