// Action results in memory: for tests and for caches that end with the process.
import { decodeActionResult, encodeActionResult } from '../action/action-result.ts';
import { parseSha256 } from '../base/digest.ts';
import type { ActionResult } from '../action/action-result.ts';
import type { Digest } from '../base/digest.ts';
import type { ActionCache } from './action-cache.ts';

/** An action cache in memory. It keeps encoded messages, so a result comes back exactly as from a disk. */
export class MemoryActionCache implements ActionCache {
  readonly #results = new Map<string, Buffer>();

  async getActionResult(action: Digest): Promise<ActionResult | undefined> {
    const message = this.#results.get(parseSha256(`sha256:${action.hash}`));
    return message === undefined ? undefined : decodeActionResult(message);
  }

  async updateActionResult(action: Digest, result: ActionResult): Promise<void> {
    this.#results.set(parseSha256(`sha256:${action.hash}`), encodeActionResult(result));
  }
}
