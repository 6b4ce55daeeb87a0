// V8's heap where there are very many objects. V8 keeps three halves of up to 16 MiB for young objects, lets its heap grow to a multiple of what lives
// before it looks for garbage, and seldom gives back what a moment of 100,000 objects took. Flags of V8 at Node's start would limit that too, and cost every
// command 25 ms: Node's own modules are compiled code that counts for V8's default flags only. docs/decisions/0015-memory.md has the numbers.

/** Collecting takes about a millisecond for each megabyte that lives: it is worth that for as many objects as these. */
const MANY = 20_000;

let collect: (() => void) | undefined;

/** Collects garbage after work on `count` objects, if they are many. Changes nothing but memory and time. */
export function collectGarbageAfter(count: number): void {
  if (count < MANY) return;
  collect ??= exposeCollector();
  collect();
}

function exposeCollector(): () => void {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  setFlagsFromString('--expose-gc');
  const gc = process.getBuiltinModule('node:vm').runInNewContext('globalThis.gc') as (() => void) | undefined;
  setFlagsFromString('--no-expose-gc');
  return gc ?? (() => {});
}

/** Of as many objects that stay, V8's young generation has grown to halves of 2 to 4 MiB. */
const WARM = 5000;

let seen = 0;

/** Notes `count` objects that will stay. When there have been many of them, the young generation grows no more. */
export function expectObjects(count: number): void {
  const before = seen;
  seen += count;
  if (before < WARM && seen >= WARM) process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
}
