import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { combineErrors, environmentError, invariant, isOcidslError, OcidslError } from '../../../lib/base/errors.ts';

const error = (init: Partial<ConstructorParameters<typeof OcidslError>[0]> = {}) =>
  new OcidslError({ code: 'OCIDSL_TEST', message: 'Cannot test', ...init });
const place = { file: 'build.config.ts', line: 3, column: 1 };
const other = { file: 'other.ts', line: 1, column: 1 };

describe('OcidslError', () => {
  test('is a config failure without places unless told otherwise', () => {
    expect(error()).toMatchObject({
      name: 'OcidslError',
      kind: 'config',
      locations: [],
      errors: [],
      label: undefined,
      hint: undefined,
      output: undefined,
    });
    expect(Object.hasOwn(error(), 'cause')).toBe(false);
  });

  test('is recognised by its brand, also when another copy of the library made it', async () => {
    const { outputFiles } = buildSync({ entryPoints: ['lib/base/errors.ts'], bundle: true, format: 'esm', write: false });
    const source = `data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString('base64')}`;
    const copy = (await import(/* @vite-ignore */ source)) as typeof import('../../../lib/base/errors.ts');
    const foreign = new copy.OcidslError({ code: 'OCIDSL_TEST', message: 'Cannot test' });
    expect(foreign).not.toBeInstanceOf(OcidslError);
    expect(isOcidslError(foreign)).toBe(true);
    expect(copy.isOcidslError(error())).toBe(true);
  });

  test.each([undefined, null, 'text', new Error('plain'), { code: 'OCIDSL_TEST', message: 'looks like one' }])('is not %s', (value) =>
    expect(isOcidslError(value)).toBe(false),
  );

  test('at() adds what is missing and keeps everything that is set', () => {
    const cause = new Error('why');
    const full = error({ kind: 'network', hint: 'do', output: 'out', cause, errors: [error(), error()] });
    expect(full.at({ label: 'a', locations: [place] })).toMatchObject({
      code: 'OCIDSL_TEST',
      message: 'Cannot test',
      kind: 'network',
      hint: 'do',
      output: 'out',
      cause,
      label: 'a',
      locations: [place],
      errors: full.errors,
    });
    const placed = error({ label: 'a', locations: [place] });
    expect(placed.at({ label: 'b', locations: [other] })).toMatchObject({ label: 'a', locations: [place] });
  });
});

describe('combineErrors()', () => {
  test('gives one error back as it is', () => {
    const one = error();
    expect(combineErrors([one])).toBe(one);
  });

  test('counts several and takes the kind of the first', () => {
    const errors = [error({ kind: 'network' }), error()];
    expect(combineErrors(errors)).toMatchObject({ code: 'OCIDSL_SEVERAL', message: '2 errors', kind: 'network', errors });
  });

  test('of none is a bug', () => expect(() => combineErrors([])).toThrow('at least one'));
});

describe('environmentError()', () => {
  test.each([
    ['ENOSPC', 'no space is left on the device', 'Free some space, or point --cache-dir to another disk'],
    ['EACCES', 'permission denied', 'Check the owner and mode of that path'],
    ['EROFS', 'the file system is read-only', 'Choose another folder with --cache-dir or --output-dir'],
    ['EIO', 'the device reported an input/output error', undefined],
  ])('explains %s', (code, why, hint) => {
    const cause = Object.assign(new Error(`${code}: raw text`), { code });
    expect(environmentError('write "x"', cause)).toMatchObject({
      code: `OCIDSL_SYSTEM_${code}`,
      kind: 'environment',
      message: `Cannot write "x": ${why}`,
      hint,
      cause,
    });
  });

  test('shows the text of an error that it does not know, and a hint of the caller before its own', () => {
    expect(environmentError('do it', new Error('odd'))).toMatchObject({ code: 'OCIDSL_SYSTEM_FAILURE', message: 'Cannot do it: odd' });
    expect(environmentError('do it', 'a string').message).toBe('Cannot do it: a string');
    expect(environmentError('do it', Object.assign(new Error('x'), { code: 'ENOSPC' }), 'mine').hint).toBe('mine');
  });
});

test('invariant() throws a plain error, which is a bug and no expected failure', () => {
  expect(() => invariant(true, 'all is well')).not.toThrow();
  expect(() => invariant(0, 'x is set')).toThrow('Broken invariant: x is set');
  let thrown: unknown;
  try {
    invariant(false, 'x');
  } catch (error) {
    thrown = error;
  }
  expect([thrown instanceof Error, isOcidslError(thrown)]).toEqual([true, false]);
});
