// What an update of the lock changed.
import { compareUtf8 } from '../base/bytes.ts';
import { canonicalJson, type Json } from '../base/json.ts';
import type { Lock } from '../plan/lock.ts';
import { LOCK_SECTIONS, pinsOf, type LockKind, type Pins } from './lock-kinds.ts';

/** A pin that is new, has moved or is gone. */
export type LockChange = {
  readonly [K in LockKind]: {
    readonly kind: K;
    readonly name: string;
    /** Undefined where the pin is new. */
    readonly from: Pins[K] | undefined;
    /** Undefined where it is gone. */
    readonly to: Pins[K] | undefined;
  };
}[LockKind];

/** Every difference, images first, by name. */
export function lockChanges(before: Lock, after: Lock): LockChange[] {
  return (Object.keys(LOCK_SECTIONS) as LockKind[]).flatMap((kind) => sectionChanges(kind, before, after));
}

function sectionChanges(kind: LockKind, before: Lock, after: Lock): LockChange[] {
  const [old, now] = [pinsOf(before, kind), pinsOf(after, kind)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort(compareUtf8);
  return names
    .map((name) => ({ kind, name, from: own(old, name), to: own(now, name) }))
    .filter(({ from, to }) => canonicalJson(from as Json | undefined) !== canonicalJson(to as Json | undefined)) as LockChange[];
}

function own<T>(pins: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(pins, name) ? pins[name] : undefined;
}
