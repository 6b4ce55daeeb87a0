// Execution of a bounded number of actions at a time.
import { createLimiter } from '../base/limiter.ts';
import type { Execution } from './execution.ts';
import type { StartGate } from './start-gate.ts';

/** Adds a limit of `slots` actions at a time; an action that was waiting when the build stopped or failed does not start. */
export function limitedExecution(inner: Execution, slots: number, gate: StartGate): Execution {
  const limit = createLimiter(slots);
  return {
    execute: (action, signal) =>
      limit(async () => {
        signal.throwIfAborted();
        gate.requireOpen(action.node);
        try {
          return await inner.execute(action, signal);
        } catch (error) {
          // Before the slot is free: the next in line must see it.
          gate.noteFailure();
          throw error;
        }
      }),
  };
}
