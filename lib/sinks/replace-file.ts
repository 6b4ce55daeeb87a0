// Files that are complete or absent, whatever kills the writer: a temporary file in the same folder, flushed, renamed.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '../base/digest.ts';
import { environmentError } from '../base/errors.ts';
import type { BlobSource } from '../store/blob-source.ts';

/** Writes a small file, in place of what was there. A link is replaced, not followed. */
export async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  await replace(file, async (temporary) => {
    await writeNew(temporary, 0o644, async (handle) => await handle.writeFile(bytes));
  });
}

/** A blob that becomes a file. */
export interface BlobFile {
  readonly source: BlobSource;
  readonly digest: Digest;
  readonly file: string;
  /**
   * 0444 shares the store's file by hard link where that works, and is a copy elsewhere. Any other mode is a copy, which file
   * systems with shared extents (btrfs, XFS, APFS) make without writing the bytes.
   */
  readonly mode: 0o444 | 0o755;
}

/**
 * Writes a verified blob to a file, in place of what was there.
 * @throws OCIDSL_BLOB_MISSING, OCIDSL_BLOB_CORRUPT; environment failures. What was there then stays.
 */
export async function replaceWithBlob({ source, digest, file, mode }: BlobFile): Promise<void> {
  const local = digest.sizeBytes > 0 ? await source.localPath?.(digest) : undefined;
  await replace(file, async (temporary) => {
    if (local !== undefined && mode === 0o444 && (await tryLink(local, temporary))) return;
    if (local !== undefined && mode !== 0o444) return await clone(local, temporary, mode);
    await writeNew(temporary, mode, async (handle) => {
      if (digest.sizeBytes === 0) return;
      for await (const chunk of source.read(digest)) await handle.writeFile(chunk);
    });
  });
}

async function replace(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryPath(dirname(file));
  try {
    await write(temporary);
    await rename(temporary, file);
  } catch (error) {
    throw isSystemError(error) ? environmentError(`write "${file}"`, error) : error;
  } finally {
    // Also after a rename: renaming a hard link over another of the same file does nothing.
    await unlink(temporary).catch(() => {});
  }
}

async function writeNew(path: string, mode: number, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await write(handle);
    // Whatever the umask is.
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

// Other devices, file systems without links, too many links, and kernels that protect links to other users' files.
const NO_LINK: ReadonlySet<string | undefined> = new Set([
  'EXDEV',
  'EPERM',
  'EACCES',
  'EMLINK',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EINVAL',
]);

async function tryLink(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (NO_LINK.has((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}

async function clone(local: string, path: string, mode: number): Promise<void> {
  await copyFile(local, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  // copyFile() keeps the mode of the store's file, which nobody may write: flushing needs no more than reading.
  const handle = await open(path, 'r');
  try {
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes a folder's entries to the device, where the system can do that. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (!handle) return;
  try {
    await handle.sync();
  } catch {
    // Some file systems refuse it: there, names are as durable as they get.
  } finally {
    await handle.close();
  }
}

/** A new name for a temporary file in a folder. */
export function temporaryPath(folder: string): string {
  return join(folder, `.ocidsl-${randomBytes(12).toString('hex')}.tmp`);
}

const TEMPORARY = /^\.ocidsl-[0-9a-f]{24}\.tmp$/;

/** Whether a name is that of a temporary file of this module. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

/** Removes what killed writers left in a folder: temporary files that nobody has changed for `olderThanMs`; 0 is all of them. */
export async function sweepFolder(folder: string, olderThanMs: number): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter(isTemporaryName)) {
    const path = join(folder, name);
    const stat = await lstat(path).catch(() => undefined);
    if (stat && (olderThanMs === 0 || Date.now() - stat.ctimeMs >= olderThanMs)) await unlink(path).catch(() => {});
  }
}

function isSystemError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException | undefined)?.syscall === 'string';
}
