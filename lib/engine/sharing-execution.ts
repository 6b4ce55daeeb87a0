// Execution in which equal actions that are asked for at the same time run once.
import type { Executed, Execution } from './execution.ts';

/** Adds sharing of actions in flight. Actions are equal when their keys are, or their shapes and all unread files. */
export function sharingExecution(inner: Execution): Execution {
  const running = new Map<string, Promise<Executed>>();
  return {
    async execute(action, signal) {
      const unread = action.unread();
      const identity =
        unread.length === 0
          ? (await action.key()).hash
          : `${action.shape()} ${unread.map((input) => (input.content.kind === 'file' ? input.content.path : '')).join('\0')}`;
      const known = running.get(identity);
      if (known !== undefined) return { ...(await known), outcome: 'shared' };
      const started = inner.execute(action, signal);
      running.set(identity, started);
      try {
        return await started;
      } finally {
        running.delete(identity);
      }
    },
  };
}
