// The targets that some targets reach, and their declarations as text. Iterative, for chains of any length.
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
 * What a target declares, as text: where a target and everything that it reaches declare the same, its analysis is the same.
 * Where the declaration is made is not part of it. Not a digest: loading node:crypto would be a fifth of a build without changes.
 */
export function declarationText(target: Target): string {
  return `${target.label}\n${target.rule.name}\n${JSON.stringify(target.attributes)}`;
}
