// Finding the image of a platform below an index, over documents in memory.
import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../lib/oci/descriptor.ts';
import { descriptorOf } from '../../../lib/oci/descriptor.ts';
import { collectImages, findImage, type ReadDocument } from '../../../lib/oci/find-image.ts';
import { DOCKER, OCI } from '../../../lib/oci/media-types.ts';
import { parsePlatform } from '../../../lib/oci/platform.ts';

/** Documents by digest, and which of them were read. */
function library() {
  const documents = new Map<string, Buffer>();
  const reads: string[] = [];
  const add = (mediaType: string, value: object, more: object = {}): Descriptor => {
    const bytes = Buffer.from(JSON.stringify(value));
    const descriptor = { ...descriptorOf(mediaType, bytes), ...more };
    documents.set(descriptor.digest, bytes);
    return descriptor;
  };
  const image = (os: string, architecture: string, more: object = {}, types: typeof OCI | typeof DOCKER = OCI) => {
    const config = add(types.config, { os, architecture, rootfs: { type: 'layers', diff_ids: [] } });
    return add(types.manifest, { schemaVersion: 2, mediaType: types.manifest, config, layers: [] }, more);
  };
  const index = (...manifests: readonly Descriptor[]) => add(OCI.index, { schemaVersion: 2, mediaType: OCI.index, manifests });
  const read: ReadDocument = async ({ digest }) => {
    reads.push(digest);
    return documents.get(digest)!;
  };
  return { add, image, index, read, reads };
}

const LINUX = { platform: { os: 'linux', architecture: 'amd64' } };
const ARM = { platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } };
const AMD64 = parsePlatform('linux/amd64');
const ARM64 = parsePlatform('linux/arm64');

describe('findImage()', () => {
  it('reads the index, the manifest that fits, and its config', async () => {
    const { image, index, read, reads } = library();
    const arm = image('linux', 'arm64', ARM);
    const root = index(image('linux', 'amd64', LINUX), arm);
    const found = await findImage(root, ARM64, read, 'x');
    expect(found.manifest.digest).toBe(arm.digest);
    expect(found.platform).toMatchObject({ os: 'linux', architecture: 'arm64' });
    expect(reads).toEqual([root.digest, arm.digest, found.config.digest]);
  });

  it('takes a manifest without an index', async () => {
    const { image, read } = library();
    const root = image('linux', 'amd64', {}, DOCKER);
    expect((await findImage(root, AMD64, read, 'x')).manifest).toBe(root);
  });

  it('asks the config where the index does not name a platform', async () => {
    const { image, index, read } = library();
    const arm = image('linux', 'arm64');
    expect((await findImage(index(image('linux', 'amd64'), arm), ARM64, read, 'x')).manifest.digest).toBe(arm.digest);
  });

  it('looks into nested indexes, and takes the first of equals', async () => {
    const { image, index, read } = library();
    const first = image('linux', 'amd64', { ...LINUX, annotations: { n: '1' } });
    const other = library().image('windows', 'amd64', { platform: { os: 'windows', architecture: 'amd64' } });
    expect((await findImage(index(index(other, first), image('linux', 'amd64', LINUX)), AMD64, read, 'x')).manifest.annotations).toEqual({
      n: '1',
    });
  });

  it('skips attestations and what it does not know', async () => {
    const { add, image, index, read, reads } = library();
    const attestation = image('unknown', 'unknown', { platform: { os: 'unknown', architecture: 'unknown' } });
    const odd = add('application/vnd.example+json', {}, LINUX);
    await findImage(index(attestation, odd, image('linux', 'amd64', LINUX)), AMD64, read, 'x');
    expect(reads).not.toContain(attestation.digest);
    expect(reads).not.toContain(odd.digest);
  });

  it('lists what there is where a platform is missing', async () => {
    const { image, index, read } = library();
    const root = index(image('linux', 'amd64', LINUX), image('linux', 'arm64', ARM));
    await expect(findImage(root, parsePlatform('linux/s390x'), read, 'image "x"')).rejects.toThrow(
      'Cannot find platform "linux/s390x" in image "x": it has linux/amd64, linux/arm64/v8',
    );
  });

  it('does not believe an index that promises another platform than the image has', async () => {
    const { image, index, read } = library();
    await expect(findImage(index(image('linux', 'amd64', ARM)), ARM64, read, 'x')).rejects.toThrow('it has linux/amd64');
  });

  it('refuses what is no container image', async () => {
    const { add, read } = library();
    const config = add(OCI.empty, {});
    const root = add(OCI.manifest, { schemaVersion: 2, mediaType: OCI.manifest, config, layers: [] });
    await expect(findImage(root, AMD64, read, 'image "x"')).rejects.toThrow(
      `its config is of type ${OCI.empty}, expected a container image`,
    );
  });
});

describe('collectImages()', () => {
  it('visits nothing twice', async () => {
    const { image, index, read, reads } = library();
    const inner = index(image('linux', 'amd64', LINUX));
    expect(await collectImages(index(inner, inner), read, 'x')).toHaveLength(1);
    expect(reads).toHaveLength(2);
  });

  it('stops at indexes that are nested too deep', async () => {
    const { image, index, read } = library();
    let root = image('linux', 'amd64', LINUX);
    for (let i = 0; i < 9; i++) root = index(root);
    await expect(collectImages(root, read, 'x')).rejects.toThrow('nested deeper than 8 levels');
  });

  it('stops at indexes that are too large', async () => {
    const { image, index, read } = library();
    const many = Array.from({ length: 5001 }, () => image('linux', 'amd64', LINUX));
    await expect(collectImages(index(index(...many), index(...many, image('linux', 'arm64', ARM))), read, 'x')).rejects.toThrow(
      'more than 10000 entries',
    );
  });
});
