// The pins of one command: what the lock file says, and for a tag that nobody has locked what it stands for today. In CI such a tag
// is refused, and nowhere does a build move a pin.
import { combineErrors, isOcidslError, OcidslError } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';
import { parsePlatform } from '../oci/platform.ts';
import { EMPTY_LOCK, type Lock, type LockedImage, type LockRequest } from '../plan/lock.ts';
import { lockedPlatform } from '../plan/locked-platform.ts';
import type { Network } from './network.ts';
import type { Settings } from './settings.ts';
import type { WorkspaceSession } from './workspace-session.ts';

/** The pins that a command builds with. */
export interface OpenedLock {
  readonly lock: Lock;
  /** Whether a target's result depends on the lock file. */
  readonly isUsedBy: (label: string) => boolean;
  /** Whether it depends on a tag that was resolved just now: the next build has to ask again. */
  readonly isUnpinned: (label: string) => boolean;
}

const NOTHING: OpenedLock = { lock: EMPTY_LOCK, isUsedBy: () => false, isUnpinned: () => false };

/**
 * The pins of what a session builds.
 * @throws OCIDSL_LOCK_MISSING in CI; OCIDSL_LOCK_STALE; what reading the file and resolving a tag throw
 */
export async function openLock(
  session: WorkspaceSession,
  settings: Settings,
  network: Network,
  emit: EventListener,
  signal: AbortSignal,
): Promise<OpenedLock> {
  const requests = new Map<string, readonly LockRequest[]>();
  for (const label of session.closure) {
    const wanted = requestsOf(session, label);
    if (wanted.length > 0) requests.set(label, wanted);
  }
  if (requests.size === 0) return NOTHING;
  const { readLock } = await import('../fetch/lock-file.ts');
  const lock = readLock(session.root);
  const images = new Map(Object.entries(lock.images));
  const resolve = async (request: Extract<LockRequest, { kind: 'image' }>, label: string): Promise<LockedImage> =>
    await resolveTag(request, network, emit, signal).catch((error: unknown) => {
      throw isOcidslError(error) ? session.located(error.at({ label })) : error;
    });
  const failures: OcidslError[] = [];
  const unpinned = new Set<string>();
  for (const [label, each] of requests) {
    for (const request of each) {
      const problem = isCi(settings) ? missing(request, lock, label) : undefined;
      const isPinned = request.kind === 'image' && Object.hasOwn(lock.images, request.reference);
      const stale = request.kind === 'image' ? staleness(request, images.get(request.reference), isPinned, label) : undefined;
      if (problem !== undefined || stale !== undefined) failures.push(session.located((problem ?? stale)!));
      else if (request.kind === 'image' && !isPinned) {
        unpinned.add(label);
        if (!images.has(request.reference)) images.set(request.reference, await resolve(request, label));
      }
    }
  }
  if (failures.length > 0) throw combineErrors(failures);
  return {
    lock: { ...lock, images: Object.fromEntries(images) },
    isUsedBy: reaching(session, new Set(requests.keys())),
    isUnpinned: reaching(session, unpinned),
  };
}

/** What a target wants pinned. */
export function requestsOf(session: Pick<WorkspaceSession, 'targets'>, label: string): readonly LockRequest[] {
  const target = session.targets.get(label);
  return (target?.rule.locks?.(target.attributes as never) ?? []) as readonly LockRequest[];
}

function isCi({ environment }: Settings): boolean {
  const value = environment['CI'];
  return value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());
}

function missing(request: LockRequest, lock: Lock, label: string): OcidslError | undefined {
  const [pins, name, what] =
    request.kind === 'image'
      ? [lock.images, request.reference, 'image']
      : request.kind === 'file'
        ? [lock.files, request.urls[0] ?? '', 'file']
        : [lock.goToolchains, request.version, 'Go'];
  if (Object.hasOwn(pins, name)) return undefined;
  return new OcidslError({
    code: 'OCIDSL_LOCK_MISSING',
    message: `Cannot use ${what} "${name}" in CI: ocidsl.lock.json has no pin of it, expected one`,
    label,
    hint: 'Run "ocidsl lock" on your machine and commit ocidsl.lock.json',
  });
}

function staleness(
  { reference, platforms }: Extract<LockRequest, { kind: 'image' }>,
  pin: LockedImage | undefined,
  isPinned: boolean,
  label: string,
): OcidslError | undefined {
  if (pin === undefined) return undefined;
  const lacking = (platforms ?? []).filter((wanted) => lockedPlatform(pin, parsePlatform(wanted)) === undefined);
  if (lacking.length === 0) return undefined;
  return new OcidslError({
    code: 'OCIDSL_LOCK_STALE',
    message: `Cannot use image "${reference}" for ${lacking.join(', ')}: ${isPinned ? 'its pin in ocidsl.lock.json' : 'what its tag stands for now'} has ${Object.keys(pin.platforms).join(', ') || 'no platforms'}`,
    label,
    hint: isPinned ? 'Run "ocidsl lock" to pin what the tag stands for now' : 'Name platforms that it has, or another image',
  });
}

async function resolveTag(
  request: Extract<LockRequest, { kind: 'image' }>,
  network: Network,
  emit: EventListener,
  signal: AbortSignal,
): Promise<LockedImage> {
  const { lockImage } = await import('../fetch/lock-image.ts');
  const image = await lockImage(request, await network.registry(), signal);
  emit({
    type: 'warning',
    message: `Image ${request.reference} is not pinned, so this build used what it stands for now. Run "ocidsl lock", or add to its ociPull: digest: '${image.digest}'`,
  });
  return image;
}

// Dependencies come first in a closure, so that one pass is enough.
function reaching(session: WorkspaceSession, goals: ReadonlySet<string>): (label: string) => boolean {
  const found = new Set<string>();
  if (goals.size > 0) {
    for (const label of session.closure) {
      if (goals.has(label) || session.targets.get(label)?.references.some((reference) => found.has(reference))) found.add(label);
    }
  }
  return (label) => found.has(label);
}
