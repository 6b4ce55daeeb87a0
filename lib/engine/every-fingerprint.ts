// Looks at many paths: a second thread takes part where that pays, because looking is all that most builds do.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { fingerprintOf, takeFingerprint, type Fingerprint } from './fingerprint.ts';
import { absolutePath } from './indexed-path.ts';

// A thread starts in the time of 5,000 looks.
const SHARED_FROM = 20_000;
const CHUNK = 512;
const COLUMNS = 5; // mode, size, mtimeMs, ctimeMs, ino
const ABSENT = -1;
const UNKNOWN = -2;
// States of a chunk.
const OPEN = 0;
const LOOKED_AT = 1;
const CHECKED = 2;
// A thread that could not start, or hangs in a file system, must not hold up the build for good.
const PATIENCE_MS = 1000;

/** Paths to look at. */
export interface PathTable {
  readonly pathCount: number;
  /** As absolutePath() takes it. */
  path(index: number): string;
  /** All of them in UTF-8, joined by NUL. */
  readonly pathText: Uint8Array;
}

/** What may be set of a look at many paths. */
export interface LookOptions {
  /** 0 for each path that does not count. Default: all count. */
  readonly isNeeded?: Uint8Array;
  /** Paths that count, from which on a second thread takes part; tests change it, and the following. */
  readonly sharedFrom?: number;
  /** Program of the thread. */
  readonly program?: string;
  /** How long a chunk of the thread's is waited for, in milliseconds. */
  readonly patienceMs?: number;
}

// Only looks and writes down what the system says: what that means is said here, once. What it cannot look at is left to us, who can fail.
const LOOK = `
const { lstatSync } = require('node:fs');
const { resolve } = require('node:path');
const { root, text, isNeeded, figures, next, chunks, size } = require('node:worker_threads').workerData;
const paths = Buffer.from(text).toString('utf8').split('\\0');
for (let from; (from = Atomics.add(next, 0, size)) < paths.length; ) {
  for (let i = from; i < Math.min(from + size, paths.length); i++) {
    if (isNeeded[i] === 0) continue;
    let stats;
    try {
      stats = lstatSync(resolve(root, paths[i]), { throwIfNoEntry: false }) ?? { mode: ${ABSENT} };
    } catch {
      stats = { mode: ${UNKNOWN} };
    }
    figures.set([stats.mode, stats.size, stats.mtimeMs, stats.ctimeMs, stats.ino], i * ${COLUMNS});
  }
  Atomics.store(chunks, from / size, ${LOOKED_AT});
  Atomics.notify(chunks, from / size);
}
`;

/**
 * Whether `isAsExpected` holds for the present fingerprint of every path that counts; stops at the first for which it does not. It is called in
 * any order.
 * @throws what the system says of a path that cannot be looked at
 */
export function everyFingerprint(
  root: string,
  table: PathTable,
  isAsExpected: (index: number, now: Fingerprint) => boolean,
  { isNeeded = new Uint8Array(table.pathCount).fill(1), ...options }: LookOptions = {},
): boolean {
  const { pathCount } = table;
  const look = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      if (isNeeded[i] !== 0 && !isAsExpected(i, takeFingerprint(absolutePath(root, table.path(i))))) return false;
    }
    return true;
  };
  let needed = 0;
  for (const each of isNeeded) if (each !== 0) needed++;
  if (needed < (options.sharedFrom ?? SHARED_FROM) || availableParallelism() < 2) return look(0, pathCount);

  const { figures, next, chunks } = startThread(root, table, isNeeded, options.program ?? LOOK);
  const end = (from: number) => Math.min(from + CHUNK, pathCount);
  const compare = (from: number) => {
    for (let i = from; i < end(from); i++) {
      if (isNeeded[i] === 0) continue;
      const isUnknown = figures[i * COLUMNS] === UNKNOWN;
      if (isUnknown ? !look(i, i + 1) : !isAsExpected(i, lookedAt(figures, i * COLUMNS))) return false;
    }
    return true;
  };
  try {
    for (let from; (from = Atomics.add(next, 0, CHUNK)) < pathCount;) {
      if (!look(from, end(from))) return false;
      chunks[from / CHUNK] = CHECKED;
    }
    for (let chunk = 0; chunk < chunks.length; chunk++) {
      if (chunks[chunk] === CHECKED) continue;
      Atomics.wait(chunks, chunk, OPEN, options.patienceMs ?? PATIENCE_MS);
      const from = chunk * CHUNK;
      if (!(Atomics.load(chunks, chunk) === LOOKED_AT ? compare(from) : look(from, end(from)))) return false;
    }
    return true;
  } finally {
    // The thread ends with the chunk that it looks at.
    Atomics.store(next, 0, pathCount);
  }
}

function lookedAt(figures: Float64Array, at: number): Fingerprint {
  const mode = figures[at]!;
  if (mode === ABSENT) return fingerprintOf(undefined);
  return fingerprintOf({ mode, size: figures[at + 1]!, mtimeMs: figures[at + 2]!, ctimeMs: figures[at + 3]!, ino: figures[at + 4]! });
}

function startThread(root: string, { pathCount, pathText }: PathTable, isNeeded: Uint8Array, program: string) {
  const text = new SharedArrayBuffer(pathText.length);
  new Uint8Array(text).set(pathText);
  const figures = new Float64Array(new SharedArrayBuffer(pathCount * COLUMNS * Float64Array.BYTES_PER_ELEMENT));
  const next = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const chunks = new Int32Array(new SharedArrayBuffer(Math.ceil(pathCount / CHUNK) * Int32Array.BYTES_PER_ELEMENT));
  const workerData = { root, text, isNeeded, figures, next, chunks, size: CHUNK };
  const thread = new Worker(program, { eval: true, workerData, stdout: true, stderr: true, env: {}, execArgv: [] });
  // Whatever it fails with: its chunks are looked at here then.
  thread.on('error', () => undefined).unref();
  return { figures, next, chunks };
}
