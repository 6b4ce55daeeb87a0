// A lock on a folder that several processes may write to. The lock is a file that names its owner, so that what a killed
// process left behind does not stop anybody.
import { randomBytes } from 'node:crypto';
import { link, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Json } from '../base/json.ts';
import { environmentError, OcidslError } from '../base/errors.ts';
import { ownIdentity, parseProcessIdentity, processState } from '../base/process-identity.ts';
import { temporaryPath } from './replace-file.ts';

/** How a lock is taken. */
export interface FolderLockOptions {
  /** The lock's file. Its folder must exist; its owner may sweep that folder. */
  readonly path: string;
  /** Gives up after this many milliseconds of another owner that is alive. Default: 2 minutes. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** Locks of owners that cannot be seen from here (another machine or container) are given up after this. */
const UNSEEN_STALE_MS = 60 * 60 * 1000;
/** A lock without a readable owner: its writer may be about to write it. */
const UNREADABLE_STALE_MS = 10_000;

/**
 * Takes the lock and returns what gives it back. In the rare case that two processes take over a dead owner's lock at the
 * same moment both may hold it; who writes under it must leave a state that the next write repairs.
 * @throws OCIDSL_FOLDER_LOCKED, of kind `environment`, naming the owner
 */
export async function lockFolder(options: FolderLockOptions): Promise<() => Promise<void>> {
  const { path, waitMs = 120_000, signal } = options;
  // The nonce tells several locks of one process apart.
  const content = JSON.stringify({ ...ownIdentity(), nonce: randomBytes(12).toString('hex') });
  const deadline = performance.now() + waitMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    signal?.throwIfAborted();
    if (await create(path, content)) return async () => await release(path, content);
    const holder = await read(path);
    if (holder === undefined) continue;
    if (isStale(holder)) {
      await takeAway(path, holder);
      continue;
    }
    if (performance.now() > deadline) throw locked(path, holder);
    await setTimeout(pauseMs, undefined, signal ? { signal } : {});
  }
}

interface Holder {
  readonly content: string;
  readonly ageMs: number;
}

// Complete when it appears: written elsewhere, then linked to its name.
async function create(path: string, content: string): Promise<boolean> {
  const temporary = temporaryPath(dirname(path));
  try {
    await writeFile(temporary, content, { flag: 'wx' });
    try {
      await link(temporary, path);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // ENOENT: the owner of the lock sweeps temporary files, this one too. The next attempt waits for it.
      if (code === 'EEXIST' || code === 'ENOENT') return false;
      // A file system without hard links.
      return await writeFile(path, content, { flag: 'wx' }).then(
        () => true,
        (failure: NodeJS.ErrnoException) => {
          if (failure.code === 'EEXIST') return false;
          throw failure;
        },
      );
    }
  } catch (error) {
    throw environmentError(`lock "${path}"`, error);
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

async function read(path: string): Promise<Holder | undefined> {
  try {
    const [content, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { content, ageMs: Date.now() - mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw environmentError(`read lock "${path}"`, error);
  }
}

function ownerOf(holder: Holder): ReturnType<typeof parseProcessIdentity> {
  try {
    return parseProcessIdentity(JSON.parse(holder.content) as Json);
  } catch {
    return undefined;
  }
}

function isStale(holder: Holder): boolean {
  const owner = ownerOf(holder);
  if (!owner) return holder.ageMs > UNREADABLE_STALE_MS;
  const state = processState(owner);
  return state === 'dead' || (state === 'unknown' && holder.ageMs > UNSEEN_STALE_MS);
}

// Renamed first: of several processes that found the same dead owner, one gets its file. Who took a new owner's lock by
// mistake puts it back.
async function takeAway(path: string, holder: Holder): Promise<void> {
  const taken = temporaryPath(dirname(path));
  try {
    await rename(path, taken);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw environmentError(`take over lock "${path}"`, error);
  }
  const isAsSeen = (await readFile(taken, 'utf8').catch(() => holder.content)) === holder.content;
  if (!isAsSeen) await link(taken, path).catch(() => {});
  await unlink(taken).catch(() => {});
}

async function release(path: string, content: string): Promise<void> {
  // Not another's, who took it over because this process could not be seen.
  if ((await readFile(path, 'utf8').catch(() => '')) === content) await unlink(path).catch(() => {});
}

function locked(path: string, holder: Holder): OcidslError {
  const owner = ownerOf(holder);
  const who = owner ? `process ${owner.pid} on ${JSON.stringify(owner.host.slice(0, 60))}` : 'another process';
  return new OcidslError({
    code: 'OCIDSL_FOLDER_LOCKED',
    kind: 'environment',
    message: `Cannot lock "${path}": ${who} holds it, expected it to be done by now`,
    hint: 'Wait for the other build, or remove that file if no build runs',
  });
}
