// Garbage collection on request. V8 lets its heap grow to a multiple of what lives before it looks for garbage, and seldom gives back what a moment of
// 100,000 objects took. Whoever had that moment knows when it is over.

/** Collecting takes about a millisecond for each megabyte that lives: it is worth that for as many objects as these. */
const MANY = 20_000;

/**
 * Collects garbage after work on `count` objects, if they are many and Node was started with `--expose-gc`, as bin/ocidsl.js does. Changes
 * nothing but memory and time.
 */
export function collectGarbageAfter(count: number): void {
  if (count >= MANY) (globalThis as { gc?: () => void }).gc?.();
}
