// Writes a Go distribution to a folder that is complete or absent: beside its place, flushed, and renamed when all of it is right.
import { closeSync, fchmodSync, fsync, mkdirSync, openSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createLimiter } from '../base/limiter.ts';
import { printable } from '../base/printable.ts';
import { DistributionError, type GoDistributionFile } from './go-distribution-files.ts';

// Flushes wait for the disk in the thread pool, and file systems commit several of them together; each holds a file open.
const FLUSHED_TOGETHER = 64;
const IN_THE_WAY: ReadonlySet<string | undefined> = new Set(['EEXIST', 'ENOTDIR', 'EISDIR']);
const flush = promisify(fsync);

/** What is unpacked, and where. */
export interface GoUnpacking {
  readonly files: AsyncIterable<GoDistributionFile>;
  /** Where it will be. Nothing is there, and one process at a time unpacks to it. */
  readonly folder: string;
  /** What its VERSION has to say: `1.26.8`. */
  readonly version: string;
  /** Called when everything is written, before it gets its name: throws where the whole is not what it should be. */
  readonly check: () => void;
  readonly signal: AbortSignal;
}

/**
 * Unpacks. Files are read-only; folders are not, so that whoever owns the cache can remove it.
 * @throws DistributionError; what `files` and `check` throw; system errors
 */
export async function unpackGo({ files, folder, version, check, signal }: GoUnpacking): Promise<void> {
  const temporary = `${folder}.tmp`;
  // What a killed process left.
  await rm(temporary, { recursive: true, force: true });
  const written: number[] = [];
  try {
    const folders = new Set<string>();
    let found: string | undefined;
    for await (const { path, content, isExecutable } of files) {
      signal.throwIfAborted();
      if (path === 'VERSION') found = Buffer.from(content).toString('utf8').split('\n', 1)[0]!.trim();
      try {
        const file = join(temporary, path);
        makeFolders(dirname(file), dirname(temporary), folders);
        written.push(write(file, content, isExecutable));
      } catch (error) {
        // The folder is new, so what is in the way came from the archive too.
        if (!IN_THE_WAY.has((error as NodeJS.ErrnoException).code)) throw error;
        throw new DistributionError(`"${printable(path)}" is in it twice, or is a folder and a file`);
      }
      if (written.length === FLUSHED_TOGETHER) await flushAndClose(written);
    }
    await flushAndClose(written);
    if (found !== `go${version}`) throw new DistributionError(`it is ${found === undefined ? 'no Go' : `"${found.slice(0, 40)}"`}`);
    check();
    const limit = createLimiter(FLUSHED_TOGETHER);
    await Promise.all([...folders].map((each) => limit(() => flushFolder(each))));
    signal.throwIfAborted();
    await rename(temporary, folder);
  } finally {
    for (const fd of written) closeSync(fd);
    await rm(temporary, { recursive: true, force: true });
  }
}

function makeFolders(folder: string, end: string, made: Set<string>): void {
  if (folder === end || made.has(folder)) return;
  makeFolders(dirname(folder), end, made);
  mkdirSync(folder);
  made.add(folder);
}

function write(file: string, content: Uint8Array, isExecutable: boolean): number {
  const fd = openSync(file, 'wx', 0o600);
  try {
    for (let done = 0; done < content.byteLength;) done += writeSync(fd, content, done);
    fchmodSync(fd, isExecutable ? 0o555 : 0o444);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

// Closes and forgets all of them, whatever happens.
async function flushAndClose(files: number[]): Promise<void> {
  const all = files.splice(0);
  const settled = await Promise.allSettled(all.map((fd) => flush(fd)));
  for (const fd of all) closeSync(fd);
  for (const each of settled) if (each.status === 'rejected') throw each.reason as Error;
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
