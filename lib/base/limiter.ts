// Concurrency slots.

/** Runs `task` when a slot is free; slots are given in the order of the calls. */
export type Limiter = <T>(task: () => Promise<T>) => Promise<T>;

/** A limiter of `slots` tasks at a time. */
export function createLimiter(slots: number): Limiter {
  if (!Number.isInteger(slots) || slots < 1) throw new RangeError(`Cannot limit to ${slots} slots: expected 1 or more`);
  let free = slots;
  const waiting: (() => void)[] = [];
  const release = () => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      release();
    }
  };
}
