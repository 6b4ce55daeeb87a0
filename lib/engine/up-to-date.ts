// The no-op check: whether everything that was asked for is as a former build left it, by fingerprints alone. It forms no
// Merkle tree, starts no process and analyses nothing.
import type { Json } from '../base/json.ts';
import { presentDeclarations } from './declaration-table.ts';
import { everyFingerprint } from './every-fingerprint.ts';
import type { PackedSnapshot } from './read-snapshot-file.ts';

/**
 * The recorded results of the wanted configured targets (`label platform`), in their order; undefined where anything may have
 * changed. `declared` gives the present declaration of a label.
 */
export function checkUpToDate(
  snapshot: PackedSnapshot,
  root: string,
  wanted: readonly string[],
  declared: (label: string) => string | undefined,
): Json[] | undefined {
  const places = new Map(snapshot.targetKeys.map((key, i) => [key, i]));
  const present = presentDeclarations(snapshot.declarations, declared);
  const targets: number[] = [];
  for (const key of wanted) {
    const place = places.get(key);
    if (place === undefined || present[snapshot.targetDeclarations[place]!] !== 1) return undefined;
    targets.push(place);
  }
  const isNeeded = new Uint8Array(snapshot.pathCount);
  for (const target of targets) for (const index of snapshot.pathsOf(target)) isNeeded[index] = 1;
  if (!everyFingerprint(root, snapshot, (i, now) => snapshot.isUnchanged(i, now), { isNeeded })) return undefined;
  const results = targets.map((target) => snapshot.resultsOf(target));
  return results.every((each) => each !== undefined) ? results : undefined;
}
