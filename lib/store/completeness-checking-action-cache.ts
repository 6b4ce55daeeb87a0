// Adds to an action cache that a result is returned only if everything it names is there to be read. A blob may be gone
// or corrupt for many reasons; the answer to all of them is to run the action again, so here they all become misses.
import { decodeTree } from '../action/tree.ts';
import { isOcidslError } from '../base/errors.ts';
import type { ActionResult } from '../action/action-result.ts';
import type { Digest } from '../base/digest.ts';
import type { ActionCache } from './action-cache.ts';
import type { ContentAddressableStorage } from './content-addressable-storage.ts';

/** Codes of failures that say that a blob is not usable, as opposed to a disk or network that does not work. */
const STALE = new Set<string>(['OCIDSL_BLOB_MISSING', 'OCIDSL_BLOB_CORRUPT', 'OCIDSL_BLOB_TOO_LARGE', 'OCIDSL_MESSAGE_SYNTAX']);

/** Results of `inner` whose output files, trees and files of trees are all in `cas`. */
export class CompletenessCheckingActionCache implements ActionCache {
  readonly #inner: ActionCache;
  readonly #cas: ContentAddressableStorage;

  constructor(inner: ActionCache, cas: ContentAddressableStorage) {
    this.#inner = inner;
    this.#cas = cas;
  }

  async getActionResult(action: Digest): Promise<ActionResult | undefined> {
    const result = await this.#inner.getActionResult(action);
    return result !== undefined && (await this.#isComplete(result)) ? result : undefined;
  }

  updateActionResult(action: Digest, result: ActionResult): Promise<void> {
    return this.#inner.updateActionResult(action, result);
  }

  async #isComplete(result: ActionResult): Promise<boolean> {
    const blobs: Digest[] = result.outputFiles.map((file) => file.digest);
    try {
      for (const { treeDigest } of result.outputDirectories) {
        const tree = decodeTree(await this.#cas.readBytes(treeDigest));
        for (const directory of [tree.root, ...tree.children]) {
          for (const file of directory.files) blobs.push(file.digest);
        }
      }
    } catch (error) {
      if (isOcidslError(error) && STALE.has(error.code)) return false;
      throw error;
    }
    return (await this.#cas.findMissing(blobs)).length === 0;
  }
}
