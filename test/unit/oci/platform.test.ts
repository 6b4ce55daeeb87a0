import { describe, expect, it } from 'vitest';
import {
  formatPlatform,
  hostPlatform,
  isPlatformString,
  normalizePlatform,
  parsePlatform,
  platformDistance,
  platformRunsOn,
  platformsMatch,
  type Platform,
  platformFromText,
} from '../../../lib/oci/platform.ts';
import { PLATFORMS, type PlatformString } from '../../../lib/oci/platform-string.ts';
import { missingPlatformError, selectPlatform } from '../../../lib/oci/select-manifest.ts';

describe('parsePlatform()', () => {
  it.each(PLATFORMS)('reads %s and formatPlatform() writes it again', (text) => {
    expect(formatPlatform(parsePlatform(text))).toBe(text);
  });

  it('takes the parts apart', () => {
    expect(parsePlatform('linux/arm64/v8')).toEqual({ os: 'linux', architecture: 'arm64', variant: 'v8' });
    expect(parsePlatform('linux/amd64')).toEqual({ os: 'linux', architecture: 'amd64' });
  });

  it.each<[string, PlatformString]>([
    ['linux/x86_64', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux_amd64', 'linux/amd64'],
    ['linux-arm64', 'linux/arm64'],
    ['linux_arm64_v8', 'linux/arm64/v8'],
    ['amd64', 'linux/amd64'],
    ['arm64/linux', 'linux/arm64'],
    ['Linux/AMD64', 'linux/amd64'],
    ['macos/arm64', 'darwin/arm64'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/i386', 'linux/386'],
    ['linux/ppc64el', 'linux/ppc64le'],
    ['linux/s390x/v1', 'linux/s390x'],
    ['linux/amd64/v9', 'linux/amd64'],
  ])('suggests for %s', (text, suggestion) => {
    expect(isPlatformString(text)).toBe(false);
    expect(() => parsePlatform(text)).toThrowError(
      expect.objectContaining({ code: 'OCIDSL_PLATFORM_SYNTAX', hint: `Did you mean "${suggestion}"?` }) as Error,
    );
  });

  it.each(['', 'linux', 'linux/', '/amd64', 'linux/amd64/', 'linux//amd64', 'linux/amd64/v3/x', '__proto__', 'beos/hppa'])(
    'refuses %j with the list',
    (text) => {
      expect(() => parsePlatform(text)).toThrowError(expect.objectContaining({ code: 'OCIDSL_PLATFORM_SYNTAX' }) as Error);
    },
  );
});

const platform = (text: string): Platform => {
  const [os, architecture, variant] = text.split('/') as [string, string, string?];
  return { os, architecture, ...(variant !== undefined && { variant }) };
};

describe('platformsMatch()', () => {
  it.each([
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm', 'linux/arm/v7', true],
    ['linux/arm/7', 'linux/arm/v7', true],
    ['linux/amd64', 'linux/amd64/v1', true],
    ['linux/arm/v6', 'linux/arm/v7', false],
    ['linux/amd64/v3', 'linux/amd64', false],
    ['linux/arm64/v9', 'linux/arm64', false],
    ['linux/amd64', 'windows/amd64', false],
    ['linux/386', 'linux/amd64', false],
  ])('%s and %s: %s, both ways', (a, b, expected) => {
    expect(platformsMatch(platform(a), platform(b))).toBe(expected);
    expect(platformsMatch(platform(b), platform(a))).toBe(expected);
  });

  it('looks at the version and features of the OS where they are asked for', () => {
    const windows = { os: 'windows', architecture: 'amd64', osVersion: '10.0.20348.1', osFeatures: ['win32k'] };
    expect(platformsMatch(platform('windows/amd64'), windows)).toBe(true);
    expect(platformsMatch({ ...platform('windows/amd64'), osVersion: '10.0.17763.1' }, windows)).toBe(false);
    expect(platformsMatch({ ...platform('windows/amd64'), osFeatures: ['win32k'] }, windows)).toBe(true);
    expect(platformsMatch({ ...platform('windows/amd64'), osFeatures: ['other'] }, windows)).toBe(false);
  });
});

it('normalizePlatform() has one spelling for each platform', () => {
  expect(
    ['linux/arm64/v8', 'linux/arm', 'linux/amd64/v1', 'linux/amd64/v3', 'linux/s390x'].map((text) =>
      formatPlatform(normalizePlatform(platform(text))),
    ),
  ).toEqual(['linux/arm64', 'linux/arm/v7', 'linux/amd64', 'linux/amd64/v3', 'linux/s390x']);
});

describe('platformRunsOn()', () => {
  it.each([
    ['linux/amd64', 'linux/amd64/v3', true],
    ['linux/amd64/v3', 'linux/amd64', false],
    ['linux/arm/v6', 'linux/arm/v7', true],
    ['linux/arm/v7', 'linux/arm/v6', false],
    ['linux/arm64', 'linux/arm64/v9', true],
    ['linux/arm/v7', 'linux/arm64', false],
    ['linux/ppc64le/power8', 'linux/ppc64le/power9', false],
    ['linux/ppc64le/power8', 'linux/ppc64le/power8', true],
    ['linux/amd64/weird', 'linux/amd64/v3', false],
  ])('%s on %s: %s', (have, wanted, expected) => {
    expect(platformRunsOn(platform(have), platform(wanted))).toBe(expected);
  });

  it('prefers the nearest variant', () => {
    const distance = (have: string) => platformDistance(platform(have), platform('linux/amd64/v3'));
    expect(distance('linux/amd64/v3')).toBe(0);
    expect(distance('linux/amd64/v2')!).toBeLessThan(distance('linux/amd64')!);
  });
});

describe('selectPlatform()', () => {
  const select = (wanted: string, ...have: string[]) =>
    selectPlatform(
      have.map((text, i) => ({ text, i })),
      ({ text }) => platform(text),
      platform(wanted),
    );

  it('takes the exact variant before an older one, whatever the order', () => {
    expect(select('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3')?.text).toBe('linux/amd64/v3');
    expect(select('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v4')?.text).toBe('linux/amd64');
  });
  it('takes the first of equal ones', () => {
    expect(select('linux/arm64', 'linux/amd64', 'linux/arm64/v8', 'linux/arm64')?.i).toBe(1);
  });
  it('finds nothing where nothing runs', () => {
    expect(select('linux/arm64', 'linux/amd64', 'unknown/unknown')).toBeUndefined();
  });
  it('has an error that lists what there is, once each', () => {
    const error = missingPlatformError('index "x"', platform('linux/s390x'), [
      platform('linux/amd64'),
      platform('linux/arm64/v8'),
      platform('linux/amd64'),
    ]);
    expect(error.message).toBe(
      'Cannot find platform "linux/s390x" in index "x": it has linux/amd64, linux/arm64/v8, expected one that runs on linux/s390x',
    );
  });
});

describe('platformFromText()', () => {
  it.each([
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm', variant: 'v6' },
    { os: 'windows', architecture: 'amd64', osVersion: '10.0.20348.2227' },
    { os: 'plan9', architecture: 'vax', variant: 'x' },
  ])('reads what formatPlatform() writes of %o', (platform) => {
    expect(platformFromText(formatPlatform(platform))).toEqual(platform);
  });
  it.each(['', 'linux', 'linux/', '/amd64', 'linux/amd64/', 'a/b/c/d', 'a:/b', 'a:b:c/d'])('knows that %j is none', (text) => {
    expect(platformFromText(text)).toBeUndefined();
  });
});

describe('hostPlatform()', () => {
  it.each([
    ['x64', 'linux/amd64'],
    ['arm64', 'linux/arm64'],
    ['arm', 'linux/arm/v7'],
    ['ia32', 'linux/386'],
    ['ppc64', 'linux/ppc64le'],
    ['riscv64', 'linux/riscv64'],
  ])('%s is %s', (arch, expected) => {
    expect(formatPlatform(hostPlatform(arch))).toBe(expected);
  });
  it('refuses others', () => {
    expect(() => hostPlatform('vax')).toThrow('Cannot find the platform of this machine "vax"');
  });
});
