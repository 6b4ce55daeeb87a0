// The rules that stand between images and platforms: multiArch, ociImageIndex, goCrossBinary, and the sinks of images.
import { describe, expect, test } from 'vitest';
import type { IndexSpec } from '../../../lib/oci/image-spec.ts';
import { formatPlatform } from '../../../lib/oci/platform.ts';
import { command } from '../../../lib/rules/command.ts';
import { goBinary } from '../../../lib/rules/go-binary.ts';
import { goCrossBinary } from '../../../lib/rules/go-cross-binary.ts';
import { multiArch } from '../../../lib/rules/multi-arch.ts';
import { ociImage } from '../../../lib/rules/oci-image.ts';
import { ociImageIndex } from '../../../lib/rules/oci-image-index.ts';
import { ociLoad } from '../../../lib/rules/oci-load.ts';
import { ociPush } from '../../../lib/rules/oci-push.ts';
import { pkgTar } from '../../../lib/rules/pkg-tar.ts';
import { BinaryInfo, FilesInfo, ImageInfo, IndexInfo, LoadInfo, MultiArchInfo, TarInfo } from '../../../lib/rules/providers.ts';
import { PushInfo } from '../../../lib/rules/push-info.ts';
import { select } from '../../../lib/rules/select.ts';
import { actionOf, analysisOf, inputsOf, provided, specOf } from '../plan/rig.ts';
import { describeIn, problemsWith } from './rig.ts';

const anyImage = () =>
  ociImage({ name: 'i', os: 'linux', architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64', 'linux/arm': 'arm' }) });
const BOTH = ['linux/amd64', 'linux/arm64'] as const;

describe('multiArch', () => {
  test('of one platform stands for the target under it, with everything that the target provides', () => {
    const analysis = analysisOf(() => {
      multiArch({ name: 'image', target: anyImage(), platforms: ['linux/arm64'] });
      multiArch({ name: 'binary', target: goBinary({ name: 'b', package: './' }), platforms: ['linux/arm64'] });
      multiArch({ name: 'tar', target: pkgTar({ name: 'p' }), platforms: ['linux/arm64'] });
    });
    expect(provided(analysis, 'image', ImageInfo)).toBe(provided(analysis, 'i', ImageInfo, 'linux/arm64'));
    expect(provided(analysis, 'binary', BinaryInfo)).toBe(provided(analysis, 'b', BinaryInfo, 'linux/arm64'));
    expect(provided(analysis, 'tar', TarInfo)).toBe(provided(analysis, 'p', TarInfo, 'linux/arm64'));
    expect(() => provided(analysis, 'tar', ImageInfo)).toThrow('not ImageInfo');
    expect(provided(analysis, 'image', MultiArchInfo).platforms.map(formatPlatform)).toEqual(['linux/arm64']);
  });

  test('of several has no image of its own, and a file for each platform in a folder named for it', () => {
    const analysis = analysisOf(() => {
      multiArch({ name: 'image', target: anyImage(), platforms: BOTH });
      multiArch({ name: 'binary', target: goBinary({ name: 'b', package: './' }), platforms: ['linux/amd64', 'linux/arm/v7'] });
    });
    expect(provided(analysis, 'image', MultiArchInfo).platforms.map(formatPlatform)).toEqual([...BOTH]);
    expect(() => provided(analysis, 'image', ImageInfo)).toThrow('provides MultiArchInfo, not ImageInfo');
    const { files } = provided(analysis, 'binary', FilesInfo);
    expect(files.map(({ path, artifact }) => [path, actionOf(artifact).platform])).toEqual([
      ['binary/linux_amd64/b', 'linux/amd64'],
      ['binary/linux_arm_v7/b', 'linux/arm/v7'],
    ]);
  });

  test.each<[object, string]>([
    [{ target: ':x', platforms: [] }, 'attribute "platforms" of multiArch "t": it is empty'],
    [{ target: ':x', platforms: ['linux/amd65'] }, 'it is "linux/amd65" (it is not a known platform)'],
    [
      { target: ':x', platforms: ['linux/arm64', 'linux/arm64/v8'] },
      'attribute "platforms[1]" of multiArch "t": "linux/arm64/v8" is the same platform as "linux/arm64"',
    ],
    [{ target: ':x', platforms: ['linux/amd64', 'linux/amd64'] }, 'is the same platform as'],
    [{ platforms: ['linux/amd64'] }, 'attribute "target" of multiArch "t": it is missing'],
    [{ target: select({ default: ':x' }), platforms: ['linux/amd64'] }, 'cannot depend on the platform'],
  ])('refuses %j', (attributes, is) => expect(problemsWith(multiArch, attributes)[0]).toContain(is));
});

describe('ociImageIndex', () => {
  const platformsOf = (body: () => unknown, platform?: string) =>
    provided(analysisOf(body), 'x', IndexInfo, platform).images.map((image) => formatPlatform(image.platform));

  test('of images, in their order', () => {
    const images = () => [
      ociImage({ name: 'b', os: 'linux', architecture: 'arm64' }),
      ociImage({ name: 'a', os: 'linux', architecture: 'amd64' }),
    ];
    expect(platformsOf(() => ociImageIndex({ name: 'x', images: images() }))).toEqual(['linux/arm64', 'linux/amd64']);
  });

  test('of one image and platforms, whatever platform was asked for', () => {
    expect(platformsOf(() => ociImageIndex({ name: 'x', images: [anyImage()], platforms: [...BOTH] }), 'linux/arm')).toEqual([...BOTH]);
  });

  test('of a multiArch, and of one for each platform', () => {
    expect(
      platformsOf(() => ociImageIndex({ name: 'x', images: [multiArch({ name: 'm', target: anyImage(), platforms: BOTH })] })),
    ).toEqual([...BOTH]);
    const body = () => {
      const target = anyImage();
      return ociImageIndex({
        name: 'x',
        images: BOTH.map((platform) => multiArch({ name: platform.slice(6), target, platforms: [platform] })),
      });
    };
    expect(platformsOf(body)).toEqual([...BOTH]);
  });

  test('reads manifests and configs only', async () => {
    const analysis = analysisOf(() =>
      ociImageIndex({ name: 'x', images: [anyImage()], platforms: [...BOTH], annotations: { b: '1', a: '2' } }),
    );
    const description = await describeIn('/', actionOf(provided(analysis, 'x', IndexInfo).index));
    expect(specOf<IndexSpec>(description)).toEqual({
      images: [0, 1].map((i) => ({ manifest: `images/${i}/manifest.json`, config: `images/${i}/config.json` })),
      annotations: { a: '2', b: '1' },
    });
    expect(inputsOf(description)).toEqual([
      'images/0/config.json = Image of i for linux/amd64: config.json',
      'images/0/manifest.json = Image of i for linux/amd64: manifest.json',
      'images/1/config.json = Image of i for linux/arm64: config.json',
      'images/1/manifest.json = Image of i for linux/arm64: manifest.json',
      'spec.json = bytes',
    ]);
  });

  test.each<[object, string]>([
    [{ images: [] }, 'attribute "images" of ociImageIndex "t": it is empty'],
    [{ images: [':a'], platforms: [] }, 'attribute "platforms" of ociImageIndex "t": it is empty'],
    [{ images: [':a', ':b'], platforms: ['linux/amd64'] }, 'it is set beside 2 images, expected exactly one image beside it'],
    [{ images: ':a' }, 'it is ":a", expected an array'],
    [{ images: [':a'], platforms: ['linux'] }, 'it is not a known platform'],
  ])('refuses %j', (attributes, is) => expect(problemsWith(ociImageIndex, attributes)[0]).toContain(is));
});

test('goCrossBinary is the binary for its platform, under a path of its own', () => {
  const analysis = analysisOf(() =>
    goCrossBinary({ name: 'mac', target: goBinary({ name: 'b', package: './' }), platform: 'darwin/arm64' }),
  );
  expect(provided(analysis, 'mac', BinaryInfo)).toBe(provided(analysis, 'b', BinaryInfo, 'darwin/arm64'));
  expect(provided(analysis, 'mac', FilesInfo).files).toMatchObject([
    { path: 'mac/b', isExecutable: true, artifact: { action: { platform: 'darwin/arm64' } } },
  ]);
  expect(problemsWith(goCrossBinary, { target: ':b', platform: 'macos' })[0]).toContain('it is not a known platform');
});

describe('ociLoad', () => {
  test('names an image of the platform', () => {
    const analysis = analysisOf(() => ociLoad({ name: 'x', image: anyImage(), repoTags: ['a:1', 'b'] }));
    expect(provided(analysis, 'x', LoadInfo, 'linux/arm64')).toEqual({
      image: provided(analysis, 'i', ImageInfo, 'linux/arm64'),
      repoTags: ['a:1', 'b'],
    });
  });

  test.each<[object, string]>([
    [{ image: ':i', repoTags: [] }, 'it is empty, expected one or more names'],
    [{ image: ':i', repoTags: [`a@sha256:${'0'.repeat(64)}`] }, 'it has a digest'],
    [{ image: ':i', repoTags: ['A:1'] }, 'attribute "repoTags[0]"'],
    [{ image: ':i' }, 'attribute "repoTags" of ociLoad "t": it is missing'],
  ])('refuses %j', (attributes, is) => expect(problemsWith(ociLoad, attributes)[0]).toContain(is));
});

describe('ociPush', () => {
  test('pushes an index where the target has one, else the image, as latest', () => {
    const analysis = analysisOf(() => {
      const image = anyImage();
      ociPush({
        name: 'index_push',
        image: ociImageIndex({ name: 'x', images: [image], platforms: [...BOTH] }),
        repository: 'r.example/a',
        remoteTags: ['v1', 'v2'],
      });
      ociPush({ name: 'image_push', image, repository: 'r.example/a' });
    });
    expect(provided(analysis, 'index_push', PushInfo)).toEqual({
      content: provided(analysis, 'x', IndexInfo),
      repositories: ['r.example/a'],
      remoteTags: ['v1', 'v2'],
      attachments: [],
    });
    expect(provided(analysis, 'image_push', PushInfo)).toEqual({
      content: provided(analysis, 'i', ImageInfo),
      repositories: ['r.example/a'],
      remoteTags: ['latest'],
      attachments: [],
    });
  });

  test.each<[object, string]>([
    [{ image: ':i', repository: 'r.example/a:v1' }, 'it has a tag or digest, which go into remoteTags'],
    [{ image: ':i', repository: `r.example/a@sha256:${'0'.repeat(64)}` }, 'it has a tag or digest'],
    [{ image: ':i', repository: 'r.example/A' }, 'attribute "repository"'],
    [{ image: ':i', repository: 'r.example/a', remoteTags: ['-x'] }, 'attribute "remoteTags[0]"'],
    [{ image: ':i', repository: 'r.example/a', remoteTags: ['x'.repeat(129)] }, 'attribute "remoteTags[0]"'],
    [{ image: ':i', repository: 'r.example/a', remoteTags: ['a b'] }, 'attribute "remoteTags[0]"'],
  ])('refuses %j', (attributes, is) => expect(problemsWith(ociPush, attributes)[0]).toContain(is));

  test('takes no files', () => {
    const analysis = analysisOf(() => {
      ociPush({ name: 'push', image: ':files', repository: 'r.example/a' });
      command({ name: 'files', argv: ['true'], outputs: ['o'] });
    });
    expect(() => provided(analysis, 'push', PushInfo)).toThrow('Cannot use target "files" here: it provides FilesInfo, expected ImageInfo');
  });
});
