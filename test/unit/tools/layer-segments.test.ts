import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { digestOf } from '../../../lib/base/digest.ts';
import type { Digest } from '../../../lib/base/digest.ts';
import type { Segment, SegmentCache } from '../../../lib/tar/segment-cache.ts';
import { SEGMENTED_FROM_BYTES } from '../../../lib/tar/segment-start.ts';
import { layerTool } from '../../../lib/tools/layer.ts';
import { layerSpec } from './layer-fixtures.ts';
import { MemoryInputs, MemoryOutputs } from './memory-tool.ts';

const MIB = 1 << 20;

/** Segments of layers in memory. */
class MemorySegments implements SegmentCache {
  readonly kept: { readonly archive: Digest; readonly segments: readonly Segment[] }[] = [];
  readonly #layers: Buffer[] = [];
  hits = 0;

  store(layer: Buffer): void {
    this.#layers.push(layer);
  }

  find(key: string) {
    for (const [i, { segments }] of this.kept.entries()) {
      const found = segments.find((each) => each.key === key);
      const layer = this.#layers[i];
      if (found === undefined || layer === undefined) continue;
      this.hits++;
      return { bytes: Buffer.from(layer.subarray(found.offset, found.offset + found.sizeBytes)), sha256: found.sha256 };
    }
    return undefined;
  }

  keep(archive: Digest, segments: readonly Segment[]): void {
    this.kept.push({ archive, segments });
  }
}

async function layerOf(files: Readonly<Record<string, Buffer>>, segments?: MemorySegments) {
  const spec = layerSpec({
    compression: { format: 'gzip' },
    entries: Object.keys(files).map((path) => ({ path, type: 'file' as const, input: path })),
  });
  const outputs = new MemoryOutputs();
  const inputs = new MemoryInputs({ ...files, 'spec.json': JSON.stringify(spec) });
  await layerTool.run({ args: ['spec.json'], inputs, outputs, segments, signal: new AbortController().signal, print: () => {} });
  const layer = outputs.get('layer.tar.gz');
  segments?.store(layer);
  return { layer, info: outputs.get('layer.json').toString() };
}

const text = (megabytes: number) => Buffer.alloc(megabytes * MIB, 'some text that shrinks well\n');

test('a large layer is the same with and without segments of the layer before, and most of it is found there', async () => {
  const files = { a: text(20), b: randomBytes(20 * MIB), c: Buffer.alloc(24 * MIB), d: text(1) };
  const segments = new MemorySegments();
  const before = await layerOf(files, segments);
  expect(segments.kept.map(({ archive }) => archive)).toEqual([digestOf(before.layer)]);
  segments.hits = 0;

  const changed = { ...files, b: Buffer.concat([files.b, Buffer.from('longer')]), aa: Buffer.from('new') };
  const after = await layerOf(changed, segments);
  const anew = await layerOf(changed);
  expect(after.layer.equals(anew.layer)).toBe(true);
  expect(after.info).toBe(anew.info);
  const tar = gunzipSync(after.layer);
  expect(JSON.parse(after.info)).toMatchObject({
    diffID: `sha256:${digestOf(tar).hash}`,
    digest: `sha256:${digestOf(after.layer).hash}`,
    uncompressedSize: tar.length,
  });
  // All of a but its last part, which "aa" follows, and all of c and d.
  expect(segments.hits).toBeGreaterThanOrEqual(44);
  expect(segments.kept[1]!.segments.length - segments.hits).toBeLessThanOrEqual(3);
}, 60_000);

test('a layer below the limit is one stream, and nothing of it is kept', async () => {
  const segments = new MemorySegments();
  const noise = randomBytes(16_384);
  // The second half of the noise is found in the block before, which segments would not do.
  const content = Buffer.concat([text(1).subarray(512 + noise.length), noise, noise]);
  const { layer } = await layerOf({ a: content }, segments);
  expect(layer.length).toBeLessThan(noise.length + 8000);
  expect(segments.kept).toEqual([]);
  expect(content.length).toBeLessThan(SEGMENTED_FROM_BYTES);
});
