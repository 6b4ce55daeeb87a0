import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSymlinkTarget, hardLinkTarget, normalizeEntryPath, parentPath } from '../../../lib/tar/entry-path.ts';

describe('normalizeEntryPath()', () => {
  it.each([
    ['a', 'a'],
    ['./a', 'a'],
    ['/a', 'a'],
    ['a/', 'a'],
    ['//a//b/./c/', 'a/b/c'],
    ['.hidden', '.hidden'],
    ['a..b/..c', 'a..b/..c'],
    ['x.wh.y', 'x.wh.y'],
    ['system-systemd\\x2dcryptsetup.slice', 'system-systemd\\x2dcryptsetup.slice'],
    ['grüße/😀', 'grüße/😀'],
    ['a b\nc', 'a b\nc'],
  ])('spells %j as %j', (path, normal) => {
    expect(normalizeEntryPath(path)).toBe(normal);
  });

  it.each([
    ['', 'it names no file'],
    ['/', 'it names no file'],
    ['./.', 'it names no file'],
    ['..', 'it has a ".." segment'],
    ['a/../../b', 'it has a ".." segment'],
    ['a/..\\..\\b', 'it has a ".." segment'],
    ['a\0b', 'it contains a NUL character'],
    ['\ud800', 'it is not valid Unicode'],
    ['a\ufffd', 'it is not valid Unicode'],
    ['etc/.wh.passwd', '".wh.passwd" begins with ".wh."'],
    ['etc/.wh..wh..opq', '".wh..wh..opq" begins with ".wh."'],
    ['.wh.dir/file', '".wh.dir" begins with ".wh."'],
    ['.wh.', '".wh." begins with ".wh."'],
  ])('refuses %j: %s', (path, is) => {
    expect(() => normalizeEntryPath(path)).toThrow(
      expect.objectContaining({ code: 'OCIDSL_ENTRY_PATH', message: expect.stringContaining(is) }),
    );
  });

  it('says why a whiteout name is refused', () => {
    expect(() => normalizeEntryPath('etc/.wh.passwd')).toThrow(
      'Cannot use "etc/.wh.passwd" as the path of an archive entry: ".wh.passwd" begins with ".wh.", expected a name that is no whiteout: in an image layer such a name deletes the file that it hides (image-spec, layer.md, Whiteouts)',
    );
  });

  it('gives a path that stays as it is, without . and .. segments, or throws', () => {
    const segment = fc.constantFrom('', '.', '..', 'a', '.wh.x', '..\\', 'b\\c', '…', '\0', '\udfff', 'ab');
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
        let normal: string;
        try {
          normal = normalizeEntryPath(segments.join('/'));
        } catch {
          return;
        }
        expect(normalizeEntryPath(normal)).toBe(normal);
        expect(normal.split('/')).toEqual(segments.filter((one) => one !== '' && one !== '.'));
        expect(normal).not.toMatch(/(^|\/)(\.|\.\.|)(\/|$)/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('checkSymlinkTarget()', () => {
  it.each([
    ['a', 'b'],
    ['a/b', '../c'],
    ['a/b', '/etc/x'],
    ['a', '/../x'],
    ['usr/bin/x', '../../etc/y'],
    ['a/b/c', './../../x/..'],
  ])('takes %s → %s', (path, target) => {
    expect(() => checkSymlinkTarget(path, target)).not.toThrow();
  });

  it.each([
    ['a', '', 'is empty'],
    ['a', '..', 'climbs above the root'],
    ['a/b', '../../c', 'climbs above the root'],
    ['a/b', 'x/../../../c', 'climbs above the root'],
    ['a', 'b\0', 'NUL'],
  ])('refuses %s → %j', (path, target, is) => {
    expect(() => checkSymlinkTarget(path, target)).toThrow(
      expect.objectContaining({ code: 'OCIDSL_LINK_TARGET', message: expect.stringContaining(is) }),
    );
  });
});

describe('hardLinkTarget()', () => {
  it('gives the one spelling of the target', () => {
    expect(hardLinkTarget('a', './b//c')).toBe('b/c');
  });
  it.each(['/etc/shadow', '../x', '', 'a/../../b', '.wh.x'])('refuses %j', (target) => {
    expect(() => hardLinkTarget('a', target)).toThrow(expect.objectContaining({ code: 'OCIDSL_LINK_TARGET' }));
  });
});

describe('parentPath()', () => {
  it('is undefined at the root', () => {
    expect([parentPath('a'), parentPath('a/b'), parentPath('a/b/c')]).toEqual([undefined, 'a', 'a/b']);
  });
});
