// Cuts a stream into blocks, transforms several of them at a time and hands on the results in order. The blocks depend on
// the bytes and on the cuts alone, not on how they arrive or on how many are under way.

/** Largest size of a block, in bytes. It decides the bytes of every gzip archive: never change it without the tools' version. */
export const BLOCK_SIZE = 1 << 20;

/** Bytes of the block before that a transform can look back on. */
const HISTORY_SIZE = 1 << 15;

/** Blocks under way at most. libuv's pool has 4 threads unless told otherwise. */
const DEFAULT_WINDOW = 4;

/** One block of the stream; its memory is used again once its transformed bytes are emitted. */
export interface Block {
  /** BLOCK_SIZE bytes; fewer before a cut, and in the last block, which may be empty. */
  readonly data: Buffer;
  /** The 32 KiB before `data`, or as much as there is. */
  readonly history: Buffer;
  readonly isLast: boolean;
}

/** Takes a stream of bytes. */
export interface ByteWriter {
  /** Takes the bytes; `chunk` may be reused at once, or when the promise settles if there is one. Await it before the next call. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Writes what is left; settles when everything has been emitted. */
  finish(): Promise<void>;
}

/** What a BlockWriter does with its blocks. */
export interface BlockWriterOptions {
  /** Sees each block in order, before it is transformed. */
  readonly observe?: ((block: Block) => void) | undefined;
  /** The bytes to emit for a block. May run for several blocks at a time. */
  readonly transform: (block: Block) => Uint8Array | Promise<Uint8Array>;
  /** Takes the transformed bytes, in order, one call at a time. */
  readonly emit: (bytes: Uint8Array) => Promise<void>;
  /** Blocks under way at most; 4 by default. Changes speed and memory only. */
  readonly window?: number | undefined;
}

/** A ByteWriter by blocks. Memory: window + 1 blocks and what the transforms need. */
export class BlockWriter implements ByteWriter {
  readonly #options: BlockWriterOptions;
  readonly #window: number;
  readonly #free: Buffer[] = [];
  // HISTORY_SIZE bytes of history, then the block's data.
  #buffer: Buffer = Buffer.allocUnsafeSlow(HISTORY_SIZE + BLOCK_SIZE);
  #used = 0;
  #historyBytes = 0;
  /** Emission of the blocks under way, oldest first. */
  readonly #underWay: Promise<void>[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(options: BlockWriterOptions) {
    this.#options = options;
    this.#window = options.window ?? DEFAULT_WINDOW;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (chunk.length > BLOCK_SIZE - this.#used) return this.#writeAcross(chunk);
    this.#buffer.set(chunk, HISTORY_SIZE + this.#used);
    this.#used += chunk.length;
    return undefined;
  }

  /** Bytes of the block that is being filled. */
  get pendingBytes(): number {
    return this.#used;
  }

  /** Ends the block here: what follows is in another one. Await the promise if there is one. */
  cut(): Promise<void> | undefined {
    return this.#used === 0 ? undefined : this.#next();
  }

  async finish(): Promise<void> {
    this.#submit(true);
    await Promise.all(this.#underWay);
    this.#throwFailure();
  }

  async #writeAcross(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.length;) {
      // A full block waits for the next byte, since only then it is known not to be the last one.
      if (this.#used === BLOCK_SIZE) await this.#next();
      const end = Math.min(chunk.length, offset + BLOCK_SIZE - this.#used);
      this.#buffer.set(chunk.subarray(offset, end), HISTORY_SIZE + this.#used);
      this.#used += end - offset;
      offset = end;
    }
  }

  async #next(): Promise<void> {
    const ended = this.#buffer;
    const end = HISTORY_SIZE + this.#used;
    this.#submit(false);
    while (this.#underWay.length >= this.#window) await this.#underWay[0];
    this.#throwFailure();
    this.#buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(HISTORY_SIZE + BLOCK_SIZE);
    this.#buffer.set(ended.subarray(end - HISTORY_SIZE, end), 0);
    this.#used = 0;
  }

  #submit(isLast: boolean): void {
    const buffer = this.#buffer;
    const block: Block = {
      data: buffer.subarray(HISTORY_SIZE, HISTORY_SIZE + this.#used),
      history: buffer.subarray(HISTORY_SIZE - this.#historyBytes, HISTORY_SIZE),
      isLast,
    };
    this.#historyBytes = Math.min(HISTORY_SIZE, this.#historyBytes + this.#used);
    this.#options.observe?.(block);
    const previous = this.#underWay.at(-1);
    const emitted = this.#emit(this.#options.transform(block), previous);
    this.#underWay.push(emitted);
    void emitted.then(() => {
      void this.#underWay.shift();
      this.#free.push(buffer);
    });
  }

  // Never rejects: a failure is kept for the next call, so that no rejection is left without a handler.
  async #emit(transformed: Uint8Array | Promise<Uint8Array>, previous: Promise<void> | undefined): Promise<void> {
    try {
      const bytes = await transformed;
      await previous;
      if (this.#failure === undefined && bytes.length > 0) await this.#options.emit(bytes);
    } catch (error) {
      this.#failure ??= { error };
      await previous;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** A writer that hands on the bytes as they are, in blocks. */
export function createPlainWriter(options: Omit<BlockWriterOptions, 'transform'>): ByteWriter {
  return new BlockWriter({ ...options, transform: (block) => block.data });
}
