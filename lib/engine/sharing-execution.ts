// Execution in which equal actions that are asked for at the same time run once.
import { sha256Hex } from '../base/digest.ts';
import type { Executed, Execution } from './execution.ts';
import type { PreparedAction } from './prepared-action.ts';

/** Adds sharing of actions in flight. Actions are equal when their keys are, or their shapes and the paths of all their files. */
export function sharingExecution(inner: Execution): Execution {
  const running = new Map<string, Promise<Executed>>();
  return {
    async execute(action, signal) {
      const identity = action.isRead() ? (await action.key()).hash : `${action.shape()} ${sha256Hex(filesOf(action))}`;
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

// A shape leaves out what files contain: the same files contain the same.
function filesOf(action: PreparedAction): string {
  return action.inputs.flatMap(({ content }) => (content.kind === 'file' ? [content.path] : [])).join('\0');
}
