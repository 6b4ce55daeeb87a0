// Which rules come with this copy of the library: their code changes only with its version.
import type { Target } from '../graph/target.ts';
import { BUILT_IN } from '../plan/define-rule.ts';

/** Whether a target's rule is one of this copy of the library. */
export function isBuiltIn(target: Target | undefined): boolean {
  return target !== undefined && BUILT_IN.has(target.rule);
}
