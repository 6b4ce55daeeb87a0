// An oracle for images: recomputes whatever can be recomputed and collects every contradiction. For tests and `verify`.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Readable, Writable } from 'node:stream';
import * as zlib from 'node:zlib';
import { digestOf, formatDigest } from '../base/digest.ts';
import { isOcidslError } from '../base/errors.ts';
import { parseImageConfig, type ImageConfig } from './config.ts';
import type { Descriptor } from './descriptor.ts';
import { historyLayerCount } from './history.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { isDockerMediaType, layerCompression, type LayerCompression } from './media-types.ts';

/** An image to check. */
export interface ImageToValidate {
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
  /** What points to the manifest. */
  readonly descriptor?: Descriptor;
  /** The blob of a layer, as it is stored. Layers are checked only where it is given. */
  readonly openLayer?: (layer: Descriptor) => AsyncIterable<Uint8Array>;
}

/**
 * Every contradiction in an image, each naming both sides; empty for a right one. Layers with zstd are compared with their diff
 * ID only where this Node.js can decompress them (22.15 and later).
 */
export async function validateImage(image: ImageToValidate): Promise<string[]> {
  const problems: string[] = [];
  const expectEqual = (what: string, stated: unknown, actual: unknown) => {
    if (stated !== actual) problems.push(`${what} is ${String(stated)}, but it should be ${String(actual)}`);
  };
  const manifest = attempt(problems, () => parseManifest(image.manifest, 'manifest', image.descriptor?.mediaType));
  const config = attempt(problems, () => parseImageConfig(image.config, 'config'));
  if (image.descriptor) {
    expectEqual('descriptor.digest', image.descriptor.digest, formatDigest(digestOf(image.manifest)));
    expectEqual('descriptor.size', image.descriptor.size, image.manifest.byteLength);
  }
  if (!manifest || !config) return problems;
  expectEqual('config.digest', manifest.config.digest, formatDigest(digestOf(image.config)));
  expectEqual('config.size', manifest.config.size, image.config.byteLength);
  checkFamilies(manifest, problems);
  checkCounts(manifest, config, problems);
  if (!image.openLayer) return problems;
  for (const [i, layer] of manifest.layers.entries()) {
    const actual = await layerDigests(image.openLayer(layer), layerCompression(layer.mediaType) ?? 'none').catch((error: unknown) => {
      problems.push(`layers[${i}] cannot be read: ${(error as Error).message}`);
    });
    if (!actual) continue;
    expectEqual(`layers[${i}].digest`, layer.digest, actual.digest);
    expectEqual(`layers[${i}].size`, layer.size, actual.size);
    if (actual.diffId !== undefined) expectEqual(`rootfs.diff_ids[${i}]`, config.rootfs.diff_ids[i], actual.diffId);
  }
  return problems;
}

function attempt<T>(problems: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isOcidslError(error)) throw error;
    problems.push(error.message);
    return undefined;
  }
}

function checkFamilies(manifest: Manifest, problems: string[]): void {
  const types = [manifest.mediaType, manifest.config.mediaType, ...manifest.layers.map((layer) => layer.mediaType)].filter(
    (type) => type !== undefined,
  );
  const docker = types.filter(isDockerMediaType);
  if (docker.length > 0 && docker.length < types.length)
    problems.push(`media types are of two families: ${[...new Set(types)].join(', ')}`);
}

function checkCounts(manifest: Manifest, config: ImageConfig, problems: string[]): void {
  const layers = manifest.layers.length;
  const diffIds = config.rootfs.diff_ids.length;
  if (diffIds !== layers) problems.push(`rootfs.diff_ids has ${diffIds} entries, but there are ${layers} layers`);
  const described = config.history && historyLayerCount(config.history);
  if (described !== undefined && described !== layers) problems.push(`history describes ${described} layers, but there are ${layers}`);
}

async function layerDigests(
  blob: AsyncIterable<Uint8Array>,
  compression: LayerCompression,
): Promise<{ digest: string; size: number; diffId?: string }> {
  const stored = createHash('sha256');
  const uncompressed = createHash('sha256');
  let size = 0;
  const counted = async function* () {
    for await (const chunk of blob) {
      stored.update(chunk);
      size += chunk.byteLength;
      yield chunk;
    }
  };
  const sink = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      uncompressed.update(chunk);
      done();
    },
  });
  const decompressor = decompress(compression);
  if (decompressor === 'unsupported') {
    for await (const _ of counted());
  } else if (decompressor) {
    await pipeline(Readable.from(counted()), decompressor, sink);
  } else {
    await pipeline(Readable.from(counted()), sink);
  }
  const digest = `sha256:${stored.digest('hex')}`;
  return decompressor === 'unsupported' ? { digest, size } : { digest, size, diffId: `sha256:${uncompressed.digest('hex')}` };
}

function decompress(compression: LayerCompression): NodeJS.ReadWriteStream | 'unsupported' | undefined {
  if (compression === 'none') return undefined;
  if (compression === 'gzip') return zlib.createGunzip();
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => NodeJS.ReadWriteStream };
  return createZstdDecompress?.() ?? 'unsupported';
}
