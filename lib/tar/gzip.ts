// Gzip whose bytes depend on the content and the level alone, deflated on several threads: a fixed header, blocks of
// 1 MiB that each look back 32 KiB, and blocks that do not shrink stored as they are. docs/decisions/0004-gzip.md has the numbers.
import * as zlib from 'node:zlib';
import { BLOCK_SIZE, BlockWriter } from './block-writer.ts';
import type { Block, BlockWriterOptions, ByteWriter } from './block-writer.ts';

/** Deflate level of layers, 1 to 9. Part of the tools' versions: another level gives other digests. */
export const GZIP_LEVEL = 4;

/** zlib's largest hash table: 8 % less time than its default, and other bytes. */
const MEM_LEVEL = 9;

/** RFC 1952: magic, deflate, no flags (so no name), mtime 0, no extra flags, unknown operating system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

/** Largest content of a stored deflate block. */
const MAX_STORED = 0xffff;

/** Blocks of at least this size are sampled before they are deflated. */
const MIN_SAMPLED = 1 << 16;
const SAMPLES = 4;
const SAMPLE_SIZE = 1 << 12;
/** A block whose sample keeps more than this share of its size is stored: 3 % is not worth 20 ms a block. */
const INCOMPRESSIBLE = 0.97;
/** Evenness of a sample's bytes, 1 for noise, beyond which it is taken for compressible without a try. */
const EVENNESS = 1.5;

// One call of zlib must do for a block: with a full output buffer it would be called again and add flush markers.
const CHUNK_SIZE = BLOCK_SIZE + (BLOCK_SIZE >> 4);

/** What createGzipWriter() needs. */
export interface GzipWriterOptions extends Omit<BlockWriterOptions, 'transform'> {
  /** 1 to 9; GZIP_LEVEL by default. */
  readonly level?: number | undefined;
}

/**
 * A writer that emits one gzip member. The bytes are the same for every window and however the content arrives.
 * Output is never larger than the input + 5 bytes for each 64 KiB or part of it + 18 bytes and a few for each block.
 */
export function createGzipWriter(options: GzipWriterOptions): ByteWriter {
  const level = options.level ?? GZIP_LEVEL;
  let crc = 0;
  let sizeBytes = 0;
  const blocks = new BlockWriter({
    ...options,
    observe: (block) => {
      crc = crc32(block.data, crc);
      sizeBytes += block.data.length;
      options.observe?.(block);
    },
    transform: (block) => compressBlock(block, level),
  });
  let isStarted = false;
  const start = async () => {
    isStarted = true;
    await options.emit(HEADER);
  };
  return {
    write(chunk) {
      return isStarted ? blocks.write(chunk) : start().then(() => blocks.write(chunk));
    },
    async finish() {
      if (!isStarted) await start();
      await blocks.finish();
      const trailer = Buffer.alloc(8);
      trailer.writeUInt32LE(crc, 0);
      // RFC 1952: the size modulo 2^32.
      trailer.writeUInt32LE(sizeBytes % 2 ** 32, 4);
      await options.emit(trailer);
    },
  };
}

// zlib.crc32 came with Node 20.15; @types/node 20 may lack it.
const { crc32 } = zlib as unknown as { readonly crc32: (data: Uint8Array, value: number) => number };

async function compressBlock(block: Block, level: number): Promise<Uint8Array> {
  const { data, history, isLast } = block;
  if (data.length >= MIN_SAMPLED) {
    const sample = sampleOf(data);
    if (looksRandom(sample) && (await deflate(sample, { level, chunkSize: 2 * sample.length })).length > sample.length * INCOMPRESSIBLE) {
      return stored(data, isLast);
    }
  }
  const compressed = await deflate(data, {
    level,
    memLevel: MEM_LEVEL,
    chunkSize: CHUNK_SIZE,
    finishFlush: isLast ? zlib.constants.Z_FINISH : zlib.constants.Z_SYNC_FLUSH,
    ...(history.length > 0 ? { dictionary: history } : undefined),
  });
  return compressed.length > storedSize(data.length) ? stored(data, isLast) : compressed;
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

// Deflating every sample would cost 2 % of the time, so only what has its bytes as even as noise is looked at closely.
// Noise gives n²/256 + n; integers, so that every machine decides alike.
function looksRandom(sample: Buffer): boolean {
  const counts = new Uint32Array(256);
  for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1;
  let squares = 0;
  for (const count of counts) squares += count * count;
  return squares < (EVENNESS * sample.length * sample.length) / 256;
}

const storedSize = (sizeBytes: number) => sizeBytes + 5 * Math.max(1, Math.ceil(sizeBytes / MAX_STORED));

// RFC 1951, 3.2.4: non-compressed blocks. Every block before ends at a byte, so the three header bits are a byte here.
function stored(data: Buffer, isLast: boolean): Buffer {
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

function deflate(data: Buffer, options: zlib.ZlibOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zlib.deflateRaw(data, options, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}
