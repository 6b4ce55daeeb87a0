// Whether the lock has what targets want, nothing else, asked without the network.
import { printable } from '../base/printable.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { Lock, LockedImage, LockRequest } from '../plan/lock.ts';
import { LOCK_SECTIONS, pinsOf, type LockKind, type Pins, type RequestOf, type WantedPin } from './lock-kinds.ts';
import { lockedPlatform } from '../plan/locked-platform.ts';

/** A pin that is not as the configs want it. */
export interface LockProblem {
  readonly kind: LockKind;
  readonly name: string;
  readonly problem: 'missing' | 'incomplete' | 'unused';
  /** What is wrong, for people: `it lacks linux/arm64`. */
  readonly is: string;
  /** Targets that want it. */
  readonly labels: readonly string[];
}

/** Pins that are missing or lack a platform, and, where `wanted` is all that there is, those that nobody wants. */
export function lockProblems(lock: Lock, wanted: readonly WantedPin[], isEverything: boolean): LockProblem[] {
  const problems: LockProblem[] = [];
  const asked = new Set<string>();
  for (const { request, name, labels } of wanted) {
    const { kind } = request;
    asked.add(`${kind} ${name}`);
    const pins = pinsOf(lock, kind);
    if (!Object.hasOwn(pins, name)) problems.push({ kind, name, problem: 'missing', is: 'it has no pin', labels });
    else {
      const is = lacking(request, name, lock);
      if (is !== undefined) problems.push({ kind, name, problem: 'incomplete', is, labels });
    }
  }
  if (!isEverything) return problems;
  for (const kind of Object.keys(LOCK_SECTIONS) as LockKind[]) {
    for (const name of Object.keys(pinsOf(lock, kind))) {
      if (asked.has(`${kind} ${name}`)) continue;
      problems.push({ kind, name, problem: 'unused', is: 'it is pinned, and no target asks for it', labels: [] });
    }
  }
  return problems;
}

function lacking(request: LockRequest, name: string, lock: Lock): string | undefined {
  if (request.kind === 'image') return lackingPlatforms(request, pinsOf(lock, request.kind)[name]!);
  return request.kind === 'go-toolchain' ? lackingArchives(request, pinsOf(lock, request.kind)[name]!) : undefined;
}

// An archive from a URL has a digest, one from the module proxy has go.sum's checksum.
function lackingArchives({ urls = {} }: RequestOf<'go-toolchain'>, pin: Pins['go-toolchain']): string | undefined {
  const platforms = new Set([...Object.keys(urls), ...Object.keys(pin)]);
  if (platforms.size === 0) return 'its pin has no archive';
  const missing = [...platforms].filter((platform) => {
    const archive = Object.hasOwn(pin, platform) ? pin[platform] : undefined;
    return (Object.hasOwn(urls, platform) ? archive?.digest : archive?.h1) === undefined;
  });
  return missing.length === 0
    ? undefined
    : `its pin is of other archives for ${missing.map((platform) => printable(platform, 80)).join(', ')}`;
}

function lackingPlatforms({ platforms }: RequestOf<'image'>, pin: LockedImage): string | undefined {
  const missing = (platforms ?? []).filter((wanted) => lockedPlatform(pin, parsePlatform(wanted)) === undefined);
  if (missing.length === 0) return undefined;
  const available = Object.keys(pin.platforms).map((platform) => printable(platform, 80));
  return `its pin lacks ${missing.join(', ')}, it has ${available.join(', ') || 'no platforms'}`;
}
