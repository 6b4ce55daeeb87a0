// New pins for what targets want. All or nothing: one that cannot be resolved leaves no lock.
import { combineErrors, isOcidslError, type OcidslError } from '../base/errors.ts';
import { createLimiter } from '../base/limiter.ts';
import type { Lock, LockRequest } from '../plan/lock.ts';
import { LOCK_SECTIONS, type LockKind, type Pins, type RequestOf, type WantedPin } from './lock-kinds.ts';

/** How each kind of pin is resolved. */
export type LockResolvers = {
  readonly [K in LockKind]: (request: RequestOf<K>, signal: AbortSignal) => Promise<Pins[K]>;
};

/** What to resolve. */
export interface LockUpdate {
  readonly wanted: readonly WantedPin[];
  /** Pins that stay as they are unless they are wanted. */
  readonly kept: Lock;
  readonly resolvers: LockResolvers;
  readonly signal: AbortSignal;
}

// Small answers from several registries: more at a time would only be refused by the busiest of them.
const AT_A_TIME = 8;

/**
 * The kept pins with the wanted ones resolved anew.
 * @throws every failure, with the label of the first target that wants the pin
 */
export async function updateLock({ wanted, kept, resolvers, signal }: LockUpdate): Promise<Lock> {
  const limit = createLimiter(AT_A_TIME);
  const settled = await Promise.allSettled(wanted.map(({ request }) => limit(() => resolve(request, resolvers, signal))));
  signal.throwIfAborted();
  const sections = { images: copy(kept.images), files: copy(kept.files), goToolchains: copy(kept.goToolchains) };
  const failures: OcidslError[] = [];
  settled.forEach((each, i) => {
    const { request, name, labels } = wanted[i]!;
    if (each.status === 'fulfilled') (sections[LOCK_SECTIONS[request.kind]] as Record<string, unknown>)[name] = each.value;
    else if (isOcidslError(each.reason)) failures.push(each.reason.at({ label: labels[0] }));
    else throw each.reason as Error;
  });
  if (failures.length > 0) throw combineErrors(failures);
  return sections;
}

async function resolve<K extends LockKind>(request: RequestOf<K>, resolvers: LockResolvers, signal: AbortSignal): Promise<Pins[K]> {
  signal.throwIfAborted();
  const kind: K = (request as LockRequest).kind as K;
  return await resolvers[kind](request, signal);
}

function copy<T>(section: Readonly<Record<string, T>>): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, section);
}
