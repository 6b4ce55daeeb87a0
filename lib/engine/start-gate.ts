// Whether actions may still start: a build starts no more of them after its first failure, unless it is to keep going.
import { OcidslError } from '../base/errors.ts';
import type { ActionNode } from '../plan/action-node.ts';

/** Marks what was not tried because something else failed; it is not reported. */
export const NOT_STARTED = 'OCIDSL_NOT_STARTED';

/** Open until something fails. */
export class StartGate {
  readonly #keepGoing: boolean;
  #hasFailed = false;

  constructor(keepGoing: boolean) {
    this.#keepGoing = keepGoing;
  }

  noteFailure(): void {
    this.#hasFailed = true;
  }

  /** @throws OCIDSL_NOT_STARTED where the build has failed and does not keep going */
  requireOpen({ mnemonic, label }: ActionNode): void {
    if (!this.#hasFailed || this.#keepGoing) return;
    throw new OcidslError({ code: NOT_STARTED, kind: 'build', message: `Cannot start ${mnemonic}: another action failed before`, label });
  }
}
