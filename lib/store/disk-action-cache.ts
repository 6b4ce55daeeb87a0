// Action results as files on the local disk: the SHA-256 of action and message, then the encoded ActionResult.
// Entries are renamed into place but not flushed to the device: one that a power loss tore does not match its checksum
// and is a miss. A result is cheap to make again, and blobs that it names are looked for before it is used.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { environmentError } from '../base/errors.ts';
import { decodeActionResult, encodeActionResult } from '../action/action-result.ts';
import { writeAtomically } from './temporary-files.ts';
import type { ActionResult } from '../action/action-result.ts';
import type { Digest } from '../base/digest.ts';
import type { ActionCache } from './action-cache.ts';
import type { DiskLayout } from './disk-layout.ts';

const CHECKSUM_BYTES = 32;

/** An action cache in the cache directory of `layout`. */
export class DiskActionCache implements ActionCache {
  readonly #layout: DiskLayout;
  readonly #directoryMode: number;

  constructor(layout: DiskLayout, options: { readonly directoryMode?: number } = {}) {
    this.#layout = layout;
    this.#directoryMode = options.directoryMode ?? 0o700;
  }

  async getActionResult(action: Digest): Promise<ActionResult | undefined> {
    const path = this.#layout.actionResult(action);
    try {
      const entry = readFileSync(path);
      const message = entry.subarray(CHECKSUM_BYTES);
      return checksum(action, message).equals(entry.subarray(0, CHECKSUM_BYTES)) ? decodeActionResult(message) : undefined;
    } catch {
      // Missing, unreadable or of a form that we do not know: whatever it is, running the action again puts it right.
      return undefined;
    }
  }

  async updateActionResult(action: Digest, result: ActionResult): Promise<void> {
    const path = this.#layout.actionResult(action);
    const message = encodeActionResult(result);
    const entry = Buffer.concat([checksum(action, message), message]);
    try {
      writeAtomically(this.#layout.temporary, path, entry, this.#directoryMode);
    } catch (error) {
      throw environmentError(`write ${entry.byteLength} bytes of an action result to "${path}"`, error);
    }
  }
}

// The action is in the checksum, so that an entry under another action's name is no entry.
function checksum(action: Digest, message: Uint8Array): Buffer {
  return createHash('sha256').update(`ocidsl action result ${action.hash}\n`).update(message).digest();
}
