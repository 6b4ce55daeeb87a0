// The action cache interface. Names and meaning follow REAPI's ActionCache service.
import type { Digest } from '../base/digest.ts';
import type { ActionResult } from '../action/action-result.ts';

/** Action digest → action result. Every implementation passes test/conformance/action-cache.ts. */
export interface ActionCache {
  /** The stored result, or undefined: also for entries that are corrupt or of another version. */
  getActionResult(action: Digest): Promise<ActionResult | undefined>;
  /** Stores the result of a successful action. Overwrites. */
  updateActionResult(action: Digest, result: ActionResult): Promise<void>;
}
