// Fingerprints: what the file system says about a path without reading it. Speed only: a fingerprint that matches saves a
// read, it never enters a key.
import { constants, lstatSync } from 'node:fs';

/** What a path was when it was looked at. */
export type PathKind = 'file' | 'directory' | 'symlink' | 'other' | 'absent';

/** The figures that change when a path's content does. Times are milliseconds with a fraction (about 0.25 µs exact). */
export interface Fingerprint {
  readonly kind: PathKind;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  /** Permission bits, for the executable bit. */
  readonly mode: number;
}

const ABSENT: Fingerprint = { kind: 'absent', sizeBytes: 0, mtimeMs: 0, ctimeMs: 0, ino: 0, mode: 0 };

/** The fingerprint of a path now; symbolic links are not followed. */
export function takeFingerprint(path: string): Fingerprint {
  return fingerprintOf(lstatSync(path, { throwIfNoEntry: false }));
}

/** What of a stat result decides a fingerprint. */
export interface StatFigures {
  readonly mode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
}

/** The fingerprint that a stat result shows; undefined where nothing is there. */
export function fingerprintOf(stats: StatFigures | undefined): Fingerprint {
  if (stats === undefined) return ABSENT;
  const kind = KINDS[stats.mode & constants.S_IFMT] ?? 'other';
  return {
    kind,
    // A folder's size says nothing about its names and differs between file systems.
    sizeBytes: kind === 'directory' ? 0 : compact(stats.size),
    mtimeMs: stats.mtimeMs,
    ctimeMs: stats.ctimeMs,
    ino: compact(stats.ino),
    mode: stats.mode & 0o7777,
  };
}

const KINDS: Readonly<Record<number, PathKind>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
};

// As an integer of 31 bits where it is one: V8 keeps that in place, and any other number in an object of its own, of 16 bytes.
function compact(value: number): number {
  return value === (value | 0) ? value | 0 : value;
}

/** Whether two fingerprints show the same state. */
export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return (
    a.kind === b.kind &&
    a.sizeBytes === b.sizeBytes &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs &&
    a.ino === b.ino &&
    a.mode === b.mode
  );
}

// File systems stamp with the clock of the last tick (4 ms on common kernels, up to 10 ms).
const TICK_MS = 20;

/**
 * Whether a path changed so shortly before `nowMs` that a later change could carry the same times. Such a fingerprint must
 * not be trusted afterwards: the rule that git calls "racily clean".
 */
export function isRacy(fingerprint: Fingerprint, nowMs: number): boolean {
  if (fingerprint.kind === 'absent') return false;
  return Math.max(fingerprint.mtimeMs, fingerprint.ctimeMs) >= nowMs - TICK_MS;
}
