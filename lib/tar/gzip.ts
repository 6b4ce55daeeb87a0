// Gzip whose bytes depend on the content and the level alone, deflated on several threads: a fixed header, blocks of
// 1 MiB that each look back 32 KiB, and blocks that do not shrink stored as they are. docs/decisions/0004-gzip.md has the numbers.
import { BlockWriter } from './block-writer.ts';
import type { BlockWriterOptions, ByteWriter } from './block-writer.ts';
import { crc32 } from './crc32.ts';
import { deflateBlock, looksIncompressible, storeBlock } from './deflate-block.ts';

/** Deflate level of layers, 1 to 9. Part of the tools' versions: another level gives other digests. */
export const GZIP_LEVEL = 4;

/** RFC 1952: magic, deflate, no flags (so no name), mtime 0, no extra flags, unknown operating system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

/** What createGzipWriter() needs. */
export interface GzipWriterOptions extends Omit<BlockWriterOptions, 'transform'> {
  /** 1 to 9; GZIP_LEVEL by default. */
  readonly level?: number | undefined;
}

/**
 * A writer that emits one gzip member. The bytes are the same for every window and however the content arrives.
 * Output is never larger than the input + 5 bytes for each 64 KiB or part of it + 18 bytes and a few for each block.
 */
export function createGzipWriter({ level = GZIP_LEVEL, ...options }: GzipWriterOptions): ByteWriter {
  return new GzipMember({
    ...options,
    async transform({ data, history, isLast }) {
      return (await looksIncompressible(data, level)) ? storeBlock(data, isLast) : await deflateBlock(data, { level, history, isLast });
    },
  });
}

/** One gzip member around the deflate blocks that `transform` makes; `end` ends the deflate stream where the last of them does not. */
export class GzipMember implements ByteWriter {
  readonly #options: BlockWriterOptions;
  readonly #blocks: BlockWriter;
  readonly #end: Uint8Array;
  #isStarted = false;
  #crc = 0;
  #sizeBytes = 0;

  constructor(options: BlockWriterOptions, end: Uint8Array = new Uint8Array()) {
    this.#options = options;
    this.#end = end;
    this.#blocks = new BlockWriter({
      ...options,
      observe: (block) => {
        this.#crc = crc32(block.data, this.#crc);
        this.#sizeBytes += block.data.length;
        options.observe?.(block);
      },
    });
  }

  /** Bytes of the block that is being filled. */
  get pendingBytes(): number {
    return this.#blocks.pendingBytes;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#isStarted ? this.#blocks.write(chunk) : this.#start().then(() => this.#blocks.write(chunk));
  }

  /** Ends the block here. Await the promise if there is one. */
  cut(): Promise<void> | undefined {
    return this.#blocks.cut();
  }

  async finish(): Promise<void> {
    if (!this.#isStarted) await this.#start();
    await this.#blocks.finish();
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc, 0);
    // RFC 1952: the size modulo 2^32.
    trailer.writeUInt32LE(this.#sizeBytes % 2 ** 32, 4);
    await this.#options.emit(Buffer.concat([this.#end, trailer]));
  }

  async #start(): Promise<void> {
    this.#isStarted = true;
    await this.#options.emit(HEADER);
  }
}
