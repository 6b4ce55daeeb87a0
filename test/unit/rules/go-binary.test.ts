import { describe, expect, test } from 'vitest';
import type { GoBuildSpec } from '../../../lib/go/go-build-spec.ts';
import { goBinary, type GoBinaryAttributes } from '../../../lib/rules/go-binary.ts';
import { BinaryInfo, FilesInfo } from '../../../lib/rules/providers.ts';
import { declareIn } from '../graph/rig.ts';
import { actionOf, analysisIn, analysisOf, found, inputsOf, provided, specOf } from '../plan/rig.ts';
import { problemsWith } from './rig.ts';

type Call = Omit<GoBinaryAttributes, 'name' | 'package'> & { readonly package?: string };

const FACTS = {
  importPath: 'example.com/m/cmd',
  goVersion: 'go1.26.8',
  modules: ['github.com/x/y@v1.0.0 h1:abc='],
  fingerprints: {},
  local: { goBinary: '/usr/bin/go' },
};
const FOUND = found({ 'example.com/m@/main.go': 'm/main.go', 'example.com/m@/go.mod': 'm/go.mod' }, FACTS);

const infoOf = (call: Call = {}, platform?: string) =>
  provided(
    analysisOf(() => goBinary({ name: 'b', package: './cmd', ...call })),
    'b',
    BinaryInfo,
    platform,
  );
const actionFor = (call?: Call, platform?: string) => actionOf(infoOf(call, platform).executable);
const specFor = (call?: Call, platform?: string) => specOf<GoBuildSpec>(actionFor(call, platform).describe([FOUND]), 'go-build.json');

describe('goBinary', () => {
  test('has a spec with what decides the bytes, and nothing of this machine', () => {
    expect(specFor()).toEqual({
      package: 'example.com/m/cmd',
      goVersion: 'go1.26.8',
      environment: { GOOS: 'linux', GOARCH: 'amd64', GOAMD64: 'v1', CGO_ENABLED: '0' },
      tags: [],
      ldflags: [],
      gcflags: [],
      xDefs: {},
      buildmode: 'exe',
      race: false,
      strip: true,
      output: 'b',
    });
  });

  test('has the files that were found as inputs, modules of the cache by their sums, and paths of the machine beside the key', () => {
    const description = actionFor().describe([FOUND]);
    expect(inputsOf(description)).toEqual([
      'go-build.json = bytes',
      'go-modules.txt = bytes',
      'src/example.com/m@/go.mod = m/go.mod',
      'src/example.com/m@/main.go = m/main.go',
    ]);
    expect(description).toMatchObject({
      kind: 'tool',
      tool: { name: 'go-build' },
      args: ['go-build.json'],
      local: { goBinary: '/usr/bin/go' },
    });
    const modules = description.inputs.find(({ path }) => path === 'go-modules.txt')!.content;
    expect(modules.kind === 'bytes' ? Buffer.from(modules.bytes).toString() : '').toBe('github.com/x/y@v1.0.0 h1:abc=\n');
  });

  test('takes no executable bit of a source file into the key', () => {
    for (const input of actionFor()
      .describe([FOUND])
      .inputs.filter(({ path }) => path.startsWith('src/')))
      expect(input.isExecutable).toBe(false);
  });

  test.each<[string, GoBuildSpec['environment']]>([
    ['linux/amd64/v3', { GOOS: 'linux', GOARCH: 'amd64', GOAMD64: 'v3' }],
    ['linux/arm/v6', { GOOS: 'linux', GOARCH: 'arm', GOARM: '6' }],
    ['linux/arm/v7', { GOOS: 'linux', GOARCH: 'arm', GOARM: '7' }],
    ['linux/arm64', { GOOS: 'linux', GOARCH: 'arm64' }],
    ['windows/amd64', { GOOS: 'windows', GOARCH: 'amd64' }],
  ])('for %s sets %j', (platform, environment) => expect(specFor({}, platform).environment).toMatchObject(environment));

  test.each<[Call, Partial<GoBuildSpec>]>([
    [{ tags: ['a', 'b'] }, { tags: ['a', 'b'] }],
    [{ ldflags: ['-X', 'main.a=b'] }, { ldflags: ['-X', 'main.a=b'] }],
    [{ gcflags: ['all=-N', '-l'] }, { gcflags: ['all=-N', '-l'] }],
    [{ xDefs: { Version: '1', 'm/p.Name': 'x y' } }, { xDefs: { Version: '1', 'm/p.Name': 'x y' } }],
    [{ buildmode: 'pie' }, { buildmode: 'pie' }],
    [{ strip: false }, { strip: false }],
    [{ out: 'server' }, { output: 'server' }],
    [
      { cgo: true, race: true },
      { race: true, environment: { GOOS: 'linux', GOARCH: 'amd64', CGO_ENABLED: '1' } },
    ],
    [{ pure: false }, { environment: { GOOS: 'linux', GOARCH: 'amd64', CGO_ENABLED: '1' } }],
    [{ pure: true }, { environment: { GOOS: 'linux', GOARCH: 'amd64', CGO_ENABLED: '0' } }],
    [{ env: { GOEXPERIMENT: 'x' } }, { environment: { GOOS: 'linux', GOARCH: 'amd64', CGO_ENABLED: '0', GOEXPERIMENT: 'x' } }],
  ])('%j is in the spec', (call, spec) => expect(specFor(call)).toMatchObject(spec));

  test('asks for the package in the folder of its module, with what changes the files', () => {
    const workspace = declareIn('apps/x', () => {
      goBinary({ name: 'here', package: './cmd' });
      goBinary({ name: 'above', package: './cmd', module: '..', tags: ['t'], race: true, cgo: true });
    });
    const discoveries = (label: string) => actionOf(provided(analysisIn(workspace), label, BinaryInfo).executable).discoveries;
    const environment = { GOOS: 'linux', GOARCH: 'amd64', GOAMD64: 'v1', CGO_ENABLED: '0' };
    expect(discoveries('apps/x:here')).toEqual([
      { discoverer: 'go-packages', args: { module: 'apps/x', package: './cmd', tags: [], environment, race: false } },
    ]);
    expect(discoveries('apps/x:above')).toEqual([
      {
        discoverer: 'go-packages',
        args: { module: 'apps', package: './cmd', tags: ['t'], environment: { ...environment, CGO_ENABLED: '1' }, race: true },
      },
    ]);
  });

  test('is an executable file, with .exe on Windows unless a name is given', () => {
    const analysis = analysisOf(() => goBinary({ name: 'b', package: './' }));
    expect(provided(analysis, 'b', FilesInfo).files).toMatchObject([{ path: 'b', isExecutable: true }]);
    expect(provided(analysis, 'b', FilesInfo, 'windows/amd64').files).toMatchObject([{ path: 'b.exe' }]);
    expect(infoOf({ out: 'tool' }, 'windows/amd64').fileName).toBe('tool');
  });

  test('says what it compiles and for what', () => expect(actionFor({}, 'linux/arm/v7').message).toBe('Compiling ./cmd for linux/arm/v7'));

  test.each<[object, string]>([
    [{ package: '' }, 'it is empty'],
    [{ package: './...' }, 'it is a pattern'],
    [{ package: '/abs' }, 'it is absolute'],
    [{ package: '-o' }, 'it begins with a dash'],
    [{ module: '/abs' }, 'it is absolute'],
    [{ out: 'a/b' }, 'it is not a plain file name'],
    [{ out: '..' }, 'it is not a plain file name'],
    [{ tags: ['a b'] }, 'is not a build tag'],
    [{ ldflags: [''] }, 'an argument is empty'],
    [{ ldflags: ['all=-s'] }, 'has a package pattern'],
    [{ gcflags: ['-N', 'all=-l'] }, 'has a package pattern'],
    [{ xDefs: { 'a b': '1' } }, 'names no variable'],
    [{ xDefs: { A: '\' " x' } }, 'attribute "xDefs.A"'],
    [{ env: { GOOS: 'linux' } }, 'it is part of the platform'],
    [{ env: { GOWORK: '/x' } }, 'GOWORK may only be "off"'],
    [{ cgo: true, pure: true }, 'attribute "pure" of goBinary "t": it is true while cgo is true'],
    [{ race: true }, 'attribute "race" of goBinary "t": it is true while cgo is off'],
    [{ buildmode: 'shared' }, 'one of "exe"'],
    [{ goos: 'linux' }, 'the rule has no such attribute'],
  ])('refuses %j', (attributes, is) => expect(problemsWith(goBinary, { package: './', ...attributes })[0]).toContain(is));
});
