// A blob of the store as a file that users see: a tar, a binary, a list.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, stat } from 'node:fs/promises';
import type { Digest } from '../base/digest.ts';
import { environmentError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { BlobSource } from '../store/blob-source.ts';
import { replaceWithBlob, sweepFolder, syncFolder } from './replace-file.ts';
import type { WrittenFile } from './written-file.ts';

/** What is written where. */
export interface OutputFileOptions {
  readonly source: BlobSource;
  readonly digest: Digest;
  /** The file; its folder is made where it is missing. */
  readonly file: string;
  /** A copy of mode 0755. Otherwise mode 0444, by hard link to the store's file where that works. */
  readonly isExecutable: boolean;
}

const STALE_MS = 24 * 60 * 60 * 1000;

/** Makes an output folder and removes what killed builds left in it. Once a build is enough. */
export async function prepareOutputFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw environmentError(`make folder "${folder}"`, error);
  }
  await sweepFolder(folder, STALE_MS);
}

/** Makes the names of files that were written to a folder durable. Once, after the last of them. */
export async function syncOutputFolder(folder: string): Promise<void> {
  await syncFolder(folder);
}

/**
 * Writes an output file into a prepared folder: complete or as it was before. Nothing is written where the file has the blob's bytes and mode.
 * @throws OCIDSL_OUTPUT_CONFLICT where a folder is in its place; OCIDSL_BLOB_MISSING, OCIDSL_BLOB_CORRUPT
 */
export async function writeOutputFile(options: OutputFileOptions): Promise<WrittenFile> {
  const { source, digest, file, isExecutable } = options;
  const written: WrittenFile = { path: file, sizeBytes: digest.sizeBytes };
  const mode = isExecutable ? 0o755 : 0o444;
  if (await isCurrent(options, mode)) return written;
  await replaceWithBlob({ source, digest, file, mode });
  return written;
}

async function isCurrent({ source, digest, file }: OutputFileOptions, mode: number): Promise<boolean> {
  const existing = await lstat(file).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw environmentError(`look at "${file}"`, error);
  });
  if (existing?.isDirectory()) {
    throw new OcidslError({
      code: 'OCIDSL_OUTPUT_CONFLICT',
      kind: 'environment',
      message: `Cannot write file "${printable(file)}": a folder is in its place, expected a file or nothing`,
      hint: 'Move it away: nothing that may be yours is deleted',
    });
  }
  if (!existing?.isFile() || existing.size !== digest.sizeBytes || (existing.mode & 0o777) !== mode) return false;
  const local = digest.sizeBytes > 0 ? await source.localPath?.(digest) : undefined;
  const stored = local === undefined ? undefined : await stat(local).catch(() => undefined);
  // A link to the verified file of the store needs no second look.
  if (stored?.ino === existing.ino && stored.dev === existing.dev) return true;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex') === digest.hash;
}
