// Which process wrote a lock or a temporary file, and whether it still runs. A pid alone may be another process by now,
// and processes of other machines and containers cannot be seen.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Json } from './json.ts';

/** A process, among all that may share a file system. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start in clock ticks since boot; empty where there is no /proc. */
  readonly start: string;
  /** The machine's boot; empty where there is no /proc. */
  readonly boot: string;
  /** The pid namespace; empty where there is no /proc. */
  readonly namespace: string;
  readonly host: string;
}

let own: ProcessIdentity | undefined;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return (own ??= { pid: process.pid, start: startOf(process.pid), boot: bootId(), namespace: pidNamespace(), host: hostname() });
}

/** Whether a process still runs: `unknown` where it cannot be seen from here. */
export function processState(identity: ProcessIdentity): 'alive' | 'dead' | 'unknown' {
  const here = ownIdentity();
  if (identity.host !== here.host) return 'unknown';
  if (identity.boot !== here.boot) return 'dead';
  if (identity.namespace !== here.namespace) return 'unknown';
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : 'dead';
  }
  return identity.start === startOf(identity.pid) ? 'alive' : 'dead';
}

/** Reads an identity from parsed JSON; undefined for anything else. */
export function parseProcessIdentity(value: Json | undefined): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { pid, start, boot, namespace, host } = value as { readonly [key: string]: Json | undefined };
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1) return undefined;
  if (typeof start !== 'string' || typeof boot !== 'string' || typeof namespace !== 'string' || typeof host !== 'string') return undefined;
  return { pid, start, boot, namespace, host };
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name, which may have blanks and parentheses: count from its end. See proc(5).
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
