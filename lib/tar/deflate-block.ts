// One block of content as raw deflate that ends at a byte: deflated on libuv's threads, or stored where that does not pay.
// docs/decisions/0004-gzip.md has the numbers.
import { availableParallelism } from 'node:os';
import * as zlib from 'node:zlib';
import { createLimiter } from '../base/limiter.ts';
import { BLOCK_SIZE } from './block-writer.ts';

/** zlib's largest hash table: 8 % less time than its default, and other bytes. */
export const MEM_LEVEL = 9;

/** Largest content of a stored deflate block. */
const MAX_STORED = 0xffff;

/** Blocks of at least this size are sampled before they are deflated. */
const MIN_SAMPLED = 1 << 16;
const SAMPLES = 4;
const SAMPLE_SIZE = 1 << 12;
/** A block whose sample keeps more than this share of its size is stored: 3 % is not worth 20 ms a block. */
const INCOMPRESSIBLE = 0.97;
/** Evenness of a sample's bytes, 1 for equal counts, beyond which it is taken for compressible without a try. */
const EVENNESS = 1.5;
/** Evenness of 16 KiB of noise: 1 + 256 / 16384 and eight standard deviations around it. What is evener has a pattern. */
const NOISE = [1.004, 1.027] as const;

// One call of zlib must do for a block: with a full output buffer it would be called again and add flush markers.
const CHUNK_SIZE = BLOCK_SIZE + (BLOCK_SIZE >> 4);

/** How a block is deflated. */
export interface DeflateOptions {
  /** 1 to 9. */
  readonly level: number;
  /** What stands before the block in the stream, as far as the block may look back. */
  readonly history?: Buffer | undefined;
  /** Whether the deflate stream ends with the block. */
  readonly isLast: boolean;
}

/** Whether samples of a block show that deflating it would gain nothing. Decided by its bytes alone, so every machine decides alike. */
export async function looksIncompressible(data: Buffer, level: number): Promise<boolean> {
  if (data.length < MIN_SAMPLED) return false;
  const sample = sampleOf(data);
  return evennessOf(sample) < EVENNESS && (await keepsItsSize(sample, level));
}

/** The same, without a try where the bytes are spread as only noise spreads them: a try takes 2 % of the time that deflating the block does. */
export async function looksLikeNoise(data: Buffer, level: number): Promise<boolean> {
  if (data.length < MIN_SAMPLED) return false;
  const sample = sampleOf(data);
  const evenness = evennessOf(sample);
  return (evenness > NOISE[0] && evenness < NOISE[1]) || (evenness < EVENNESS && (await keepsItsSize(sample, level)));
}

/** A block of at most BLOCK_SIZE bytes, deflated; stored where that is not longer. */
export async function deflateBlock(data: Buffer, { level, history, isLast }: DeflateOptions): Promise<Buffer> {
  const deflated = await deflateRaw(data, {
    level,
    memLevel: MEM_LEVEL,
    chunkSize: CHUNK_SIZE,
    finishFlush: isLast ? zlib.constants.Z_FINISH : zlib.constants.Z_SYNC_FLUSH,
    ...(history !== undefined && history.length > 0 ? { dictionary: history } : undefined),
  });
  return deflated.length > storedSize(data.length) ? storeBlock(data, isLast) : deflated;
}

// Spread over the block, so that one picture among texts does not speak for all of them.
function sampleOf(data: Buffer): Buffer {
  const sample = Buffer.allocUnsafe(SAMPLES * SAMPLE_SIZE);
  const stride = Math.floor(data.length / SAMPLES);
  for (let i = 0; i < SAMPLES; i++) {
    const from = i * stride + ((stride - SAMPLE_SIZE) >> 1);
    data.copy(sample, i * SAMPLE_SIZE, from, from + SAMPLE_SIZE);
  }
  return sample;
}

// Sum of the squared counts over that of equal counts: 1 for equal ones, 256 for a single byte. Sums of integers, and a division
// that every machine rounds alike.
function evennessOf(sample: Buffer): number {
  const counts = new Uint32Array(256);
  for (const byte of sample) counts[byte]!++;
  let squares = 0;
  for (const count of counts) squares += count * count;
  return (squares * 256) / (sample.length * sample.length);
}

async function keepsItsSize(sample: Buffer, level: number): Promise<boolean> {
  return (await deflateRaw(sample, { level, chunkSize: 2 * sample.length })).length > sample.length * INCOMPRESSIBLE;
}

const storedSize = (sizeBytes: number) => sizeBytes + 5 * Math.max(1, Math.ceil(sizeBytes / MAX_STORED));

/** A block as it is. RFC 1951, 3.2.4: every block before ends at a byte, so the three header bits are a byte here. */
export function storeBlock(data: Buffer, isLast: boolean): Buffer {
  const out = Buffer.allocUnsafe(storedSize(data.length));
  let at = 0;
  let from = 0;
  do {
    const length = Math.min(MAX_STORED, data.length - from);
    out[at] = isLast && from + length === data.length ? 1 : 0;
    out.writeUInt16LE(length, at + 1);
    out.writeUInt16LE(~length & 0xffff, at + 3);
    data.copy(out, at + 5, from, from + length);
    at += 5 + length;
    from += length;
  } while (from < data.length);
  return out;
}

// libuv has 4 threads whatever the processors are. Blocks push each other out of the processors' caches and keep the main thread waiting: 4 at a time on two
// processors took 3 % longer than 3. One more than processors, so that there is always one at hand.
const limit = createLimiter(Math.min(availableParallelism() + 1, 4));

function deflateRaw(data: Buffer, options: zlib.ZlibOptions): Promise<Buffer> {
  return limit(
    () =>
      new Promise((resolve, reject) => {
        zlib.deflateRaw(data, options, (error, bytes) => (error ? reject(error) : resolve(bytes)));
      }),
  );
}
