// ociPull: what is asked for, by which pin, and what is refused.
import { describe, expect, test } from 'vitest';
import { parsePlatform } from '../../../lib/oci/platform.ts';
import { createAnalysis } from '../../../lib/plan/analyze.ts';
import { EMPTY_LOCK, type Lock, type LockRequest } from '../../../lib/plan/lock.ts';
import { ociImage } from '../../../lib/rules/oci-image.ts';
import { ociPull, type OciPullAttributes } from '../../../lib/rules/oci-pull.ts';
import { ImageInfo } from '../../../lib/rules/providers.ts';
import { declareIn } from '../graph/rig.ts';
import { inputsOf, specOf, actionOf } from '../plan/rig.ts';
import { problemsWith } from './rig.ts';

const PIN = `sha256:${'a'.repeat(64)}`;
const AMD64 = { mediaType: 'm', digest: `sha256:${'1'.repeat(64)}`, size: 11 };
const ARM64 = { mediaType: 'm', digest: `sha256:${'2'.repeat(64)}`, size: 22 };
const LOCK: Lock = {
  ...EMPTY_LOCK,
  images: {
    'gcr.io/distroless/static:nonroot': {
      mediaType: 'i',
      digest: PIN,
      size: 1,
      platforms: { 'linux/amd64': AMD64, 'linux/arm64/v8': ARM64, 'other/thing': AMD64 },
    },
  },
};
const LOCKED = { image: 'gcr.io/distroless/static', tag: 'nonroot' };

function pulled(attributes: Omit<OciPullAttributes, 'name'>, platform = 'linux/amd64', lock: Lock = LOCK, folder = ''): ImageInfo {
  const { targets, problems } = declareIn(folder, () => ociPull({ name: 'base', ...attributes }));
  expect(problems).toEqual([]);
  const label = folder === '' ? 'base' : `${folder}:base`;
  return createAnalysis({ targets, lock }).analyze(label, parsePlatform(platform)).providers.get(ImageInfo.name) as ImageInfo;
}

function requests(attributes: Omit<OciPullAttributes, 'name'>): readonly LockRequest[] {
  const target = declareIn('', () => ociPull({ name: 'base', ...attributes })).targets.get('base')!;
  return target.rule.locks!(target.attributes as never) as readonly LockRequest[];
}

function argumentsOf({ manifest }: ImageInfo) {
  if (manifest.kind !== 'discovered') throw new Error('The manifest is pulled');
  return manifest.discovery;
}

describe('ociPull', () => {
  test.each([
    ['linux/amd64', AMD64],
    ['linux/arm64', ARM64],
    ['linux/arm64/v8', ARM64],
    ['linux/amd64/v3', AMD64],
  ])("asks for the pinned manifest of the platform: %s's", (platform, { digest, size, mediaType }) => {
    const image = pulled(LOCKED, platform);
    expect(argumentsOf(image)).toEqual({
      discoverer: 'pulled-image',
      args: { repository: 'gcr.io/distroless/static', platform, digest, size, mediaType },
    });
    expect(image).toMatchObject({
      pulledAs: 'gcr.io/distroless/static:nonroot',
      layers: [],
      bases: [{ kind: 'registry', repository: 'gcr.io/distroless/static' }],
    });
  });

  test.each<[Omit<OciPullAttributes, 'name'>, string, string]>([
    [{ image: 'debian', digest: PIN }, 'docker.io/library/debian', `docker.io/library/debian@${PIN}`],
    [{ image: `debian:12@${PIN}` }, 'docker.io/library/debian', 'docker.io/library/debian:12'],
    [{ image: 'localhost:5000/a/b:1', digest: PIN }, 'localhost:5000/a/b', 'localhost:5000/a/b:1'],
  ])('takes the digest of the config before any lock: %o', (attributes, repository, name) => {
    const image = pulled(attributes, 'linux/arm64', EMPTY_LOCK);
    expect(argumentsOf(image).args).toEqual({ repository, platform: 'linux/arm64', digest: PIN });
    expect(image.pulledAs).toBe(name);
  });

  test('reads a layout of its package as well', () => {
    const image = pulled({ image: 'oci:./base:v1' }, 'linux/arm64', EMPTY_LOCK, 'p');
    expect(argumentsOf(image)).toEqual({ discoverer: 'oci-layout', args: { directory: 'p/base', refName: 'v1', platform: 'linux/arm64' } });
    expect(image.bases).toEqual([{ kind: 'layout', directory: 'p/base' }]);
    expect(pulled({ image: 'oci:../base' }, 'linux/arm64', EMPTY_LOCK, 'p').bases).toEqual([{ kind: 'layout', directory: 'base' }]);
  });

  test('is the base of an ociImage, which names it', () => {
    const { targets } = declareIn('', () => ociImage({ name: 'i', base: ociPull({ name: 'base', ...LOCKED }) }));
    const { providers } = createAnalysis({ targets, lock: LOCK }).analyze('i', parsePlatform('linux/amd64'));
    const image = providers.get(ImageInfo.name) as ImageInfo;
    const description = actionOf(image.manifest).describe([]);
    expect(inputsOf(description)).toEqual([
      'base/config.json = pulled-image: config.json',
      'base/manifest.json = pulled-image: manifest.json',
      'spec.json = bytes',
    ]);
    expect(specOf<{ base: object }>(description).base).toEqual({
      manifest: 'base/manifest.json',
      config: 'base/config.json',
      name: 'gcr.io/distroless/static:nonroot',
    });
    expect(image.bases).toEqual([{ kind: 'registry', repository: 'gcr.io/distroless/static' }]);
  });

  test('wants a tag pinned, and nothing that has its digest', () => {
    expect(requests({ image: 'debian' })).toEqual([{ kind: 'image', reference: 'docker.io/library/debian:latest', platforms: undefined }]);
    expect(requests({ ...LOCKED, platforms: ['linux/amd64'] })).toEqual([
      { kind: 'image', reference: 'gcr.io/distroless/static:nonroot', platforms: ['linux/amd64'] },
    ]);
    for (const attributes of [{ image: 'debian', digest: PIN }, { image: `debian@${PIN}` }, { image: 'oci:base' }])
      expect(requests(attributes)).toEqual([]);
  });
});

describe('ociPull refuses', () => {
  test.each<[Omit<OciPullAttributes, 'name'>, string, string]>([
    [LOCKED, 'linux/riscv64', 'the pinned image has linux/amd64, linux/arm64/v8, other/thing, expected one that runs on linux/riscv64'],
    [{ ...LOCKED, platforms: ['linux/arm64'] }, 'linux/amd64', 'platforms has linux/arm64, expected one that runs on it'],
    [{ image: 'debian' }, 'linux/amd64', 'Cannot pull "docker.io/library/debian:latest": ocidsl.lock.json has no pin of it'],
    [{ image: 'gcr.io/constructor' }, 'linux/amd64', 'ocidsl.lock.json has no pin of it'],
  ])('%o for %s', (attributes, platform, message) => {
    expect(() => pulled(attributes, platform)).toThrow(message);
  });

  test.each<[object, string]>([
    [{}, 'attribute "image" of ociPull "t": it is missing'],
    [{ image: 'https://gcr.io/x' }, 'it is a URL'],
    [{ image: 'a:1', tag: '2' }, 'attribute "tag" of ociPull "t": image has a tag too'],
    [{ image: `a@${PIN}`, digest: PIN }, 'attribute "digest" of ociPull "t": image has a digest too'],
    [{ image: `a@sha512:${'0'.repeat(128)}` }, 'its digest is sha512'],
    [{ image: 'a', tag: 'x y' }, 'attribute "tag" of ociPull "t": it is "x y"'],
    [{ image: 'a', digest: 'sha256:12' }, 'attribute "digest" of ociPull "t": it is "sha256:12"'],
    [{ image: 'a', platforms: [] }, 'attribute "platforms" of ociPull "t": it is empty'],
    [{ image: 'a', platforms: ['linux'] }, 'attribute "platforms[0]" of ociPull "t": it is "linux"'],
    [{ image: 'oci:base', tag: '1' }, 'attribute "tag" of ociPull "t": it is set for an OCI layout'],
    [{ image: 'oci:/etc' }, 'it is absolute'],
  ])('%o', (attributes, message) => {
    expect(problemsWith(ociPull as never, attributes).join('\n')).toContain(message);
  });
});
