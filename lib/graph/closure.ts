// The targets that some targets reach, and digests of their declarations. Iterative, for chains of any length.
import { sha256Hex } from '../base/digest.ts';
import type { Target } from './target.ts';

/** Looks a target up; undefined where it is not declared (yet). */
export type TargetLookup = (label: string) => Target | undefined;

/** Labels reachable from `roots`, roots included, dependencies before what uses them. Unknown labels are included. */
export function reachable(roots: Iterable<string>, lookup: TargetLookup): string[] {
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  for (const root of roots) {
    const stack = [root];
    for (let label = stack[stack.length - 1]; label !== undefined; label = stack[stack.length - 1]) {
      const known = state.get(label);
      if (known === undefined) {
        state.set(label, 'open');
        for (const reference of lookup(label)?.references ?? []) if (!state.has(reference)) stack.push(reference);
        continue;
      }
      stack.pop();
      if (known === 'done') continue;
      state.set(label, 'done');
      order.push(label);
    }
  }
  return order;
}

/**
 * A digest for each target of what it and everything that it reaches declares: equal digests mean equal analyses. Where a
 * declaration is made is not part of it.
 */
export function declarationDigests(order: readonly string[], lookup: TargetLookup): Map<string, string> {
  const digests = new Map<string, string>();
  for (const label of order) {
    const target = lookup(label);
    if (target === undefined) continue;
    const below = target.references.map((reference) => digests.get(reference) ?? '').join(' ');
    digests.set(label, sha256Hex(`${label}\n${target.rule.name}\n${JSON.stringify(target.attributes)}\n${below}`));
  }
  return digests;
}
