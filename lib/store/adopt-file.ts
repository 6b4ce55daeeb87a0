// A file that another program wrote becomes a blob by its name alone: a program of 50 MB is not copied. Durable as what a DiskBlobWriter writes.
import { createHash } from 'node:crypto';
import { closeSync, constants, fchmodSync, fstatSync, fsync, lstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Digest } from '../base/digest.ts';
import type { DiskBlobWriterOptions } from './disk-blob-writer.ts';
import { errorCode } from './system-error.ts';
import { makeFolder, publish } from './temporary-files.ts';

const fsyncAsync = promisify(fsync);
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const CHUNK_BYTES = 1024 * 1024;
/** After so many bytes timers and signals run: reads are synchronous. */
const BREATH_CHUNKS = 8;

/**
 * Moves the file at `path` into the store. Undefined, and the file is where it was, where that cannot be: it is empty, lies on another file
 * system, has another name or owner too, or something wrote to it meanwhile. Whoever asked copies it then.
 * @throws system errors of reading and flushing it
 */
export async function adoptFile(
  path: string,
  { layout, directoryMode, isDurable, onStored }: DiskBlobWriterOptions,
): Promise<Digest | undefined> {
  // It may be the first blob of a new cache.
  makeFolder(layout.temporary, directoryMode);
  if (lstatSync(path).dev !== lstatSync(layout.temporary).dev) return undefined;
  const fd = openSync(path, READ);
  let digest: Digest;
  let stat: BigIntStats;
  try {
    const before = fstatSync(fd, { bigint: true });
    if (!before.isFile() || before.nlink !== 1n || before.size === 0n || Number(before.uid) !== process.geteuid?.()) return undefined;
    fchmodSync(fd, 0o444);
    // The disk and the hash work at the same time. Both are awaited before the file is closed, also where one fails.
    const flushed = isDurable ? fsyncAsync(fd) : undefined;
    const [hashed] = await Promise.allSettled([digestOfOpen(fd), flushed]);
    await flushed;
    if (hashed.status === 'rejected') throw hashed.reason;
    digest = hashed.value;
    stat = fstatSync(fd, { bigint: true });
    if (stat.mtimeNs !== before.mtimeNs || stat.size !== before.size || stat.size !== BigInt(digest.sizeBytes)) return undefined;
  } finally {
    closeSync(fd);
  }
  try {
    publish(path, layout.blob(digest), directoryMode);
  } catch (error) {
    // Bind mounts are one file system with borders.
    if (errorCode(error) === 'EXDEV') return undefined;
    throw error;
  }
  onStored(digest, stat);
  return digest;
}

async function digestOfOpen(fd: number): Promise<Digest> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let sizeBytes = 0;
  for (let chunks = 1, count = -1; count !== 0; chunks++) {
    count = readSync(fd, chunk);
    hash.update(chunk.subarray(0, count));
    sizeBytes += count;
    if (chunks % BREATH_CHUNKS === 0) await setImmediate();
  }
  return { hash: hash.digest('hex'), sizeBytes };
}
