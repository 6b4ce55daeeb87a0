import { createHash, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_SIZE } from '../../../lib/tar/block-writer.ts';
import { SegmentedGzip } from '../../../lib/tar/segmented-gzip.ts';
import type { Segment } from '../../../lib/tar/segment-cache.ts';
import { hasProgram } from '../tools/layer-fixtures.ts';

interface Written {
  readonly file: Buffer;
  readonly segments: readonly Segment[];
}

/** Compresses parts, each of which begins a segment. */
async function write(
  parts: readonly Buffer[],
  before?: Written,
  options: { window?: number; step?: number; level?: number } = {},
): Promise<Written> {
  const out: Buffer[] = [];
  const writer = new SegmentedGzip({
    window: options.window,
    level: options.level,
    emit: async (bytes) => {
      await new Promise((resolve) => setImmediate(resolve));
      out.push(Buffer.from(bytes));
    },
    cache: before && {
      find(key) {
        const segment = before.segments.find((each) => each.key === key);
        return segment && { bytes: Buffer.from(bytesOf(before, segment)), sha256: segment.sha256 };
      },
    },
  });
  const { step = BLOCK_SIZE } = options;
  for (const part of parts) {
    await writer.cut();
    for (let at = 0; at < part.length; at += step) await writer.write(part.subarray(at, at + step));
  }
  await writer.finish();
  return { file: Buffer.concat(out), segments: writer.segments };
}

const bytesOf = ({ file }: Written, { offset, sizeBytes }: Segment) => file.subarray(offset, offset + sizeBytes);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Text that shrinks to a fraction and differs from place to place. */
function text(size: number, seed: number): Buffer {
  return NUMBERS.subarray(seed * 5003, seed * 5003 + size);
}

const NUMBERS = Buffer.from(Array.from({ length: 150_000 }, (_, i) => (i * 2_654_435_761) % 4_294_967_296).join(' '));

describe('SegmentedGzip', () => {
  it('gives the same bytes for every window, however the content arrives, with and without a cache', async () => {
    const part = fc.record({ size: fc.integer({ min: 0, max: BLOCK_SIZE + 1000 }), seed: fc.nat(50), noise: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 3 }),
        fc.nat(10),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 5000, max: 2 * BLOCK_SIZE }),
        async (described, changed, window, step) => {
          const parts = described.map(({ size, seed, noise }) => (noise ? randomBytes(size) : text(size, seed)));
          const plain = await write(parts, undefined, { level: 1 });
          expect(gunzipSync(plain.file).equals(Buffer.concat(parts))).toBe(true);
          for (const before of [undefined, plain, await write(parts.slice(changed % 3), undefined, { level: 1 })]) {
            const again = await write(parts, before, { window, step, level: 1 });
            expect(again.file.equals(plain.file)).toBe(true);
            expect(again.segments).toEqual(plain.segments);
          }
        },
      ),
      { numRuns: 10 },
    );
  }, 60_000);

  it('finds every segment again behind another beginning', async () => {
    const parts = [1, 2, 3, 4].map((seed) => text(700_000, seed));
    const before = await write(parts);
    const after = await write([text(1000, 9), ...parts]);
    const keys = new Set(after.segments.map(({ key }) => key));
    expect(before.segments).toHaveLength(4);
    for (const segment of before.segments) expect(keys.has(segment.key)).toBe(true);
    for (const segment of after.segments) expect(sha256(bytesOf(after, segment))).toBe(segment.sha256);
  });

  it('tells levels apart', async () => {
    const segments = await Promise.all(
      [1, 4].map(async (level) => {
        const writer = new SegmentedGzip({ level, emit: () => Promise.resolve() });
        await writer.write(text(1000, 1));
        await writer.finish();
        return writer.segments[0]!.key;
      }),
    );
    expect(segments[0]).not.toBe(segments[1]);
  });

  it('stores noise and keeps none of it', async () => {
    const { file, segments } = await write([randomBytes(BLOCK_SIZE), randomBytes(100_000)]);
    expect(segments).toEqual([]);
    expect(file.length).toBeLessThanOrEqual(BLOCK_SIZE + 100_000 + 18 + 5 * (17 + 2) + 2);
  });

  it('deflates what is evener than noise', async () => {
    const ramp = Buffer.from(Uint8Array.from({ length: BLOCK_SIZE }, (_, i) => i));
    expect((await write([ramp])).file.length).toBeLessThan(BLOCK_SIZE / 50);
  });

  it('keeps its bytes: they are part of every digest', async () => {
    const parts = [text(BLOCK_SIZE + 5, 1), text(3, 2), Buffer.alloc(300_000), text(800_000, 3)];
    expect(sha256((await write(parts)).file)).toMatchInlineSnapshot(`"1437e584ad3f504a211ea5377f514acdad0cc69ae99f3f021871eb111cc7cba3"`);
    expect(sha256((await write([])).file)).toMatchInlineSnapshot(`"ac73670af3abed54ac6fb4695131f4099be9fbe39d6076c5d0264a6bbdae9d83"`);
  });

  it.skipIf(!hasProgram('gzip'))('is read by gzip (skipped where there is none)', async () => {
    const parts = [text(BLOCK_SIZE, 1), randomBytes(200_000), text(77, 2)];
    const { stdout, status } = spawnSync('gzip', ['-dc'], { input: (await write(parts)).file, maxBuffer: 1 << 28 });
    expect(status).toBe(0);
    expect(stdout.equals(Buffer.concat(parts))).toBe(true);
  });

  it('throws what the sink throws', async () => {
    const writer = new SegmentedGzip({ emit: () => Promise.reject(new Error('disk full')) });
    await expect(writer.write(text(10, 1))).rejects.toThrow('disk full');
  });
});
