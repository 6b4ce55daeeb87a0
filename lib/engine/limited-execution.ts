// Execution of a bounded number of actions at a time.
import { createLimiter } from '../base/limiter.ts';
import type { Execution } from './execution.ts';

/** Adds a limit of `slots` actions at a time; an action that was waiting when the build stopped does not start. */
export function limitedExecution(inner: Execution, slots: number): Execution {
  const limit = createLimiter(slots);
  return {
    execute: (action, signal) =>
      limit(() => {
        signal.throwIfAborted();
        return inner.execute(action, signal);
      }),
  };
}
