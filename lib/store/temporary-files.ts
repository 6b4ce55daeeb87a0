// Files that are being written. A name says which process writes it, so that only the remains of dead ones are swept.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from './system-error.ts';

/** Remains older than this are swept. Long enough for any write of another machine that shares the directory. */
const STALE_AFTER_MS = 24 * 60 * 60 * 1000;

/** Flags of a new temporary file: nobody else's file and no planted link is ever opened. */
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);

/** Creates a file in `directory`, readable and writable by this user only. Makes the directory where it is missing. */
export function createTemporaryFile(directory: string, directoryMode: number): { fd: number; path: string } {
  const path = join(directory, `${ownPrefix()}-${randomBytes(12).toString('hex')}`);
  const fd = makingDirectory(directory, directoryMode, () => openSync(path, CREATE, 0o600));
  return { fd, path };
}

/**
 * Writes a whole small file and renames it to `path`: complete or absent, mode 0444 whatever the umask.
 */
export function writeAtomically(directory: string, path: string, data: Uint8Array, directoryMode: number): void {
  const temporary = createTemporaryFile(directory, directoryMode);
  try {
    try {
      writeFully(temporary.fd, data);
      fchmodSync(temporary.fd, 0o444);
    } finally {
      closeSync(temporary.fd);
    }
    publish(temporary.path, path, directoryMode);
  } catch (error) {
    removeQuietly(temporary.path);
    throw error;
  }
}

/** Writes all of `data` at the file's position. */
function writeFully(fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.byteLength;) done += writeSync(fd, data, done, data.byteLength - done);
}

/** Renames a finished temporary file to its place, over what is there. Makes the folder of the place. */
export function publish(temporary: string, path: string, directoryMode: number): void {
  makingDirectory(dirname(path), directoryMode, () => renameSync(temporary, path));
}

/** Runs `task`, and once more after making `directory` where that is what is missing. */
export function makingDirectory<T>(directory: string, mode: number, task: () => T): T {
  try {
    return task();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    makeFolder(directory, mode);
    return task();
  }
}

/**
 * Makes a folder and its parents where they are missing. Not `mkdirSync(…, { recursive: true })`: on a read-only file
 * system that says ENOENT, and the difference between "is not there" and "cannot be made" is what callers ask for.
 */
export function makeFolder(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeFolder(dirname(path), mode);
    makeFolder(path, mode);
  }
}

/** Removes a file if it can; the failure that led here is the one to report. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already, or is swept later.
  }
}

/**
 * Removes what killed processes left in `directory`: files that have not changed for a day and whose process is dead.
 * Both, because processes of other machines and containers cannot be seen, and pids are used again.
 */
export function sweepTemporaryFiles(directory: string, nowMs: number): void {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return;
  }
  for (const name of names) {
    const path = join(directory, name);
    if (ageMs(path, nowMs) > STALE_AFTER_MS && !isAlive(name)) removeQuietly(path);
  }
}

// By the change time, which every write sets and nobody can set back.
function ageMs(path: string, nowMs: number): number {
  try {
    return nowMs - lstatSync(path).ctimeMs;
  } catch {
    return 0;
  }
}

let own: string | undefined;

// `<pid>-<start time>-<boot>`: a pid alone may be another process by now.
function ownPrefix(): string {
  return (own ??= `${process.pid}-${startTime(process.pid) ?? 'x'}-${bootId()}`);
}

function isAlive(name: string): boolean {
  const [pid, start, boot] = name.split('-');
  if (!/^[1-9]\d{0,9}$/.test(pid ?? '') || boot !== bootId()) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
  return start === 'x' || start === startTime(Number(pid));
}

/** Start of a process in clock ticks since boot; undefined where there is no /proc. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name, which may have blanks and parentheses: count from its end. See proc(5).
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

let boot: string | undefined;

function bootId(): string {
  if (boot === undefined) {
    try {
      boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8);
    } catch {
      boot = 'x';
    }
  }
  return boot;
}
