// The execution interface. Behaviour is added by decorators: Caching(Sharing(Limited(Local))).
import type { ActionResult } from '../action/action-result.ts';
import type { PreparedAction } from './prepared-action.ts';

/** How a result came to be. */
export type Outcome = 'executed' | 'cached' | 'shared';

/** The result of an action and where it came from. */
export interface Executed {
  readonly result: ActionResult;
  readonly outcome: Outcome;
}

/** Runs actions. Results are of successful actions only: a failure is thrown. */
export interface Execution {
  execute(action: PreparedAction, signal: AbortSignal): Promise<Executed>;
}
