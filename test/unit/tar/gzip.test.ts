import { createHash, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_SIZE } from '../../../lib/tar/block-writer.ts';
import { createGzipWriter } from '../../../lib/tar/gzip.ts';
import { hasProgram } from '../tools/layer-fixtures.ts';

/** Compresses `content`, which arrives in parts of the given sizes, over and over; each part is overwritten once it is taken. */
async function gzip(content: Buffer, options: { parts?: readonly number[]; window?: number; level?: number } = {}): Promise<Buffer> {
  const { parts = [content.length], ...rest } = options;
  const out: Buffer[] = [];
  let isEmitting = false;
  const writer = createGzipWriter({
    ...rest,
    emit: async (bytes) => {
      expect(isEmitting).toBe(false);
      isEmitting = true;
      await new Promise((resolve) => setImmediate(resolve));
      out.push(Buffer.from(bytes));
      isEmitting = false;
    },
  });
  for (let at = 0, i = 0; at < content.length; i++) {
    const part = Buffer.from(content.subarray(at, at + Math.max(1, parts[i % parts.length] ?? 1)));
    at += part.length;
    await writer.write(part);
    part.fill(0xee);
  }
  await writer.finish();
  return Buffer.concat(out);
}

/** Deterministic bytes: runs of text, of noise and of zeros. */
function mixed(size: number, seed: number): Buffer {
  const content = Buffer.alloc(size);
  let state = createHash('sha256').update(String(seed)).digest();
  for (let at = 0; at < size;) {
    state = createHash('sha256').update(state).digest();
    const length = 1 + (state.readUInt32LE(0) % 300_000);
    const kind = (state[4] ?? 0) % 3;
    if (kind === 0) content.fill(`line ${state[5]} of some text\n`, at, Math.min(size, at + length));
    if (kind === 1)
      for (let i = at; i < Math.min(size, at + length); i += 32)
        createHash('sha256').update(state).update(String(i)).digest().copy(content, i);
    at += length;
  }
  return content;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('createGzipWriter()', () => {
  it('gives the same bytes for every window and however the content arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 * BLOCK_SIZE }),
        fc.integer(),
        fc.array(fc.integer({ min: 1, max: 2 * BLOCK_SIZE }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 8 }),
        async (size, seed, parts, window) => {
          const content = mixed(size, seed);
          const compressed = await gzip(content, { parts, window, level: 1 });
          expect(compressed.equals(await gzip(content, { level: 1 }))).toBe(true);
          expect(gunzipSync(compressed).equals(content)).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  it.each([0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE])('round-trips %d bytes of text and of noise', async (size) => {
    for (const content of [Buffer.alloc(size, 'some text, '), randomBytes(size)]) {
      const compressed = await gzip(content);
      expect(gunzipSync(compressed).equals(content)).toBe(true);
      expect(compressed.equals(await gzip(content, { parts: [4096] }))).toBe(true);
    }
  });

  it('keeps its bytes: they are part of every digest', async () => {
    const content = mixed(3 * BLOCK_SIZE + 12345, 7);
    expect(sha256(content)).toMatchInlineSnapshot(`"2c3bf2447959a88809c6e4dd5f2320e61506fe80164c9f246bc6d75fabf2a569"`);
    expect(sha256(await gzip(content))).toMatchInlineSnapshot(`"e2a70f2a80c2302fce878fe29692107e1b68a9a8b1ca44cc89fc30dc0ee45e5f"`);
    expect(sha256(await gzip(Buffer.alloc(0)))).toMatchInlineSnapshot(`"ac73670af3abed54ac6fb4695131f4099be9fbe39d6076c5d0264a6bbdae9d83"`);
  });

  it('writes a header without name, time and operating system', async () => {
    expect((await gzip(Buffer.from('x'))).subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff');
  });

  it('stores noise as it is, with 5 bytes for each 64 KiB and 18 for the frame', async () => {
    const size = 2 * BLOCK_SIZE + 100_000;
    const compressed = await gzip(randomBytes(size));
    expect(compressed.length).toBeGreaterThan(size);
    expect(compressed.length).toBeLessThanOrEqual(size + 18 + 5 * (17 + 17 + 2));
  });

  it('never grows by more than its bound', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 70_000 }), async (bytes) => {
        const compressed = await gzip(Buffer.from(bytes), { level: 1 });
        expect(compressed.length).toBeLessThanOrEqual(bytes.length + 18 + 5 * (1 + Math.floor(bytes.length / 0xffff)));
        expect(gunzipSync(compressed).equals(bytes)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('deflates a block of which a part is noise', async () => {
    const content = Buffer.alloc(BLOCK_SIZE, 'compressible ');
    randomBytes(BLOCK_SIZE / 2).copy(content, BLOCK_SIZE / 4);
    expect((await gzip(content)).length).toBeLessThan(0.6 * BLOCK_SIZE);
  });

  it('compresses across blocks: a block finds what stands in the one before', async () => {
    const noise = randomBytes(16_384);
    // 64 KiB of noise at the end of a block would be stored; 16 KiB within text are not.
    const content = Buffer.concat([Buffer.alloc(BLOCK_SIZE - noise.length, 'a'), noise, noise]);
    expect((await gzip(content)).length).toBeLessThan(noise.length + 4000);
  });

  it.skipIf(!hasProgram('gzip'))('is read by gzip (skipped where there is none)', async () => {
    const content = mixed(2 * BLOCK_SIZE + 77, 3);
    const { stdout, status } = spawnSync('gzip', ['-dc'], { input: await gzip(content), maxBuffer: 1 << 28 });
    expect(status).toBe(0);
    expect(stdout.equals(content)).toBe(true);
  });

  it('throws what the sink throws, from write() or finish(), and emits nothing after it', async () => {
    let emitted = 0;
    const writer = createGzipWriter({
      emit: () => {
        emitted++;
        return emitted === 2 ? Promise.reject(new Error('disk full')) : Promise.resolve();
      },
    });
    const write = async () => {
      for (let i = 0; i < 20; i++) await writer.write(Buffer.alloc(BLOCK_SIZE, i));
      await writer.finish();
    };
    await expect(write()).rejects.toThrow('disk full');
    expect(emitted).toBe(2);
  });

  it('keeps a bounded number of blocks under way', async () => {
    let taken = 0;
    let emitted = 0;
    const writer = createGzipWriter({
      window: 2,
      level: 1,
      observe: () => {
        taken++;
        // The header is an emission too.
        expect(taken - Math.max(0, emitted - 1)).toBeLessThanOrEqual(3);
      },
      emit: () => {
        emitted++;
        return new Promise((resolve) => setTimeout(resolve, 2));
      },
    });
    for (let i = 0; i < 12; i++) await writer.write(Buffer.alloc(BLOCK_SIZE, i));
    await writer.finish();
    expect(taken).toBe(12);
  });
});
