import { describe, expect, test } from 'vitest';
import type { ImageSpec } from '../../../lib/oci/image-spec.ts';
import { formatPlatform } from '../../../lib/oci/platform.ts';
import { command } from '../../../lib/rules/command.ts';
import { goBinary } from '../../../lib/rules/go-binary.ts';
import { ociImage } from '../../../lib/rules/oci-image.ts';
import { pkgTar } from '../../../lib/rules/pkg-tar.ts';
import { ImageInfo } from '../../../lib/rules/providers.ts';
import { select } from '../../../lib/rules/select.ts';
import type { LayerSpec } from '../../../lib/tar/layer-spec.ts';
import { actionOf, analysisIn, analysisOf, inputsOf, provided, specOf } from '../plan/rig.ts';
import { declareIn } from '../graph/rig.ts';
import { describeIn, folderOf, problemsWith } from './rig.ts';

type Call = Record<string, unknown> | (() => Record<string, unknown>);

/** An image "i" from scratch for linux/amd64 with further attributes. */
const imageOf = (call: Call = {}, platform?: string, sourceDate?: string) =>
  provided(
    analysisOf(
      () => ociImage({ name: 'i', os: 'linux', architecture: 'amd64', ...(typeof call === 'function' ? call() : call) }),
      sourceDate,
    ),
    'i',
    ImageInfo,
    platform,
  );
const specIn = async (root: string, ...args: Parameters<typeof imageOf>) =>
  specOf<ImageSpec>(await describeIn(root, actionOf(imageOf(...args).manifest)));

describe('ociImage from scratch', () => {
  test('says nothing that is not asked for', async () => {
    expect(await specIn('/')).toEqual({ platform: { os: 'linux', architecture: 'amd64' }, layers: [], checkEntrypoint: true });
  });

  test.each<[Call, Partial<ImageSpec>]>([
    [{ entrypoint: ['/a', 'b'] }, { entrypoint: ['/a', 'b'] }],
    [{ entrypoint: [] }, { entrypoint: [] }],
    [
      { cmd: ['x'], keepCmd: true },
      { cmd: ['x'], keepCmd: true },
    ],
    [
      { env: { B: '1', A: '$B' } },
      {
        env: [
          ['B', '1'],
          ['A', '$B'],
        ],
      },
    ],
    [{ user: '65532:65532' }, { user: '65532:65532' }],
    [{ workdir: '/app' }, { workdir: '/app' }],
    [{ exposedPorts: ['8080', '53/udp'] }, { exposedPorts: ['8080', '53/udp'] }],
    [{ volumes: ['/data'] }, { volumes: ['/data'] }],
    [{ labels: { b: '1', a: '2' } }, { labels: { a: '2', b: '1' } }],
    [{ annotations: { 'org.x': 'y' } }, { annotations: { 'org.x': 'y' } }],
    [{ stopSignal: 'SIGINT' }, { stopSignal: 'SIGINT' }],
    [{ created: '2024-05-01T12:00:00Z' }, { created: '2024-05-01T12:00:00Z' }],
    [{ author: 'me' }, { author: 'me' }],
    [{ checkEntrypoint: false }, { checkEntrypoint: false }],
    [{ architecture: 'arm', variant: 'v6' }, { platform: { os: 'linux', architecture: 'arm', variant: 'v6' } }],
    [{ variant: '' }, { platform: { os: 'linux', architecture: 'amd64' } }],
  ])('%j is in the spec', async (call, spec) => expect(await specIn('/', call)).toMatchObject(spec));

  test('takes its time from SOURCE_DATE_EPOCH, unless created says otherwise', async () => {
    expect((await specIn('/', {}, undefined, '2020-01-01T00:00:00Z')).created).toBe('2020-01-01T00:00:00Z');
    expect((await specIn('/', { created: '2024-05-01T12:00:00Z' }, undefined, '2020-01-01T00:00:00Z')).created).toBe(
      '2024-05-01T12:00:00Z',
    );
  });

  test('is for its own platform, and so is what it contains, whatever was asked for', async () => {
    const image = imageOf(() => ({ tars: [pkgTar({ name: 'p', srcs: [goBinary({ name: 'b', package: './' })] })] }), 'linux/arm64');
    expect(formatPlatform(image.platform)).toBe('linux/amd64');
    const layer = actionOf(image.layers[0]!.blob);
    expect(layer.platform).toBe('linux/amd64');
    expect(inputsOf(await describeIn('/', layer))).toEqual([
      'spec.json = bytes',
      'srcs/out/0/0/b = GoBuild of b for linux/amd64: b (executable)',
    ]);
  });

  test('follows the platform with select()', () => {
    const call = { architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }) };
    expect(formatPlatform(imageOf(call, 'linux/arm64').platform)).toBe('linux/arm64');
    expect(() => imageOf(call, 'linux/s390x')).toThrow('Cannot choose a value of attribute "architecture"');
  });

  test('refuses a platform that is none', () => {
    expect(() => imageOf({ architecture: 'amd65' })).toThrow('Cannot make image "i" for "linux/amd65": it is not a known platform');
    expect(() => imageOf({ variant: 'v9' })).toThrow('"linux/amd64/v9"');
  });

  test('holds layers in the order given, compressed as it says', async () => {
    const image = imageOf(() => ({ tars: [pkgTar({ name: 'one' }), pkgTar({ name: 'two' })], compression: 'none' }));
    expect(image.layers.map(({ blob, description }) => [actionOf(blob).label, blob.path, description.path])).toEqual([
      ['one', 'layer.tar', 'layer.json'],
      ['two', 'layer.tar', 'layer.json'],
    ]);
    const description = await describeIn('/', actionOf(image.manifest));
    expect(specOf<ImageSpec>(description).layers).toEqual([{ json: 'layers/0.json' }, { json: 'layers/1.json' }]);
    expect(inputsOf(description)).toEqual([
      'layers/0.json = Layer of one for linux/amd64: layer.json',
      'layers/1.json = Layer of two for linux/amd64: layer.json',
      'spec.json = bytes',
    ]);
    expect(actionOf(image.config)).toBe(actionOf(image.manifest));
  });

  test('reads layer descriptions, never layers: its own action does not depend on blobs', async () => {
    const description = await describeIn('/', actionOf(imageOf(() => ({ tars: [pkgTar({ name: 'one' })] })).manifest));
    for (const { content } of description.inputs) expect(content.kind === 'output' ? content.path : '').not.toMatch(/\.tar/);
  });

  test('repacks tar files without parents, and keeps times and modes of their entries', async () => {
    const image = imageOf({ tars: ['rootfs.tar.gz'] });
    const [layer] = image.layers;
    expect(layer!.blob.path).toBe('layer.tar.gz');
    const description = await describeIn(folderOf({ 'rootfs.tar.gz': '' }), actionOf(layer!.blob));
    expect(inputsOf(description)).toEqual(['archives/0 = rootfs.tar.gz', 'spec.json = bytes']);
    expect(specOf<LayerSpec>(description)).toMatchObject({
      createParents: false,
      archives: [{ input: 'archives/0', origin: 'rootfs.tar.gz' }],
      entries: [],
      compression: { format: 'gzip' },
    });
    expect(() => imageOf({ tars: ['rootfs.zip'] })).toThrow('expected .tar, .tar.gz or .tgz');
  });

  test('takes env, labels and annotations from files, whose names keep their endings', async () => {
    const root = folderOf({ 'a.env': '', 'b.yaml': '', 'notes.json': '' });
    const description = await describeIn(
      root,
      actionOf(
        imageOf(() => ({
          env: ['a.env', command({ name: 'gen', argv: ['true'], outputs: ['x.env'] })],
          labels: 'b.yaml',
          annotations: 'notes.json',
        })).manifest,
      ),
    );
    expect(specOf<ImageSpec>(description)).toMatchObject({
      envFiles: ['values/env/src/a.env', 'values/env/out/0/0/x.env'],
      labelFiles: ['values/labels/src/b.yaml'],
      annotationFiles: ['values/annotations/src/notes.json'],
    });
    expect(inputsOf(description)).toEqual([
      'spec.json = bytes',
      'values/annotations/src/notes.json = notes.json',
      'values/env/out/0/0/x.env = Command of gen for linux/amd64: x.env',
      'values/env/src/a.env = a.env',
      'values/labels/src/b.yaml = b.yaml',
    ]);
  });

  test('builds the files that it takes values from for its own platform', async () => {
    const image = imageOf(() => ({ labels: command({ name: 'gen', argv: ['true'], outputs: ['x.env'] }) }), 'linux/arm64');
    const description = await describeIn('/', actionOf(image.manifest));
    expect(inputsOf(description)).toContain('values/labels/out/0/0/x.env = Command of gen for linux/amd64: x.env');
  });

  test('has no label or name in its spec', async () => {
    expect(JSON.stringify(await specIn('/', { author: 'me' }))).not.toMatch(/"i"/);
  });
});

describe('ociImage on a base', () => {
  const onBase = (platform: string) => {
    const analysis = analysisOf(() => {
      const base = ociImage({
        name: 'base',
        os: 'linux',
        architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }),
        tars: [pkgTar({ name: 'below' })],
      });
      ociImage({ name: 'i', base, tars: [pkgTar({ name: 'above' })] });
    });
    return provided(analysis, 'i', ImageInfo, platform);
  };

  test('is for the platform that was asked for, with the layers of the base below its own', async () => {
    const image = onBase('linux/arm64');
    expect(formatPlatform(image.platform)).toBe('linux/arm64');
    expect(image.layers.map(({ blob }) => actionOf(blob).label)).toEqual(['below', 'above']);
    const description = await describeIn('/', actionOf(image.manifest));
    expect(specOf<ImageSpec>(description)).toMatchObject({
      base: { manifest: 'base/manifest.json', config: 'base/config.json' },
      layers: [{ json: 'layers/0.json' }],
    });
    expect(inputsOf(description)).toEqual([
      'base/config.json = Image of base for linux/arm64: config.json',
      'base/manifest.json = Image of base for linux/arm64: manifest.json',
      'layers/0.json = Layer of above for linux/arm64: layer.json',
      'spec.json = bytes',
    ]);
  });

  test.each([
    ['oci:images/base', { directory: 'p/images/base', platform: 'linux/arm64' }],
    ['oci:./base:v1.2', { directory: 'p/base', refName: 'v1.2', platform: 'linux/arm64' }],
    ['oci:../base:host:5000/x:v1', { directory: 'base', refName: 'host:5000/x:v1', platform: 'linux/arm64' }],
  ])('%s is a folder that is looked into for the platform', (base, args) => {
    const workspace = declareIn('p', () => ociImage({ name: 'i', base }));
    expect(workspace.problems).toEqual([]);
    const image = provided(analysisIn(workspace), 'p:i', ImageInfo, 'linux/arm64');
    const action = actionOf(image.manifest);
    expect(action.discoveries).toEqual([]);
    expect(image.bases).toMatchObject([{ kind: 'layout', directory: args.directory }]);
    const description = action.describe([]);
    expect(inputsOf(description)).toEqual([
      'base/config.json = oci-layout: config.json',
      'base/manifest.json = oci-layout: manifest.json',
      'spec.json = bytes',
    ]);
    const [document] = description.inputs.flatMap(({ content }) => (content.kind === 'discovered' ? [content.discovery] : []));
    expect(document).toEqual({ discoverer: 'oci-layout', args });
  });

  test('passes on where the layers of its base come from', () => {
    const analysis = analysisOf(() => ociImage({ name: 'i', base: ociImage({ name: 'base', base: 'oci:dir' }) }));
    expect(provided(analysis, 'i', ImageInfo).bases).toMatchObject([{ kind: 'layout', directory: 'dir' }]);
  });
});

describe('ociImage refuses', () => {
  const SCRATCH = { os: 'linux', architecture: 'amd64' };
  test.each<[object, string]>([
    [{}, 'attribute "os" of ociImage "t": it is missing, expected a value: os and architecture are mandatory without a base'],
    [{ os: 'linux' }, 'attribute "architecture" of ociImage "t": it is missing'],
    [{ base: ':b', os: 'linux' }, 'attribute "os" of ociImage "t": it is set together with base'],
    [{ base: ':b', variant: 'v8' }, 'attribute "variant" of ociImage "t": it is set together with base'],
    [{ base: 1 }, 'it is 1, expected an ociImage or ociPull, its label, or "oci:<path>"'],
    [{ base: 'oci:/etc' }, 'it is "oci:/etc" (it is absolute)'],
    [{ base: select({ default: ':b' }) }, 'this attribute cannot depend on the platform'],
    [{ ...SCRATCH, entrypoint: '/hello' }, 'it is "/hello", expected an array of: a string'],
    [{ ...SCRATCH, cmd: [1] }, 'attribute "cmd[0]"'],
    [{ ...SCRATCH, env: { 'A=B': '1' } }, 'attribute "env"'],
    [{ ...SCRATCH, env: { A: 1 } }, 'attribute "env.A" of ociImage "t": it is 1, expected a string'],
    [{ ...SCRATCH, env: 1 }, 'attribute "env" of ociImage "t": it is 1'],
    [{ ...SCRATCH, user: 'a:b:c' }, 'attribute "user"'],
    [{ ...SCRATCH, workdir: 'app' }, 'attribute "workdir"'],
    [{ ...SCRATCH, exposedPorts: ['80/icmp'] }, 'attribute "exposedPorts[0]"'],
    [{ ...SCRATCH, exposedPorts: ['65536'] }, 'attribute "exposedPorts[0]"'],
    [{ ...SCRATCH, volumes: ['data'] }, 'attribute "volumes[0]"'],
    [{ ...SCRATCH, stopSignal: 'SIGNOPE' }, 'attribute "stopSignal"'],
    [{ ...SCRATCH, created: 'yesterday' }, 'attribute "created"'],
    [{ ...SCRATCH, compression: 'zstd' }, 'one of "gzip", "none"'],
    [{ ...SCRATCH, entryPoint: [] }, 'the rule has no such attribute'],
  ])('%j', (attributes, is) => expect(problemsWith(ociImage, attributes)[0]).toContain(is));

  test('a binary as a layer, when it is declared before', () => {
    const { problems } = declareIn('', () =>
      ociImage({ name: 'i', os: 'linux', architecture: 'amd64', tars: [goBinary({ name: 'b', package: './' }) as never] }),
    );
    expect(problems.map(({ error }) => error.message)).toEqual([
      'Cannot use attribute "tars[0]" of ociImage "i": it is the target "b", which provides BinaryInfo, FilesInfo, expected a target that provides TarInfo, or its label',
    ]);
  });

  test('a binary as a layer, when it is declared later', () => {
    const analysis = analysisOf(() => {
      ociImage({ name: 'i', os: 'linux', architecture: 'amd64', tars: [':b'] });
      goBinary({ name: 'b', package: './' });
    });
    expect(() => provided(analysis, 'i', ImageInfo)).toThrow(
      'Cannot use target "b" here: it provides BinaryInfo, FilesInfo, expected TarInfo',
    );
  });
});
