// Adds to an action cache that nothing is written to it: for cache directories that we may only read, and for caches
// that only trusted builds may fill.
import type { ActionResult } from '../action/action-result.ts';
import type { Digest } from '../base/digest.ts';
import type { ActionCache } from './action-cache.ts';

/** Hits of `inner`; updates are dropped. */
export class ReadOnlyActionCache implements ActionCache {
  readonly #inner: ActionCache;

  constructor(inner: ActionCache) {
    this.#inner = inner;
  }

  getActionResult(action: Digest): Promise<ActionResult | undefined> {
    return this.#inner.getActionResult(action);
  }

  async updateActionResult(_action: Digest, _result: ActionResult): Promise<void> {
    // Not stored, and no error: the build is right without it, the next one is only slower.
  }
}
