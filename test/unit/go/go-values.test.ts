import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { decodeGoBuildSpec } from '../../../lib/go/decode-go-build-spec.ts';
import {
  goEnvironmentProblem,
  goFlagsProblem,
  goPackageProblem,
  goTagProblem,
  quoteGoFlag,
  xDefProblem,
} from '../../../lib/go/go-attributes.ts';
import { goBuildArguments, goEnvironment } from '../../../lib/go/go-build-arguments.ts';
import { encodeGoBuildSpec, type GoBuildSpec } from '../../../lib/go/go-build-spec.ts';
import { readGoLocal, type GoLocal } from '../../../lib/go/go-local.ts';
import { goPlatform } from '../../../lib/go/go-platform.ts';
import { PLATFORMS } from '../../../lib/oci/platform-string.ts';

const SPEC: GoBuildSpec = {
  package: 'example.com/m/cmd/hello',
  goVersion: 'go1.26.8',
  environment: { GOOS: 'linux', GOARCH: 'amd64', GOAMD64: 'v1', CGO_ENABLED: '0' },
  tags: [],
  ldflags: [],
  gcflags: [],
  xDefs: {},
  buildmode: 'exe',
  race: false,
  strip: true,
  output: 'hello',
};

const LOCAL: GoLocal = {
  goBinary: '/go/bin/go',
  moduleRoot: '/w/m',
  workspaceRoot: '/w',
  goCache: '/c',
  goModCache: '/mc',
  goPath: '/gp',
  home: '/h',
  temporary: '/tmp',
  path: '/usr/bin:/bin',
};

const hasGo = (() => {
  try {
    execFileSync('go', ['version']);
    return true;
  } catch {
    return false;
  }
})();

describe('goPlatform', () => {
  test.each([
    ['linux', 'amd64', undefined, { GOOS: 'linux', GOARCH: 'amd64', GOAMD64: 'v1' }],
    ['linux', 'amd64', 'v3', { GOOS: 'linux', GOARCH: 'amd64', GOAMD64: 'v3' }],
    ['linux', 'arm', undefined, { GOOS: 'linux', GOARCH: 'arm', GOARM: '7' }],
    ['linux', 'arm', 'v6', { GOOS: 'linux', GOARCH: 'arm', GOARM: '6' }],
    ['linux', 'arm64', undefined, { GOOS: 'linux', GOARCH: 'arm64', GOARM64: 'v8.0' }],
    ['linux', 'arm64', 'v8', { GOOS: 'linux', GOARCH: 'arm64', GOARM64: 'v8.0' }],
    ['linux', 'arm64', 'v9', { GOOS: 'linux', GOARCH: 'arm64', GOARM64: 'v9.0' }],
    ['linux', 'arm64', 'v8.2', { GOOS: 'linux', GOARCH: 'arm64', GOARM64: 'v8.2' }],
    ['linux', 's390x', undefined, { GOOS: 'linux', GOARCH: 's390x' }],
    ['wasip1', 'wasm', undefined, { GOOS: 'wasip1', GOARCH: 'wasm' }],
  ])('%s/%s/%s', (os, architecture, variant, expected) => {
    expect(goPlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) })).toEqual(expected);
  });

  test.each([
    ['linux', 'amd64', 'v5'],
    ['linux', 'arm', 'v8'],
    ['linux', 'arm64', 'v10'],
    ['linux', 'riscv64', 'v1'],
    ['linux', 'sparc64', undefined],
    ['haiku', 'amd64', undefined],
    ['constructor', 'amd64', undefined],
  ])('refuses %s/%s/%s', (os, architecture, variant) => {
    expect(() => goPlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) })).toThrow(
      expect.objectContaining({ code: 'OCIDSL_GO_PLATFORM' }),
    );
  });

  test('knows every platform that a target may name', () => {
    for (const text of PLATFORMS) {
      const [os, architecture, variant] = text.split('/') as [string, string, string?];
      expect(() => goPlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) }), text).not.toThrow();
    }
  });

  test.skipIf(!hasGo)('knows every port of the installed Go (needs go)', () => {
    for (const port of execFileSync('go', ['tool', 'dist', 'list'], { encoding: 'utf8' }).trim().split('\n')) {
      const [os, architecture] = port.split('/') as [string, string];
      expect(() => goPlatform({ os, architecture }), port).not.toThrow();
    }
  });
});

describe('goBuildArguments', () => {
  test('fixes what a build must not take from its machine', () => {
    expect(goBuildArguments(SPEC, '/t/out')).toEqual([
      'build',
      '-trimpath',
      '-buildvcs=false',
      '-buildmode=exe',
      '-ldflags=-buildid= -s -w',
      '-o',
      '/t/out',
      '--',
      'example.com/m/cmd/hello',
    ]);
  });

  test('puts the definitions last, sorted, quoted and qualified', () => {
    const spec: GoBuildSpec = {
      ...SPEC,
      strip: false,
      race: true,
      tags: ['a', 'b'],
      gcflags: ['all=-N', '-l'],
      ldflags: ['-linkmode=internal', '-X main.a=1'],
      xDefs: { version: 'v1 beta', 'example.com/m/build.Commit': 'abc', 'main.quoted': `it's here` },
    };
    expect(goBuildArguments(spec, '/o')).toEqual([
      'build',
      '-trimpath',
      '-buildvcs=false',
      '-buildmode=exe',
      `-ldflags=-buildid= -linkmode=internal -X main.a=1 -X example.com/m/build.Commit=abc -X "main.quoted=it's here" -X 'main.version=v1 beta'`,
      '-gcflags=all=-N -l',
      '-race',
      '-tags=a,b',
      '-o',
      '/o',
      '--',
      'example.com/m/cmd/hello',
    ]);
  });

  test('the environment is closed: settings of the user, proxy and toolchain switching are off', () => {
    const environment = goEnvironment({ ...SPEC.environment, GOEXPERIMENT: 'x' }, LOCAL, '/t');
    expect(environment).toMatchObject({
      GOENV: 'off',
      GOFLAGS: '',
      GOTOOLCHAIN: 'local',
      GOPROXY: 'off',
      TZ: 'UTC',
      LC_ALL: 'C',
      GOEXPERIMENT: 'x',
      GOTMPDIR: '/t',
      PATH: '',
    });
    expect(goEnvironment({ ...SPEC.environment, CGO_ENABLED: '1' }, LOCAL, '/t')['PATH']).toBe('/usr/bin:/bin');
    expect(goEnvironment({ ...SPEC.environment, CGO_ENABLED: '1', PATH: '/opt/cc' }, LOCAL, '/t')['PATH']).toBe('/opt/cc');
  });
});

describe('attributes', () => {
  test.each([
    ['GOOS', 'linux'],
    ['GOARM', '6'],
    ['GOFLAGS', '-mod=mod'],
    ['CGO_ENABLED', '1'],
    ['GOTOOLCHAIN', 'auto'],
    ['GOPROXY', 'direct'],
    ['HOME', '/x'],
    ['GOWORK', '/x/go.work'],
    ['A B', ''],
    ['X', 'a\0b'],
  ])('env: %s=%s is refused', (name, value) => {
    expect(goEnvironmentProblem(name, value)).toBeTypeOf('string');
  });

  test.each([
    ['GOEXPERIMENT', 'jsonv2'],
    ['CC', 'clang'],
    ['PATH', '/usr/bin'],
    ['GOWORK', 'off'],
    ['GOMIPS', 'softfloat'],
    ['CGO_CFLAGS', '-O2'],
  ])('env: %s=%s passes', (name, value) => {
    expect(goEnvironmentProblem(name, value)).toBeUndefined();
  });

  test('packages', () => {
    for (const good of ['./', '.', './cmd/hello', '../other/cmd', 'example.com/m/cmd', 'cmd/go'])
      expect(goPackageProblem(good), good).toBeUndefined();
    for (const bad of ['', './...', 'x@v1', '-o', '/abs', 'main.go', './main.go', 'a b', 'all', 'std', 'a\\b'])
      expect(goPackageProblem(bad), bad).toBeTypeOf('string');
  });

  test('tags', () => {
    for (const good of ['netgo', 'go1.22', 'a_b', 'é']) expect(goTagProblem(good)).toBeUndefined();
    for (const bad of ['', 'a,b', '!a', 'a b', '-x']) expect(goTagProblem(bad)).toBeTypeOf('string');
  });

  test('flags', () => {
    expect(goFlagsProblem('ldflags', ['-s -w', `-X 'main.a=b c'`, '-extldflags=-static'])).toBeUndefined();
    expect(goFlagsProblem('gcflags', ['all=-N -l'])).toBeUndefined();
    expect(goFlagsProblem('gcflags', ['-N', 'all=-l'])).toContain('pattern');
    expect(goFlagsProblem('ldflags', ['all=-s'])).toContain('pattern');
    expect(goFlagsProblem('ldflags', [`-X 'main.a=b`])).toContain('quote');
    expect(goFlagsProblem('ldflags', [`-X main.a=it's`])).toBeUndefined();
    expect(goFlagsProblem('ldflags', [''])).toContain('empty');
  });

  test('definitions', () => {
    for (const good of ['version', 'main.Version', 'example.com/m/internal/build.Commit', 'main.größe'])
      expect(xDefProblem(good, 'x'), good).toBeUndefined();
    for (const bad of ['', 'main.', 'a b.C', 'main.1x', 'main.a=b', 'example.com/m'])
      expect(xDefProblem(bad, 'x'), bad).toBeTypeOf('string');
    expect(xDefProblem('main.A', `it's "quoted"`)).toContain('quotes');
    expect(xDefProblem('main.A', `it's"quoted`)).toBeUndefined();
    expect(quoteGoFlag('')).toBe(`''`);
  });
});

describe('GoBuildSpec', () => {
  test('comes back as it was, whatever the order of its keys', () => {
    const reversed = Object.fromEntries(Object.entries(SPEC).reverse()) as unknown as GoBuildSpec;
    expect(encodeGoBuildSpec(reversed)).toEqual(encodeGoBuildSpec(SPEC));
    expect(decodeGoBuildSpec(encodeGoBuildSpec(SPEC))).toEqual(SPEC);
  });

  test.each([
    [{ ...SPEC, extra: 1 }, 'extra'],
    [{ ...SPEC, race: 'yes' }, 'race'],
    [{ ...SPEC, buildmode: 'shared' }, 'buildmode'],
    [{ ...SPEC, environment: { A: 1 } }, 'environment'],
    [{ ...SPEC, tags: [''] }, 'tags'],
    [{ ...SPEC, package: undefined }, 'package'],
    [[], 'object'],
  ])('refuses a wrong one (%#)', (value, name) => {
    expect(() => decodeGoBuildSpec(Buffer.from(JSON.stringify(value)))).toThrow(name);
  });

  test('refuses what is no JSON', () => {
    expect(() => decodeGoBuildSpec(Buffer.from([0xff]))).toThrow(expect.objectContaining({ code: 'OCIDSL_GO_SPEC' }));
  });

  test('local facts must be complete', () => {
    expect(readGoLocal(LOCAL)).toEqual(LOCAL);
    const { home: _, ...rest } = LOCAL;
    expect(readGoLocal(rest)).toBeUndefined();
    expect(readGoLocal(undefined)).toBeUndefined();
  });
});
