// The file index: path → fingerprint → digest. Knows the content of files that have not changed since they were last read,
// and reads the others, once.
import { readdirSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { expectObjects } from '../base/v8-heap.ts';
import { sortedUtf8 } from '../base/bytes.ts';
import { sha256Hex, type Digest } from '../base/digest.ts';
import { isRacy, sameFingerprint, takeFingerprint, type Fingerprint } from './fingerprint.ts';
import { absolutePath } from './indexed-path.ts';
import type { PathRecord } from './snapshot.ts';
import { fileChanged, readChunks, readSmallFile } from './source-file.ts';

/**
 * A path in a FileIndex: what the index knows of it is found without looking it up again. It is the content of a ResolvedInput as it is,
 * since each object more costs 5 MB where there are 100,000 files.
 */
export interface IndexedFile {
  /** Tells it from other contents of an action's inputs; what is at the path, the fingerprint says. */
  readonly kind: 'file';
  /** Relative to the workspace root, or absolute outside of it. */
  readonly path: string;
  /** Its state when it was looked at. */
  readonly fingerprint: Fingerprint;
}

interface Entry extends IndexedFile {
  fingerprint: Fingerprint;
  hash: string | undefined;
  /** Whether a later build may trust the fingerprint. */
  stable: boolean;
}

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
    expectObjects(known.length);
    for (const record of known) this.#before.set(record.path, record);
  }

  /** The absolute path of an indexed path. */
  absolute(path: string): string {
    return absolutePath(this.#root, path);
  }

  /** The state of a path, looked at once per build. */
  look(path: string): Fingerprint {
    return this.#entry(path).fingerprint;
  }

  /** The same, to be asked for more. */
  file(path: string): IndexedFile {
    return this.#entry(path);
  }

  /**
   * Looks at what a discovery read, right after it ended: a path that changed since `startedMs` may not be what the discovery
   * saw, and no later build may trust its state.
   */
  lookSince(paths: Iterable<string>, startedMs: number): void {
    for (const path of paths) this.#entry(path, startedMs);
  }

  #entry(file: string | IndexedFile, sinceMs?: number): Entry {
    if (typeof file === 'object') return file as Entry;
    const path = file;
    const seen = this.#now.get(path);
    if (seen !== undefined) return seen;
    const fingerprint = takeFingerprint(this.absolute(path));
    const before = this.#before.get(path);
    const same = before?.fingerprint !== undefined && sameFingerprint(before.fingerprint, fingerprint);
    const stable = same || !isRacy(fingerprint, sinceMs ?? Date.now());
    const entry: Entry = { kind: 'file', path, fingerprint, hash: same ? before.hash : undefined, stable };
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
  known(file: string | IndexedFile): Digest | undefined {
    const { hash, fingerprint } = this.#entry(file);
    return hash === undefined ? undefined : { hash, sizeBytes: fingerprint.sizeBytes };
  }

  /** The digest of a regular file, read if need be. */
  async digest(file: string | IndexedFile): Promise<Digest> {
    const entry = this.#entry(file);
    const known = this.known(entry);
    if (known !== undefined) return known;
    for (let attempt = 1; ; attempt++) {
      const hash = createHash('sha256');
      let read = 0;
      let single: string | undefined;
      for (const chunk of this.chunks(entry)) {
        if (read === 0 && chunk.length === entry.fingerprint.sizeBytes) single = sha256Hex(chunk);
        else hash.update(chunk);
        read += chunk.length;
        if (read % YIELD_EVERY === 0) await new Promise((next) => setImmediate(next));
      }
      const now = takeFingerprint(this.absolute(entry.path));
      if (sameFingerprint(entry.fingerprint, now)) {
        entry.hash = single ?? hash.digest('hex');
        return { hash: entry.hash, sizeBytes: read };
      }
      if (attempt > 1) throw fileChanged(entry.path);
      Object.assign(entry, { fingerprint: now, stable: false });
    }
  }

  /** Notes a digest that a tool computed while it read the file. */
  learn(file: string | IndexedFile, hash: string): void {
    this.#entry(file).hash = hash;
  }

  /** The content of a regular file in chunks that are valid until the next one; checks that the file is the one looked at. */
  chunks(file: string | IndexedFile): Generator<Uint8Array, void, undefined> {
    const { path, fingerprint } = this.#entry(file);
    return readChunks(path, this.absolute(path), fingerprint);
  }

  /** The same in one piece, for files of less than SMALL_FILE_BYTES: in the beginning of `buffer`. Learns the digest. */
  readSmall(file: string | IndexedFile, buffer: Buffer): Buffer {
    const entry = this.#entry(file);
    const bytes = readSmallFile(entry.path, this.absolute(entry.path), entry.fingerprint, buffer);
    entry.hash ??= sha256Hex(bytes);
    return bytes;
  }

  /** @throws OCIDSL_INPUT_CHANGED where a file is no longer the one that was looked at */
  verifyUnchanged(paths: Iterable<string>): void {
    for (const path of paths) {
      if (!sameFingerprint(this.look(path), takeFingerprint(this.absolute(path)))) throw fileChanged(path);
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
    const entry = this.#entry(path);
    return entry.stable ? entry : { path, fingerprint: undefined, hash: entry.hash };
  }
}
