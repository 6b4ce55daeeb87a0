// Cycles between targets. Iterative: a chain of 100,000 targets must not overflow the stack.

/**
 * The first cycle that a depth-first walk from `roots` meets, as labels with the first repeated at the end; undefined where
 * there is none. `edges` gives the targets that a target uses, in the order written, so the same config shows the same cycle.
 */
export function findCycle(roots: Iterable<string>, edges: (label: string) => readonly string[]): string[] | undefined {
  const done = new Set<string>();
  const onPath = new Map<string, number>();
  for (const root of roots) {
    if (done.has(root)) continue;
    const path: { label: string; next: number; edges: readonly string[] }[] = [{ label: root, next: 0, edges: edges(root) }];
    onPath.set(root, 0);
    for (let top = path[path.length - 1]; top; top = path[path.length - 1]) {
      const next = top.edges[top.next++];
      if (next === undefined) {
        path.pop();
        onPath.delete(top.label);
        done.add(top.label);
        continue;
      }
      const at = onPath.get(next);
      if (at !== undefined) return [...path.slice(at).map((step) => step.label), next];
      if (done.has(next)) continue;
      onPath.set(next, path.length);
      path.push({ label: next, next: 0, edges: edges(next) });
    }
  }
  return undefined;
}
