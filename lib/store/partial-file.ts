// Files of blobs that have not arrived whole. A file's name says of which blob it is and which process writes it: `<hash>.<owner>`, or
// `<hash>.free` when its writer gave up. A process takes a file over by renaming it, which only one of several can do.
import { constants, lstatSync, readdirSync, renameSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSha256, sha256Hex } from '../base/digest.ts';
import { ownIdentity, processState } from '../base/process-identity.ts';
import { errorCode } from './system-error.ts';
import { makeFolder, removeQuietly } from './temporary-files.ts';

/** A file that this process writes. */
export interface PartialFile {
  readonly handle: FileHandle;
  readonly path: string;
}

// A living process writes at least that often: its pauses between attempts are at most 10 minutes.
const SILENT_AFTER_MS = 15 * 60 * 1000;
// What nobody went on with is removed.
const STALE_AFTER_MS = 3 * 24 * 60 * 60 * 1000;

const FLAGS = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The file of a blob in `directory`, made where there is none; 'busy' where another living writer has it. */
export async function claimPartialFile(directory: string, hash: string, directoryMode: number): Promise<PartialFile | 'busy'> {
  const own = join(directory, `${parseSha256(`sha256:${hash}`)}.${ownName()}`);
  const left: Remains[] = [];
  for (const each of remainsIn(directory, Date.now())) {
    const isTaken = each.state !== 'dead' && each.silentMs < SILENT_AFTER_MS;
    if (each.hash !== hash) {
      if (!isTaken && each.silentMs > STALE_AFTER_MS) removeQuietly(each.path);
    } else if (isTaken) return 'busy';
    else left.push(each);
  }
  // The largest is the furthest.
  const [first, ...rest] = left.sort((a, b) => b.sizeBytes - a.sizeBytes);
  for (const { path } of rest) removeQuietly(path);
  if (first !== undefined) {
    try {
      renameSync(first.path, own);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return 'busy'; // Another process was faster.
      throw error;
    }
    const handle = await open(own, FLAGS).catch(() => undefined);
    if ((await handle?.stat())?.isFile() === true) return { handle: handle!, path: own };
    await handle?.close();
    removeQuietly(own);
  }
  makeFolder(directory, directoryMode);
  return { path: own, handle: await open(own, FLAGS | constants.O_CREAT | constants.O_EXCL, 0o600) };
}

/** Leaves a file to the next process that wants it. Never throws. */
export function releasePartialFile(path: string): void {
  try {
    renameSync(path, path.replace(/[^.]*$/, FREE));
  } catch {
    // It is gone, or will be found by its owner's death.
  }
}

const FREE = 'free';

interface Remains {
  readonly path: string;
  readonly hash: string;
  readonly sizeBytes: number;
  /** Since the last write or rename. */
  readonly silentMs: number;
  readonly state: 'alive' | 'dead' | 'unknown';
}

function remainsIn(directory: string, nowMs: number): Remains[] {
  return namesIn(directory).flatMap((name): Remains[] => {
    const path = join(directory, name);
    const [hash = '', owner = ''] = name.split('.');
    try {
      const { size, mtimeMs, ctimeMs } = lstatSync(path);
      return [{ path, hash, sizeBytes: size, silentMs: nowMs - Math.max(mtimeMs, ctimeMs), state: stateOf(owner) }];
    } catch {
      return []; // Another process took it.
    }
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function stateOf(owner: string): Remains['state'] {
  if (owner === FREE) return 'dead';
  const [, pid, start, place] = /^(\d{1,10})-(\d*)-([0-9a-f]{16})$/.exec(owner) ?? [];
  if (pid === undefined || start === undefined || place !== ownPlace()) return 'unknown';
  return processState({ ...ownIdentity(), pid: Number(pid), start });
}

function ownName(): string {
  const { pid, start } = ownIdentity();
  return `${pid}-${start}-${ownPlace()}`;
}

// Where pids mean the same processes: one boot, one pid namespace.
function ownPlace(): string {
  const { boot, namespace, host } = ownIdentity();
  return sha256Hex(JSON.stringify([boot, namespace, host])).slice(0, 16);
}
