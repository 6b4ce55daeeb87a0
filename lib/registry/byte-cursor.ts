// Reads a re-openable blob in pieces: chunks that follow each other come from one pass over it.

/** Opens a blob's bytes from `offset` on. */
export type OpenBlob = (offset: number) => AsyncIterable<Uint8Array>;

/** A position in a blob. */
export interface ByteCursor {
  /** Exactly the bytes from `start` to `end` (exclusive). One reading at a time; a new one ends the last. */
  slice(start: number, end: number): AsyncIterable<Uint8Array>;
  /** Bytes of the blob that were handed out at any time: an upper bound of what a receiver may have. */
  readonly furthest: number;
  /** Ends the current pass. */
  close(): void;
}

/** A cursor over the blob that `open` reads. */
export function createByteCursor(open: OpenBlob): ByteCursor {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  let position = 0;
  let furthest = 0;
  let rest: Uint8Array | undefined;
  // A reading that was given up may still wait for a chunk, which would then be missing from the next one.
  let isBetween = true;

  const close = () => {
    const ended = iterator;
    iterator = undefined;
    rest = undefined;
    // Not awaited: a source that is stuck in a read would hold up whoever gave it up.
    ended?.return?.().catch(() => undefined);
  };

  async function* slice(start: number, end: number): AsyncGenerator<Uint8Array> {
    if (start === end) return;
    if (iterator === undefined || position !== start || !isBetween) {
      close();
      iterator = open(start)[Symbol.asyncIterator]();
      position = start;
    }
    const own = iterator;
    isBetween = false;
    while (position < end) {
      let chunk = rest;
      rest = undefined;
      if (chunk === undefined) {
        const next = await own.next();
        if (next.done === true) throw new Error(`A blob ended at ${position} bytes, expected ${end}`);
        chunk = next.value;
      }
      const room = end - position;
      if (chunk.byteLength > room) {
        rest = chunk.subarray(room);
        chunk = chunk.subarray(0, room);
      }
      position += chunk.byteLength;
      furthest = Math.max(furthest, position);
      if (position === end) isBetween = true;
      yield chunk;
    }
  }

  return {
    slice,
    get furthest() {
      return furthest;
    },
    close,
  };
}
