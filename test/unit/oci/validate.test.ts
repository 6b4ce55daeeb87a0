import { gzipSync } from 'node:zlib';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { assembleImage } from '../../../lib/oci/assemble-image.ts';
import { encodeImageConfig } from '../../../lib/oci/config.ts';
import { descriptorOf, type Descriptor } from '../../../lib/oci/descriptor.ts';
import { encodeManifest } from '../../../lib/oci/manifest.ts';
import { DOCKER, OCI } from '../../../lib/oci/media-types.ts';
import { validateImage } from '../../../lib/oci/validate.ts';

const tar = Buffer.from('a tar');
const blobs = new Map<string, Buffer>();

function image(mediaType: string = OCI.layerGzip, blob: Buffer = gzipSync(tar)) {
  const descriptor = descriptorOf(mediaType, blob);
  blobs.set(descriptor.digest, blob);
  return assembleImage({
    platform: { os: 'linux', architecture: 'amd64' },
    layers: [{ descriptor, diffId: descriptorOf('', tar).digest }],
    run: {},
    annotations: [],
  });
}

async function* openLayer(layer: Descriptor) {
  yield blobs.get(layer.digest) ?? Buffer.from('something else');
}

const problemsOf = ({ manifestBytes, configBytes }: { manifestBytes: Uint8Array; configBytes: Uint8Array }) =>
  validateImage({ manifest: manifestBytes, config: configBytes, descriptor: descriptorOf(OCI.manifest, manifestBytes), openLayer });

describe('validateImage()', () => {
  const zstd = (zlib as { zstdCompressSync?: (data: Buffer) => Buffer }).zstdCompressSync;
  it.each([
    ['gzip', OCI.layerGzip, gzipSync(tar)],
    ['no compression', OCI.layerTar, tar],
    ['zstd', OCI.layerZstd, zstd?.(tar) ?? Buffer.from('not decompressed by this Node.js')],
  ])('finds nothing in a right image with %s', async (_, type, blob) => {
    expect(await problemsOf(image(type, blob))).toEqual([]);
  });

  it('collects every contradiction, with both sides', async () => {
    const right = image();
    const layer = right.manifest.layers[0]!;
    const config = { ...right.config, history: [], rootfs: { type: 'layers' as const, diff_ids: [layer.digest, layer.digest] } };
    const configBytes = encodeImageConfig(config);
    const manifestBytes = encodeManifest({
      ...right.manifest,
      config: { ...right.manifest.config, size: 1 },
      layers: [{ ...layer, mediaType: DOCKER.layerGzip, size: 7 }],
    });
    const problems = await validateImage({
      manifest: manifestBytes,
      config: configBytes,
      descriptor: { ...descriptorOf(OCI.manifest, manifestBytes), size: 2 },
      openLayer,
    });
    expect(problems).toEqual([
      `descriptor.size is 2, but it should be ${manifestBytes.length}`,
      `config.digest is ${right.manifest.config.digest}, but it should be ${descriptorOf('', configBytes).digest}`,
      `config.size is 1, but it should be ${configBytes.length}`,
      expect.stringContaining('media types are of two families') as string,
      'rootfs.diff_ids has 2 entries, but there are 1 layers',
      'history describes 0 layers, but there are 1',
      `layers[0].size is 7, but it should be ${layer.size}`,
      `rootfs.diff_ids[0] is ${layer.digest}, but it should be ${descriptorOf('', tar).digest}`,
    ]);
  });

  it('reports what it cannot read', async () => {
    const right = image(OCI.layerGzip, Buffer.from('no gzip'));
    expect(await problemsOf(right)).toEqual([expect.stringMatching(/^layers\[0\] cannot be read: /)]);
    expect(await problemsOf({ ...right, configBytes: Buffer.from('{') })).toContainEqual(expect.stringContaining('Cannot parse config'));
    expect(await validateImage({ manifest: Buffer.from('[]'), config: Buffer.from('[]') })).toHaveLength(2);
  });

  it('finds a layer with other bytes', async () => {
    const right = image(OCI.layerTar, tar);
    blobs.delete(right.manifest.layers[0]!.digest);
    expect(await problemsOf(right)).toHaveLength(3);
  });
});
