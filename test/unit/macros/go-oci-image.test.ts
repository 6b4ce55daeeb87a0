import { describe, expect, test } from 'vitest';
import { goBinary, ociImage, pkgTar, select } from '../../../lib/index.ts';
import { ImageInfo, IndexInfo, LoadInfo } from '../../../lib/rules/providers.ts';
import { PushInfo } from '../../../lib/rules/push-info.ts';
import { labelOf } from '../../../lib/graph/handle.ts';
import type { Workspace } from '../../../lib/graph/workspace.ts';
import { formatPlatform } from '../../../lib/oci/platform.ts';
import { goOciImage, type GoOciImageAttributes, type GoOciImageTargets } from '../../../macros/index.ts';
import { declare, declareIn, problemsOf, targetOf } from '../graph/rig.ts';
import { actionOf, analysisIn, provided } from '../plan/rig.ts';

type Call = Partial<Omit<GoOciImageAttributes, 'name'>>;

const hello = (call: Call = {}) =>
  goOciImage({ name: 'hello', srcs: [goBinary({ name: 'hello_bin', package: './apps/hello' })], entrypoint: ['/hello_bin'], ...call });
const listed = (workspace: Workspace) => [...workspace.targets.values()].map(({ label, rule }) => `${label} ${rule.name}`);
const attributesOf = (workspace: Workspace, label: string) => targetOf(workspace, label).attributes;

describe('goOciImage', () => {
  test('declares the documented targets in the documented order', () => {
    expect(listed(declare(() => hello({ repository: 'r.example/hello' })))).toEqual([
      'hello_bin goBinary',
      'hello ociImage',
      'hello_pkg pkgTar',
      'hello_amd64 multiArch',
      'hello_arm64 multiArch',
      'hello_index ociImageIndex',
      'hello_load ociLoad',
      'hello_push ociPush',
    ]);
  });

  test('declares no push without a repository, wherever it is given', () => {
    expect(listed(declare(() => hello()))).not.toContain('hello_push ociPush');
    expect(listed(declare(() => hello({ push: { repository: 'r.example/hello' } })))).toContain('hello_push ociPush');
  });

  test('marks what it declares as made by it, but not what its caller did', () => {
    const workspace = declare(() => hello());
    const macrosOf = (label: string) => targetOf(workspace, label).macros.map(({ macro, name }) => `${macro} ${name}`);
    expect([macrosOf('hello'), macrosOf('hello_load'), macrosOf('hello_bin')]).toEqual([['goOciImage hello'], ['goOciImage hello'], []]);
  });

  test('returns the handles of all of them', () => {
    let targets: GoOciImageTargets | undefined;
    declare(() => (targets = hello({ repository: 'r.example/hello' })));
    const { image, pkg, platforms, index, load, push } = targets!;
    expect([image, pkg, ...platforms, index, load, push!].map((handle) => labelOf(handle))).toEqual([
      'hello',
      'hello_pkg',
      'hello_amd64',
      'hello_arm64',
      'hello_index',
      'hello_load',
      'hello_push',
    ]);
    declare(() => (targets = hello()));
    expect(targets!.push).toBeUndefined();
  });

  test.each<[readonly string[], string[]]>([
    [['linux/amd64'], ['hello_amd64']],
    [
      ['linux/arm64/v8', 'linux/arm/v7', 'linux/amd64/v3'],
      ['hello_arm64', 'hello_arm_v7', 'hello_amd64_v3'],
    ],
    [
      ['linux/arm', 'windows/amd64', 'linux/riscv64'],
      ['hello_arm', 'hello_windows_amd64', 'hello_riscv64'],
    ],
  ])('for %j makes %j', (platforms, labels) => {
    const workspace = declare(() => hello({ platforms: platforms as NonNullable<Call['platforms']> }));
    expect([...workspace.targets.values()].filter(({ rule }) => rule.name === 'multiArch').map(({ label }) => label)).toEqual(labels);
    const index = provided(analysisIn(workspace), 'hello_index', IndexInfo);
    expect(index.images.map((image) => formatPlatform(image.platform))).toEqual(platforms);
  });

  test('from scratch, each image and everything in it is for its own platform', () => {
    const analysis = analysisIn(declare(() => hello()));
    for (const image of provided(analysis, 'hello_index', IndexInfo).images) {
      expect(actionOf(image.layers[0]!.blob).platform).toBe(formatPlatform(image.platform));
    }
    expect(formatPlatform(provided(analysis, 'hello', ImageInfo, 'linux/arm64').platform)).toBe('linux/arm64');
    expect(() => provided(analysis, 'hello', ImageInfo, 'linux/s390x')).toThrow('the select has the cases linux/amd64, linux/arm64');
  });

  test('on a base, takes the platform from it', () => {
    const workspace = declare(() => hello({ base: 'oci:images/base' }));
    expect(attributesOf(workspace, 'hello')).toMatchObject({ base: { $layout: { directory: 'images/base' } } });
    for (const name of ['os', 'architecture', 'variant']) expect(attributesOf(workspace, 'hello')).not.toHaveProperty(name);
    const below = declare(() =>
      hello({ base: ociImage({ name: 'base', os: 'linux', architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }) }) }),
    );
    expect(provided(analysisIn(below), 'hello_index', IndexInfo).images.map((image) => formatPlatform(image.platform))).toEqual([
      'linux/amd64',
      'linux/arm64',
    ]);
  });

  test('passes its own attributes on', () => {
    const workspace = declare(() =>
      hello({ cmd: ['serve'], env: { A: '1' }, user: '65532', repoTags: ['x:1'], repository: 'r.example/hello', remoteTags: ['v1'] }),
    );
    expect(attributesOf(workspace, 'hello')).toMatchObject({
      entrypoint: ['/hello_bin'],
      cmd: ['serve'],
      env: [['A', '1']],
      user: '65532',
      tars: [{ $target: 'hello_pkg' }],
    });
    expect(attributesOf(workspace, 'hello_pkg')).toEqual({ srcs: [{ $target: 'hello_bin' }] });
    expect(attributesOf(workspace, 'hello_load')).toEqual({ image: { $target: 'hello' }, repoTags: ['x:1'] });
    expect(attributesOf(workspace, 'hello_push')).toEqual({
      image: { $target: 'hello_index' },
      repository: 'r.example/hello',
      remoteTags: ['v1'],
    });
  });

  test.each([
    [{ push: { repositories: ['r.example/a', 'r.example/b'] } }, { repositories: ['r.example/a', 'r.example/b'] }],
    [{ push: { repositoryFile: 'where.txt' } }, { repositoryFile: { $file: 'where.txt' } }],
    [{ push: { repository: 'r.example/a' }, repository: 'r.example/b' }, { repository: 'r.example/a' }],
    [
      { repository: 'r.example/a', remoteTags: [() => 'x'] },
      { repository: 'r.example/a', remoteTags: [{ $function: true }] },
    ],
  ])('pushes where %j says', (given, expected) => {
    expect(
      attributesOf(
        declare(() => hello(given)),
        'hello_push',
      ),
    ).toEqual({ image: { $target: 'hello_index' }, ...expected });
  });

  test('has the defaults that it documents', () => {
    const workspace = declare(() => hello({ repository: 'r.example/hello' }));
    expect(attributesOf(workspace, 'hello_load')['repoTags']).toEqual(['hello:latest']);
    expect(provided(analysisIn(workspace), 'hello_push', PushInfo).remoteTags).toEqual(['latest']);
    expect(provided(analysisIn(workspace), 'hello_load', LoadInfo).repoTags).toEqual(['hello:latest']);
  });

  test('passes every attribute of the rules behind it through, so that nothing cannot be injected later', () => {
    const image = {
      keepCmd: true,
      workdir: '/app',
      exposedPorts: ['8080'],
      volumes: ['/data'],
      labels: { a: 'b' },
      annotations: { c: 'd' },
      stopSignal: 'SIGINT',
      created: '2024-05-01T12:00:00Z',
      author: 'me',
      compression: 'none',
      checkEntrypoint: false,
      user: '1',
    } as const;
    const pkg = { packageDir: '/opt', mode: '0755', owner: '1.1', stripPrefix: '.', extension: 'tgz', emptyDirs: ['/var'] } as const;
    const workspace = declare(() =>
      hello({ image, pkg, index: { annotations: { e: 'f' } }, push: { remoteTags: ['v2'] }, repository: 'r.example/hello' }),
    );
    expect(attributesOf(workspace, 'hello')).toMatchObject({
      ...image,
      labels: [['a', 'b']],
      annotations: [['c', 'd']],
      entrypoint: ['/hello_bin'],
    });
    expect(attributesOf(workspace, 'hello_pkg')).toMatchObject(pkg);
    expect(attributesOf(workspace, 'hello_index')).toMatchObject({ annotations: [['e', 'f']] });
    expect(attributesOf(workspace, 'hello_push')).toMatchObject({ remoteTags: ['v2'] });
  });

  test('keeps further layers below its own', () => {
    const workspace = declare(() => hello({ image: { tars: [pkgTar({ name: 'more' }), 'rootfs.tar'] } }));
    expect(attributesOf(workspace, 'hello')['tars']).toEqual([{ $target: 'more' }, { $file: 'rootfs.tar' }, { $target: 'hello_pkg' }]);
    expect(() => declare(() => hello({ image: { tars: select({ default: [] }) } }))).toThrow(
      'Cannot combine image.tars of goOciImage with its own layer',
    );
  });

  test('works in any package', () => {
    const workspace = declareIn('apps/hello', () => goOciImage({ name: 'image', srcs: [':bin'] }));
    expect(workspace.problems).toEqual([]);
    expect(attributesOf(workspace, 'apps/hello:image')['tars']).toEqual([{ $target: 'apps/hello:image_pkg' }]);
  });

  test('reports problems with attributes of the rules behind it', () => {
    expect(problemsOf(() => hello({ image: { workdir: 'relative' }, repository: 'r.example/x:tag' }))).toMatchObject([
      expect.stringContaining('attribute "workdir" of ociImage "hello"') as string,
      expect.stringContaining('attribute "repository" of ociPush "hello_push"') as string,
    ]);
  });
});
