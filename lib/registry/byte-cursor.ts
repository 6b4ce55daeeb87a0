// Reads a re-openable blob in pieces: chunks that follow each other come from one pass over it.
import { setImmediate } from 'node:timers/promises';
import type { ByteStream } from './http.ts';

/** Opens a blob's bytes from `offset` on. */
export type OpenBlob = (offset: number) => ByteStream;

/** A position in a blob. */
export interface ByteCursor {
  /** Exactly the bytes from `start` to `end` (exclusive). One reading at a time; a new one ends the last. */
  slice(start: number, end: number): AsyncIterable<Uint8Array>;
  /** Bytes of the blob that were handed out at any time: an upper bound of what a receiver may have. */
  readonly furthest: number;
  /** Ends the current pass. */
  close(): void;
}

// A receiver that is as fast as we are would keep timers and signals waiting as long as bytes are at hand.
const BREATH_BYTES = 4 << 20;

/**
 * A cursor over the blob that `open` reads.
 * @param onRead called with the position after each piece that was handed out
 */
export function createByteCursor(open: OpenBlob, onRead?: (position: number) => void): ByteCursor {
  let iterator: Iterator<Uint8Array> | AsyncIterator<Uint8Array> | undefined;
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
    void Promise.resolve(ended?.return?.()).catch(() => undefined);
  };

  async function* slice(start: number, end: number): AsyncGenerator<Uint8Array> {
    if (start === end) return;
    if (iterator === undefined || position !== start || !isBetween) {
      close();
      iterator = iteratorOf(open(start));
      position = start;
    }
    const own = iterator;
    isBetween = false;
    let sinceBreath = 0;
    while (position < end) {
      let chunk = rest;
      rest = undefined;
      if (chunk === undefined) {
        const result = own.next();
        const next = result instanceof Promise ? await result : result;
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
      onRead?.(position);
      yield chunk;
      sinceBreath += chunk.byteLength;
      if (sinceBreath < BREATH_BYTES) continue;
      sinceBreath = 0;
      await setImmediate();
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

function iteratorOf(stream: ByteStream): Iterator<Uint8Array> | AsyncIterator<Uint8Array> {
  return Symbol.iterator in stream ? stream[Symbol.iterator]() : stream[Symbol.asyncIterator]();
}
