import { describe, expect, test } from 'vitest';
import * as attribute from '../../../lib/graph/attribute.ts';
import { parsePlatform } from '../../../lib/oci/platform.ts';
import { defineRule } from '../../../lib/plan/define-rule.ts';
import { resolveSelects } from '../../../lib/plan/resolve-selects.ts';
import { select, type SelectCases } from '../../../lib/rules/select.ts';
import { declare, targetOf } from '../graph/rig.ts';

const text = defineRule({
  name: 'text',
  attributes: { value: attribute.optional(attribute.string()), plain: attribute.optional(attribute.string()) },
  provides: [],
  analyze: () => [],
});

const resolve = (cases: SelectCases<string>, platform: string) =>
  resolveSelects(
    targetOf(
      declare(() => text({ name: 'a', value: select(cases), plain: 'p' })),
      'a',
    ),
    parsePlatform(platform),
  );

describe('select() takes', () => {
  test.each<[string, SelectCases<string>, string, string]>([
    ['the exact platform before its family', { 'linux/arm': 'family', 'linux/arm/v6': 'exact', default: 'd' }, 'linux/arm/v6', 'exact'],
    ['the family before the system', { linux: 'system', 'linux/arm': 'family', default: 'd' }, 'linux/arm/v6', 'family'],
    ['the system before the default', { default: 'd', linux: 'system' }, 'linux/arm/v6', 'system'],
    ['the default where nothing else matches', { default: 'd', 'linux/arm/v7': 'v7', windows: 'w' }, 'linux/arm/v6', 'd'],
    ['linux/arm64 for linux/arm64/v8', { 'linux/arm64': 'arm', default: 'd' }, 'linux/arm64/v8', 'arm'],
    ['linux/arm64/v8 for linux/arm64', { 'linux/arm64/v8': 'arm', default: 'd' }, 'linux/arm64', 'arm'],
    ['linux/amd64 for linux/amd64/v3', { 'linux/amd64': 'amd', default: 'd' }, 'linux/amd64/v3', 'amd'],
    ['linux/arm/v7 for linux/arm', { linux: 'system', 'linux/arm/v7': 'v7', 'linux/arm/v6': 'v6' }, 'linux/arm', 'v7'],
    [
      'the platform as it is written before another spelling of it',
      { 'linux/arm64': 'without', 'linux/arm64/v8': 'with' },
      'linux/arm64/v8',
      'with',
    ],
    ['the platform as it is written, whatever the order', { 'linux/arm64/v8': 'with', 'linux/arm64': 'without' }, 'linux/arm64', 'without'],
    ['no variant for another one', { 'linux/amd64/v3': 'v3', default: 'd' }, 'linux/amd64/v2', 'd'],
    ['no variant for the platform without one', { 'linux/amd64/v3': 'v3', default: 'd' }, 'linux/amd64', 'd'],
    ['no other system of the same architecture', { 'windows/amd64': 'w', default: 'd' }, 'linux/amd64', 'd'],
  ])('%s', (_, cases, platform, value) => expect(resolve(cases, platform)).toEqual({ value, plain: 'p' }));

  test('an empty value as any other', () => expect(resolve({ linux: '', default: 'd' }, 'linux/amd64')['value']).toBe(''));
});

test('no match is an error that lists the cases', () => {
  expect(() => resolve({ 'linux/arm64': 'a', windows: 'w' }, 'linux/amd64')).toThrow(
    expect.objectContaining({
      code: 'OCIDSL_SELECT_UNMATCHED',
      label: 'a',
      message:
        'Cannot choose a value of attribute "value" of text "a" for linux/amd64: the select has the cases linux/arm64, windows and no "default"',
      hint: 'Add a case for "linux/amd64" or a "default"',
    }) as Error,
  );
  expect(() => resolve({}, 'linux/amd64')).toThrow('the select has the cases (none) and no "default"');
});

test('attributes without select() are given as they are', () => {
  const target = targetOf(
    declare(() => text({ name: 'a', plain: 'p' })),
    'a',
  );
  expect(resolveSelects(target, parsePlatform('linux/amd64'))).toBe(target.attributes);
});
