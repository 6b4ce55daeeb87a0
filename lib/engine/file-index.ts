// The file index: path → fingerprint → digest. Knows the content of files that have not changed since they were last read,
// and reads the others, once.
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { sortedUtf8 } from '../base/bytes.ts';
import { sha256Hex, type Digest } from '../base/digest.ts';
import { environmentError, OcidslError } from '../base/errors.ts';
import { fingerprintOf, isRacy, sameFingerprint, takeFingerprint, type Fingerprint } from './fingerprint.ts';
import type { PathRecord } from './snapshot.ts';

interface Entry {
  readonly fingerprint: Fingerprint;
  hash: string | undefined;
  /** Whether a later build may trust the fingerprint. */
  readonly stable: boolean;
}

const CHUNK = 256 * 1024;
const YIELD_EVERY = 64 * 1024 * 1024;

/** Files of a workspace, by path relative to its root (or absolute outside of it). */
export class FileIndex {
  readonly #root: string;
  /** What former builds recorded. */
  readonly #before = new Map<string, PathRecord>();
  /** What this build has looked at. */
  readonly #now = new Map<string, Entry>();

  constructor(root: string, known: readonly PathRecord[] = []) {
    this.#root = root;
    for (const record of known) this.#before.set(record.path, record);
  }

  /** The absolute path of an indexed path. */
  absolute(path: string): string {
    return resolve(this.#root, path);
  }

  /** The state of a path, looked at once per build. */
  look(path: string): Fingerprint {
    return this.#entry(path).fingerprint;
  }

  /**
   * Looks at what a discovery read, right after it ended: a path that changed since `startedMs` may not be what the discovery
   * saw, and no later build may trust its state.
   */
  lookSince(paths: Iterable<string>, startedMs: number): void {
    for (const path of paths) this.#entry(path, startedMs);
  }

  #entry(path: string, sinceMs: number = Date.now()): Entry {
    const seen = this.#now.get(path);
    if (seen !== undefined) return seen;
    const fingerprint = takeFingerprint(this.absolute(path));
    const before = this.#before.get(path);
    const same = before?.fingerprint !== undefined && sameFingerprint(before.fingerprint, fingerprint);
    const entry: Entry = { fingerprint, hash: same ? before.hash : undefined, stable: same || !isRacy(fingerprint, sinceMs) };
    // The names are taken while they are what was just looked at; a folder that is changing has none.
    if (fingerprint.kind === 'directory' && entry.hash === undefined && entry.stable) entry.hash = this.#namesDigest(path);
    this.#now.set(path, entry);
    return entry;
  }

  /**
   * Whether the path has the state that a former build recorded. A folder has as long as its names are the same: editors write
   * a new file and rename it, which changes the folder's times only.
   */
  isUnchanged(path: string): boolean {
    const before = this.#before.get(path);
    if (before === undefined) return false;
    const now = this.#entry(path);
    if (before.fingerprint !== undefined && sameFingerprint(before.fingerprint, now.fingerprint)) return true;
    if (now.fingerprint.kind !== 'directory' || before.hash === undefined) return false;
    return before.hash === (now.hash ?? this.#namesDigest(path));
  }

  #namesDigest(path: string): string | undefined {
    try {
      return sha256Hex(sortedUtf8(readdirSync(this.absolute(path))).join('\0'));
    } catch {
      return undefined;
    }
  }

  /** The digest of a file if it is known without reading. */
  known(path: string): Digest | undefined {
    const { hash, fingerprint } = this.#entry(path);
    return hash === undefined ? undefined : { hash, sizeBytes: fingerprint.sizeBytes };
  }

  /** The digest of a regular file, read if need be. */
  async digest(path: string): Promise<Digest> {
    const known = this.known(path);
    if (known !== undefined) return known;
    for (let attempt = 1; ; attempt++) {
      const hash = createHash('sha256');
      let read = 0;
      let single: string | undefined;
      for (const chunk of this.chunks(path)) {
        if (read === 0 && chunk.length === this.look(path).sizeBytes) single = sha256Hex(chunk);
        else hash.update(chunk);
        read += chunk.length;
        if (read % YIELD_EVERY === 0) await new Promise((next) => setImmediate(next));
      }
      const entry = this.#entry(path);
      const now = takeFingerprint(this.absolute(path));
      if (sameFingerprint(entry.fingerprint, now)) {
        entry.hash = single ?? hash.digest('hex');
        return { hash: entry.hash, sizeBytes: read };
      }
      if (attempt > 1) throw changed(path);
      this.#now.set(path, { fingerprint: now, hash: undefined, stable: false });
    }
  }

  /** Notes a digest that a tool computed while it read the file. */
  learn(path: string, hash: string): void {
    this.#entry(path).hash = hash;
  }

  /**
   * The content of a regular file in chunks that are valid until the next one; checks that the file is the one looked at and
   * has exactly its size.
   */
  *chunks(path: string): Generator<Uint8Array, void, undefined> {
    const expected = this.look(path);
    const absolute = this.absolute(path);
    if (expected.kind !== 'file') throw notRegular(path, expected);
    let fd: number;
    try {
      fd = openSync(absolute, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      throw environmentError(`read "${path}"`, error);
    }
    try {
      const size = expected.sizeBytes;
      const buffer = Buffer.allocUnsafe(Math.min(size + 1, CHUNK));
      let read = 0;
      for (;;) {
        const count = readSync(fd, buffer, 0, buffer.length, null);
        if (count === 0) break;
        read += count;
        if (read > size) throw changed(path);
        yield buffer.subarray(0, count);
        if (read === size && size < CHUNK) break;
      }
      if (read !== size) throw changed(path);
      if (!sameFingerprint(fingerprintOf(fstatSync(fd)), expected)) throw changed(path);
    } catch (error) {
      throw (error as { syscall?: string }).syscall === undefined ? error : environmentError(`read "${path}"`, error);
    } finally {
      closeSync(fd);
    }
  }

  /** @throws OCIDSL_INPUT_CHANGED where a file is no longer the one that was looked at */
  verifyUnchanged(paths: Iterable<string>): void {
    for (const path of paths) {
      if (!sameFingerprint(this.look(path), takeFingerprint(this.absolute(path)))) throw changed(path);
    }
  }

  /** Forgets what was seen of some paths in this build, so that they are looked at again. */
  forget(paths: Iterable<string>): void {
    for (const path of paths) {
      this.#before.delete(path);
      this.#now.delete(path);
    }
  }

  /** The record of a path for the next build's snapshot. */
  record(path: string): PathRecord {
    const { fingerprint, stable, hash } = this.#entry(path);
    return { path, fingerprint: stable ? fingerprint : undefined, hash };
  }
}

function changed(path: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_INPUT_CHANGED',
    kind: 'build',
    message: `Cannot use "${path}": it changed while it was being read`,
    hint: 'Run the build again when nothing writes to the file',
  });
}

/** The error for an input that is missing or not a regular file. */
export function notRegular(path: string, fingerprint: Fingerprint): OcidslError {
  if (fingerprint.kind === 'absent') {
    return new OcidslError({
      code: 'OCIDSL_INPUT_MISSING',
      kind: 'config',
      message: `Cannot find the file "${path}": it does not exist, expected a file of the workspace`,
    });
  }
  const is = { directory: 'a folder', symlink: 'a symbolic link', other: 'a device, pipe or socket', file: 'a file' }[fingerprint.kind];
  return new OcidslError({
    code: 'OCIDSL_INPUT_KIND',
    kind: 'config',
    message: `Cannot read "${path}": it is ${is}, expected a regular file`,
  });
}
