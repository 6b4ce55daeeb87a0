// Reads a re-openable blob in pieces: chunks that follow each other come from one pass over it.
import type { ByteStream } from './http.ts';

/** Opens a blob's bytes from `offset` on. */
export type OpenBlob = (offset: number) => ByteStream;

/** A position in a blob. */
export interface ByteCursor {
  /** Exactly the bytes from `start` to `end` (exclusive), synchronously where the blob is. One reading at a time; a new one ends the last. */
  slice(start: number, end: number): ByteStream;
  /** Bytes of the blob that were handed out at any time: an upper bound of what a receiver may have. */
  readonly furthest: number;
  /** Ends the current pass. */
  close(): void;
}

/**
 * A cursor over the blob that `open` reads.
 * @param onRead called with the position after each piece that was handed out
 */
export function createByteCursor(open: OpenBlob, onRead?: (position: number) => void): ByteCursor {
  let source: Source | undefined;
  let position = 0;
  let furthest = 0;
  let rest: Uint8Array | undefined;
  // A reading that was given up may still wait for a chunk, which would then be missing from the next one.
  let isBetween = true;

  const close = () => {
    const ended = source;
    source = undefined;
    rest = undefined;
    // Not awaited: a source that is stuck in a read would hold up whoever gave it up.
    void Promise.resolve(ended?.iterator.return?.()).catch(() => undefined);
  };

  // What of the next chunk belongs to the reading up to `end`; the rest is kept.
  const take = ({ done, value }: IteratorResult<Uint8Array, unknown>, end: number): Uint8Array => {
    if (done === true) throw new Error(`A blob ended at ${position} bytes, expected ${end}`);
    const chunk = value.subarray(0, end - position);
    rest = chunk.byteLength < value.byteLength ? value.subarray(chunk.byteLength) : undefined;
    position += chunk.byteLength;
    furthest = Math.max(furthest, position);
    if (position === end) isBetween = true;
    onRead?.(position);
    return chunk;
  };
  const kept = () => (rest === undefined ? undefined : { value: rest });

  function* atHand(iterator: Iterator<Uint8Array>, end: number): Generator<Uint8Array> {
    while (position < end) yield take(kept() ?? iterator.next(), end);
  }

  async function* awaited(own: Source, end: number): AsyncGenerator<Uint8Array> {
    while (position < end) {
      const next = kept() ?? (await own.iterator.next());
      if (own !== source) return; // given up meanwhile: the position is another reading's
      yield take(next, end);
    }
  }

  const slice = (start: number, end: number): ByteStream => {
    if (start === end) return [];
    if (source === undefined || position !== start || !isBetween) {
      close();
      source = iteratorOf(open(start));
      position = start;
    }
    isBetween = false;
    return source.isAtHand ? atHand(source.iterator, end) : awaited(source, end);
  };

  return {
    slice,
    get furthest() {
      return furthest;
    },
    close,
  };
}

type Source =
  | { readonly isAtHand: true; readonly iterator: Iterator<Uint8Array> }
  | { readonly isAtHand: false; readonly iterator: AsyncIterator<Uint8Array> };

function iteratorOf(stream: ByteStream): Source {
  return Symbol.iterator in stream
    ? { isAtHand: true, iterator: stream[Symbol.iterator]() }
    : { isAtHand: false, iterator: stream[Symbol.asyncIterator]() };
}
