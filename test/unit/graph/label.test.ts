import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatLabel, parseLabel, targetNameProblem } from '../../../lib/graph/label.ts';

const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,20}$/);
const segment = fc.stringMatching(/^[A-Za-z0-9_.+@-]{1,10}$/).filter((text) => text !== '.' && text !== '..');

describe('parseLabel()', () => {
  test.each([
    ['image', 'apps/hello', 'apps/hello:image'],
    [':image', 'apps/hello', 'apps/hello:image'],
    ['image', '', 'image'],
    ['apps/hello:image', 'other', 'apps/hello:image'],
    ['//apps/hello:image', 'other', 'apps/hello:image'],
    ['//:hello', 'apps/hello', 'hello'],
    ['//hello', 'apps/hello', 'hello'],
    ['a@1.0+x-y:b@1.0+x-y', '', 'a@1.0+x-y:b@1.0+x-y'],
  ])('reads %j in package %j as %j', (text, from, label) => expect(formatLabel(parseLabel(text, from))).toBe(label));

  test('reads back what formatLabel() writes, from any package but with the root written as //:', () => {
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 3 }), name, fc.constantFrom('', 'x', 'x/y'), (folder, target, from) => {
        const label = { package: folder.join('/'), name: target };
        const text = folder.length === 0 ? `//:${target}` : formatLabel(label);
        expect(parseLabel(text, from)).toEqual(label);
      }),
    );
  });

  test.each([
    ['', 'the target name "" is not usable'],
    [':', 'the target name "" is not usable'],
    ['a:', 'the target name "" is not usable'],
    ['a/b', 'the target name "a/b" is not usable'],
    ['a::b', 'the target name ":b" is not usable'],
    ['a b', 'the target name "a b" is not usable'],
    ['-a', 'the target name "-a" is not usable'],
    ['../a:b', 'the package "../a" has the unusable part ".."'],
    ['a/./b:c', 'the package "a/./b" has the unusable part "."'],
    ['a//b:c', 'the package "a//b" has the unusable part ""'],
    ['/a:b', 'the package "/a" has the unusable part ""'],
    ['///a:b', 'the package "/a" has the unusable part ""'],
    ['a/:b', 'the package "a/" has the unusable part ""'],
    ['a\\b:c', 'the package "a\\b" has the unusable part "a\\\\b"'],
    ['a\0:c', 'has the unusable part "a\\u0000"'],
  ])('refuses %j', (text, is) => {
    expect(() => parseLabel(text, '')).toThrow(expect.objectContaining({ code: 'OCIDSL_LABEL_SYNTAX' }) as Error);
    expect(() => parseLabel(text, '')).toThrow(is);
  });
});

describe('targetNameProblem()', () => {
  test.each(['a', 'A', '0', '_x', 'a.b+c@d-e', 'x'.repeat(200)])('accepts %j', (text) => expect(targetNameProblem(text)).toBeUndefined());
  test.each([
    [undefined, 'it is missing'],
    [1, 'it is number'],
    ['', 'expected letters'],
    ['.a', 'expected letters'],
    ['a/b', 'expected letters'],
    ['a:b', 'expected letters'],
    ['ä', 'expected letters'],
    ['a\n', 'expected letters'],
    ['x'.repeat(201), 'it has 201 characters'],
  ])('refuses %j', (value, is) => expect(targetNameProblem(value)).toContain(is));
});
