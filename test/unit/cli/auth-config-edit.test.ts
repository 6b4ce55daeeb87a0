// Editing the text of a docker config: one entry changes, every other byte stays.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editCredHelper } from '../../../lib/cli/auth-config-edit.ts';

const set = (text: string, registry = 'ghcr.io', helper: string | undefined = 'x') => editCredHelper(text, registry, helper, '/f').text;
const remove = (text: string, registry = 'ghcr.io') => editCredHelper(text, registry, undefined, '/f').text;

describe('setting', () => {
  it.each([
    ['an empty file', '', '{\n\t"credHelpers": {\n\t\t"ghcr.io": "x"\n\t}\n}\n'],
    ['white space', ' \n', '{\n\t"credHelpers": {\n\t\t"ghcr.io": "x"\n\t}\n}\n'],
    ['an empty object', '{}', '{\n\t"credHelpers": {\n\t\t"ghcr.io": "x"\n\t}\n}'],
    ['one line', '{"a":1}', '{"a":1,"credHelpers":{"ghcr.io":"x"}}'],
    ['one line with spaces', '{ "a": 1, "b": 2 }', '{ "a": 1, "b": 2, "credHelpers": {"ghcr.io": "x"} }'],
    ['two spaces', '{\n  "a": 1\n}\n', '{\n  "a": 1,\n  "credHelpers": {\n    "ghcr.io": "x"\n  }\n}\n'],
    ['line ends of Windows', '{\r\n\t"a": 1\r\n}', '{\r\n\t"a": 1,\r\n\t"credHelpers": {\r\n\t\t"ghcr.io": "x"\r\n\t}\r\n}'],
    ['an empty section', '{\n  "credHelpers": {}\n}', '{\n  "credHelpers": {\n    "ghcr.io": "x"\n  }\n}'],
    ['a null section', '{"credHelpers":null}', '{"credHelpers":{"ghcr.io":"x"}}'],
    ['a section', '{"credHelpers":{"a":"b"},"z":0}', '{"credHelpers":{"a":"b","ghcr.io":"x"},"z":0}'],
    ['another helper', '{"credHelpers":{"ghcr.io":"old","a":"b"}}', '{"credHelpers":{"ghcr.io":"x","a":"b"}}'],
    [
      'a section twice',
      '{"credHelpers":{"ghcr.io":"1"},"credHelpers":{}}',
      '{"credHelpers":{"ghcr.io":"1"},"credHelpers":{"ghcr.io": "x"}}',
    ],
    ['a byte order mark', '\uFEFF{"a":1}', '\uFEFF{"a":1,"credHelpers":{"ghcr.io":"x"}}'],
    [
      'brackets in strings, numbers that JSON.parse rounds, keys that it reorders',
      '{"2":"}{]\\"[","1":[[],{"credHelpers":{}}],"n":12345678901234567890}',
      '{"2":"}{]\\"[","1":[[],{"credHelpers":{}}],"n":12345678901234567890,"credHelpers":{"ghcr.io":"x"}}',
    ],
  ])('keeps %s', (_, before, after) => expect(set(before)).toBe(after));

  it('changes nothing where it is set already, and says what was set before', () => {
    const text = '{ "credHelpers" : { "ghcr.io" : "x" } }';
    expect(editCredHelper(text, 'ghcr.io', 'x', '/f')).toEqual({ text, previous: 'x' });
    expect(editCredHelper(text, 'ghcr.io', 'y', '/f')).toEqual({ text: text.replace('"x"', '"y"'), previous: 'x' });
  });

  it.each(['c4nary', '[]', '"c4nary"', '{"c4nary"', 'null', '{"a":1}}', '{"credHelpers":["c4nary"]}', '{"credHelpers":{"ghcr.io":4}}'])(
    'refuses %j without showing it',
    (text) => {
      expect(() => set(text)).toThrow(/^(?!.*c4nary)Cannot edit "\/f": /);
      expect(() => remove(text)).toThrow(/^(?!.*c4nary)Cannot edit "\/f": /);
    },
  );
});

describe('removing', () => {
  it.each([
    ['the first', '{"credHelpers": {"ghcr.io": "x", "a": "b"}}', '{"credHelpers": {"a": "b"}}'],
    ['the last', '{"credHelpers": {"a": "b", "ghcr.io": "x"}}', '{"credHelpers": {"a": "b"}}'],
    ['the only one, with its section', '{\n\t"a": 1,\n\t"credHelpers": {\n\t\t"ghcr.io": "x"\n\t}\n}', '{\n\t"a": 1\n}'],
    ['the only one of all', '{"credHelpers": {"ghcr.io": "x"}}', '{}'],
    ['none', '{"credHelpers": {"a": "b"}}', '{"credHelpers": {"a": "b"}}'],
    ['none of an empty file', '', ''],
  ])('removes %s', (_, before, after) => expect(remove(before)).toBe(after));
});

it('of any config keeps what it means, changes only the entry, and is undone byte for byte', () => {
  const config = fc.dictionary(fc.string(), fc.jsonValue()).map((object) => {
    delete object['credHelpers'];
    return object;
  });
  const helpers = fc.option(fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { minKeys: 1 }), { nil: undefined });
  const indent = fc.constantFrom(undefined, 1, 2, 4, '\t');
  fc.assert(
    fc.property(
      config,
      helpers,
      indent,
      fc.string({ minLength: 1 }),
      fc.string({ minLength: 1 }),
      (rest, section, space, registry, helper) => {
        const text = JSON.stringify(section === undefined ? rest : { ...rest, credHelpers: section }, undefined, space);
        const after = set(text, registry, helper);
        expect(JSON.parse(after)).toEqual(JSON.parse(JSON.stringify({ ...rest, credHelpers: { ...section, [registry]: helper } })));
        expect(set(after, registry, helper)).toBe(after);
        if (section !== undefined && Object.hasOwn(section, registry)) return;
        if (Object.keys(rest).length > 0 || section !== undefined) expect(remove(after, registry)).toBe(text);
      },
    ),
    { numRuns: 2000 },
  );
});
