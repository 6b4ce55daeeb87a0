// Gzip for large archives: segments of at most 1 MiB that do not look back on each other, so that a segment's compressed bytes
// depend on its content alone and are found again in the next build. docs/decisions/0004-gzip.md has the numbers.
import { createHash } from 'node:crypto';
import { sha256Hex } from '../base/digest.ts';
import type { Block } from './block-writer.ts';
import { deflateBlock, looksLikeNoise, MEM_LEVEL, storeBlock } from './deflate-block.ts';
import { GZIP_LEVEL, GzipMember, type GzipWriterOptions } from './gzip.ts';
import type { Segment, SegmentCache } from './segment-cache.ts';

/** Ends a deflate stream: a last block without content. RFC 1951, 3.2.6. */
const END = Buffer.from([3, 0]);

/** What a SegmentedGzip needs. */
export interface SegmentedGzipOptions extends GzipWriterOptions {
  /** Where compressed segments are looked up. Never changes the bytes. */
  readonly cache?: Pick<SegmentCache, 'find'> | undefined;
}

/** A writer that emits one gzip member. The bytes depend on the content, the cuts and the level alone. */
export class SegmentedGzip extends GzipMember {
  /** The segments that were worth compressing, once finish() has settled. */
  readonly segments: readonly Segment[];

  constructor({ level = GZIP_LEVEL, cache, ...options }: SegmentedGzipOptions) {
    const segments: Segment[] = [];
    const kept = new WeakMap<Uint8Array, Pick<Segment, 'key' | 'sha256'>>();
    const compressor = compressorName(level);
    let offset = 0;
    super(
      {
        ...options,
        async transform({ data }: Block) {
          if (data.length === 0) return data;
          if (await looksLikeNoise(data, level)) return storeBlock(data, false);
          const key = createHash('sha256').update(compressor).update(data).digest('hex');
          const found = cache?.find(key);
          const bytes = found?.bytes ?? (await deflateBlock(data, { level, isLast: false }));
          kept.set(bytes, { key, sha256: found?.sha256 ?? sha256Hex(bytes) });
          return bytes;
        },
        async emit(bytes) {
          const segment = kept.get(bytes);
          if (segment !== undefined) segments.push({ ...segment, offset, sizeBytes: bytes.length });
          offset += bytes.length;
          await options.emit(bytes);
        },
      },
      END,
    );
    this.segments = segments;
  }
}

// What decides a segment's bytes besides its content. Builds of Node with another zlib do not share segments.
function compressorName(level: number): string {
  return `deflate ${level} ${MEM_LEVEL} ${process.versions.zlib} ${process.arch}\n`;
}
