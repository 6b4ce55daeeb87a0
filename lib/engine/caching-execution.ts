// Execution that looks into an action cache first and stores what the inner execution makes.
import type { ActionCache } from '../store/action-cache.ts';
import type { ShapeIndex } from '../store/shape-index.ts';
import type { Execution } from './execution.ts';

// Reading the files of small actions before running them costs nothing that can be measured; above this, one pass that
// digests while it works is worth it where the cache cannot have the answer anyway.
const WORTH_ONE_PASS_BYTES = 4 * 1024 * 1024;
const WORTH_ONE_PASS_FILES = 1000;

/**
 * Adds the action cache to an execution. An action that reads much that was never read before, and whose shape was never
 * stored, cannot be in the cache: it runs at once and its inputs are digested on the way.
 */
export function cachingExecution(inner: Execution, cache: ActionCache, shapes: ShapeIndex): Execution {
  return {
    async execute(action, signal) {
      const unread = action.unread();
      const bytes = unread.reduce((sum, input) => sum + input.sizeBytes, 0);
      const large = bytes > WORTH_ONE_PASS_BYTES || unread.length > WORTH_ONE_PASS_FILES;
      const shape = action.shape();
      if (!large || shapes.has(shape)) {
        const result = await cache.getActionResult(await action.key());
        if (result !== undefined) return { result, outcome: 'cached' };
      }
      const executed = await inner.execute(action, signal);
      if (executed.outcome === 'executed') {
        await cache.updateActionResult(await action.key(), executed.result);
        shapes.add(shape);
      }
      return executed;
    },
  };
}
