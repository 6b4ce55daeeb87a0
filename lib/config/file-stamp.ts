// Input files and whether they changed: compared by stat where that is safe, else by content.
import { fstatSync, openSync, closeSync, readFileSync, statSync, type Stats } from 'node:fs';
import { sha256Hex } from '../base/digest.ts';

/** A file as it was read: what `stat` said of it then, and its content's sha256. */
export interface FileStamp {
  readonly path: string;
  readonly sizeBytes: number;
  /** Milliseconds with their fraction, as in `fs.Stats`: about a quarter of a microsecond is told apart. */
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly sha256: string;
}

// Clocks of file systems are coarser than the system's: 4 ms on Linux, 2 s on FAT. A file written that close to the moment
// of its stamp may change again without another time.
const COARSEST_CLOCK_MS = 2000;

/** Reads a file and stamps what was read. The stamp is taken first, so a later write can only make it outdated. */
export function readStamped(path: string): { readonly content: Buffer; readonly stamp: FileStamp } {
  const file = openSync(path, 'r');
  try {
    const stats = fstatSync(file);
    const content = readFileSync(file);
    return { content, stamp: stampOf(path, stats, sha256Hex(content)) };
  } finally {
    closeSync(file);
  }
}

/** Stamps a file that was just written with content of this sha256. */
export function stampWritten(path: string, sha256: string): FileStamp {
  return stampOf(path, statSync(path), sha256);
}

/**
 * Whether files are still what their stamps say, by stat alone where that is safe, else by content. Returns the stamps: the
 * same array where nothing had to be read, a new one where times differ but contents do not; undefined where a file changed.
 * `stampedAt` (ms since 1970) is a moment not after any of the stamps; Infinity for files that nobody edits.
 */
export function compareStamps(stamps: readonly FileStamp[], stampedAt: number): readonly FileStamp[] | undefined {
  let fresh: FileStamp[] | undefined;
  for (let i = 0; i < stamps.length; i++) {
    const stamp = stamps[i]!;
    const stats = statSync(stamp.path, { throwIfNoEntry: false });
    if (stats === undefined || !stats.isFile() || stats.size !== stamp.sizeBytes) return undefined;
    const same = stats.mtimeMs === stamp.mtimeMs && stats.ctimeMs === stamp.ctimeMs && stats.ino === stamp.ino;
    // Every edit sets ctime, even one that sets mtime back.
    if (same && stamp.ctimeMs < stampedAt - COARSEST_CLOCK_MS) continue;
    const read = readStamped(stamp.path).stamp;
    if (read.sha256 !== stamp.sha256) return undefined;
    fresh ??= [...stamps];
    fresh[i] = read;
  }
  return fresh ?? stamps;
}

function stampOf(path: string, stats: Stats, sha256: string): FileStamp {
  return { path, sizeBytes: stats.size, mtimeMs: stats.mtimeMs, ctimeMs: stats.ctimeMs, ino: stats.ino, sha256 };
}
