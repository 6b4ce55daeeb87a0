// What can be pinned: the name of a pin in its section of the lock, and what several targets want of the same one.
import type { Lock, LockedFile, LockedImage, LockRequest } from '../plan/lock.ts';

/** A kind of pin. */
export type LockKind = LockRequest['kind'];

/** A request for a pin of one kind. */
export type RequestOf<K extends LockKind> = Extract<LockRequest, { readonly kind: K }>;

/** The pins by kind. */
export interface Pins {
  readonly image: LockedImage;
  readonly file: LockedFile;
  readonly 'go-toolchain': Lock['goToolchains'][string];
}

/** The section of the lock that has the pins of a kind. */
export const LOCK_SECTIONS = { image: 'images', file: 'files', 'go-toolchain': 'goToolchains' } as const satisfies Record<
  LockKind,
  keyof Lock
>;

/** The pins of a kind, by name. */
export function pinsOf<K extends LockKind>(lock: Lock, kind: K): Readonly<Record<string, Pins[K]>> {
  return lock[LOCK_SECTIONS[kind]] as unknown as Readonly<Record<string, Pins[K]>>;
}

/** A pin that targets want. */
export interface WantedPin {
  /** Of all of them together. */
  readonly request: LockRequest;
  /** Its key in the section of the lock. */
  readonly name: string;
  /** The targets, in the order given. */
  readonly labels: readonly string[];
}

/** What targets want pinned, each pin once, in the order in which they were first wanted. */
export function wantedPins(requests: Iterable<{ readonly label: string; readonly request: LockRequest }>): WantedPin[] {
  const wanted = new Map<string, WantedPin>();
  for (const { label, request } of requests) {
    const name = nameOf(request);
    const key = `${request.kind} ${name}`;
    const known = wanted.get(key);
    wanted.set(
      key,
      known === undefined
        ? { request, name, labels: [label] }
        : { request: together(known.request, request), name, labels: [...new Set([...known.labels, label])] },
    );
  }
  return [...wanted.values()];
}

function nameOf(request: LockRequest): string {
  if (request.kind === 'image') return request.reference;
  return request.kind === 'file' ? (request.urls[0] ?? '') : request.version;
}

function together(a: LockRequest, b: LockRequest): LockRequest {
  if (a.kind === 'image' && b.kind === 'image') {
    const platforms = [...new Set([...(a.platforms ?? []), ...(b.platforms ?? [])])];
    return { ...a, platforms: platforms.length === 0 ? undefined : platforms };
  }
  if (a.kind === 'file' && b.kind === 'file') return { ...a, urls: [...new Set([...a.urls, ...b.urls])] };
  if (a.kind === 'go-toolchain' && b.kind === 'go-toolchain') return { ...a, urls: { ...b.urls, ...a.urls } };
  return a;
}
