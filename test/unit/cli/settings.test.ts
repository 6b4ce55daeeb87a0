import { NO_NETWORK } from '../no-network.ts';
import { describe, expect, test } from 'vitest';
import { OcidslError, type ErrorKind } from '../../../lib/base/errors.ts';
import { exitCodeOf } from '../../../lib/cli/exit-codes.ts';
import { readSettings, type GlobalOptions, type Settings } from '../../../lib/cli/settings.ts';
import { loadDiscoverer } from '../../../lib/cli/tools.ts';
import type { SnapshotVersion } from '../../../lib/engine/snapshot-layout.ts';
import { snapshotVersion } from '../../../lib/cli/snapshot-version.ts';
import { formatPlatform, hostPlatform } from '../../../lib/oci/platform.ts';

type Environment = Readonly<Record<string, string | undefined>>;
const HOME = { HOME: '/home/me' };
const read = (options: GlobalOptions = {}, environment: Environment = HOME) => readSettings(options, environment, '/w/sub');

describe('readSettings()', () => {
  test('has defaults', () => {
    expect(read()).toEqual({
      cwd: '/w/sub',
      root: undefined,
      cacheDirectory: '/home/me/.cache/ocidsl',
      outputDirectory: 'ocidsl-out',
      platform: hostPlatform(process.arch),
      isPlatformGiven: false,
      jobs: undefined,
      keepGoing: false,
      failFast: false,
      sandbox: 'prefer',
      configLoader: 'bundle',
      quiet: false,
      json: false,
      debug: false,
      withBaseLayers: false,
      sourceDate: undefined,
      environment: HOME,
    });
    expect(read().platform.os).toBe('linux');
  });

  test.each<[GlobalOptions, Environment, Partial<Settings>]>([
    [{ root: '..' }, HOME, { root: '/w' }],
    [{ outputDir: 'out' }, HOME, { outputDirectory: '/w/sub/out' }],
    [{ cacheDir: 'c' }, { OCIDSL_CACHE_DIR: '/env' }, { cacheDirectory: '/w/sub/c' }],
    [{}, { ...HOME, OCIDSL_CACHE_DIR: 'env', XDG_CACHE_HOME: '/xdg' }, { cacheDirectory: '/w/sub/env' }],
    [{}, { ...HOME, OCIDSL_CACHE_DIR: '', XDG_CACHE_HOME: '/xdg' }, { cacheDirectory: '/xdg/ocidsl' }],
    [{}, { ...HOME, XDG_CACHE_HOME: 'relative' }, { cacheDirectory: '/home/me/.cache/ocidsl' }],
    [{}, { ...HOME, XDG_CACHE_HOME: '' }, { cacheDirectory: '/home/me/.cache/ocidsl' }],
    [{ jobs: '1' }, HOME, { jobs: 1 }],
    [{ jobs: '1024' }, HOME, { jobs: 1024 }],
    [
      { keepGoing: true, failFast: true, quiet: true, json: true, debug: true },
      HOME,
      { keepGoing: true, failFast: true, quiet: true, json: true, debug: true },
    ],
    [{ sandbox: 'require' }, { OCIDSL_SANDBOX: 'off' }, { sandbox: 'require' }],
    [{}, { OCIDSL_SANDBOX: 'off' }, { sandbox: 'off' }],
    [{ configLoader: 'tsx' }, HOME, { configLoader: 'tsx' }],
    [{}, { SOURCE_DATE_EPOCH: '0' }, { sourceDate: '1970-01-01T00:00:00Z' }],
    [{}, { SOURCE_DATE_EPOCH: '1714564800' }, { sourceDate: '2024-05-01T12:00:00Z' }],
    [{}, { SOURCE_DATE_EPOCH: '' }, { sourceDate: undefined }],
  ])('%j with %j', (options, environment, settings) => expect(read(options, environment)).toMatchObject(settings));

  test('takes a platform', () => {
    const { platform, isPlatformGiven } = read({ platform: 'linux/arm/v7' });
    expect([formatPlatform(platform), isPlatformGiven]).toEqual(['linux/arm/v7', true]);
  });

  test.each<[GlobalOptions, Environment, string]>([
    [{ platform: 'linux' }, HOME, 'Cannot use --platform "linux": it is not a known platform'],
    [{ jobs: '0' }, HOME, 'Cannot use --jobs "0"'],
    [{ jobs: '1025' }, HOME, 'Cannot use --jobs "1025"'],
    [{ jobs: 'two' }, HOME, 'Cannot use --jobs "two"'],
    [{ jobs: '1.5' }, HOME, 'Cannot use --jobs "1.5"'],
    [{ jobs: '' }, HOME, 'Cannot use --jobs ""'],
    [{ sandbox: 'yes' }, HOME, 'Cannot use --sandbox "yes": expected prefer, require, off'],
    [{}, { OCIDSL_SANDBOX: 'yes' }, '"yes": expected prefer, require, off'],
    [{ configLoader: 'jiti' }, HOME, 'Cannot use --config-loader "jiti": expected bundle, tsx'],
    [{}, { SOURCE_DATE_EPOCH: 'now' }, 'Cannot use SOURCE_DATE_EPOCH "now": expected whole seconds since 1970'],
    [{}, { SOURCE_DATE_EPOCH: '-1' }, 'Cannot use SOURCE_DATE_EPOCH "-1"'],
    [{}, { SOURCE_DATE_EPOCH: '999999999999' }, 'Cannot use SOURCE_DATE_EPOCH "999999999999"'],
  ])('refuses %j with %j', (options, environment, message) => {
    expect(() => read(options, environment)).toThrow(
      expect.objectContaining({ code: 'OCIDSL_USAGE', kind: 'config', message: expect.stringContaining(message) as string }) as Error,
    );
  });
});

test.each<[ErrorKind, number]>([
  ['build', 1],
  ['config', 2],
  ['network', 3],
  ['credentials', 4],
  ['integrity', 5],
  ['environment', 6],
  ['interrupted', 130],
])('a failure of kind %s exits with %i', (kind, code) =>
  expect(exitCodeOf(new OcidslError({ code: 'OCIDSL_TEST', message: 'x', kind }))).toBe(code),
);

test('a bug exits with 1', () => {
  expect(exitCodeOf(new Error('x'))).toBe(1);
  expect(exitCodeOf('text')).toBe(1);
});

describe('snapshotVersion()', () => {
  const version = (options: GlobalOptions = {}, environment: Environment = HOME, root = '/w') =>
    snapshotVersion(read(options, environment), root);

  test('is another identity for another workspace', () => {
    expect(version({}, HOME, '/v').identity).not.toBe(version().identity);
    expect(version({}, HOME, '/v').settings).toBe(version().settings);
  });

  test.each<[string, SnapshotVersion]>([
    ['another output directory', version({ outputDir: '/out' })],
    ['another source date', version({}, { ...HOME, SOURCE_DATE_EPOCH: '1' })],
  ])('has other settings, and the same identity, for %s', (_, other) => {
    expect(other.settings).not.toBe(version().settings);
    expect(other.identity).toBe(version().identity);
  });

  test('does not differ for what does not decide results', () => {
    expect(version({ jobs: '3', quiet: true, json: true, keepGoing: true, platform: 'linux/arm64' })).toEqual(version());
    expect(version({}, { ...HOME, EDITOR: 'vi' })).toEqual(version());
  });

  test('differs for every variable that a discoverer reads', async () => {
    const discoverers = await Promise.all(
      ['paths', 'glob', 'host-program', 'oci-layout', 'go-packages'].map((name) => loadDiscoverer(name, NO_NETWORK)),
    );
    const variables = new Set(discoverers.flatMap(({ environment }) => environment));
    expect(variables.size).toBeGreaterThan(0);
    for (const variable of variables)
      expect(version({}, { ...HOME, [variable]: 'changed' }).settings, variable).not.toBe(version().settings);
  });
});
