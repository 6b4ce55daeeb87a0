// The folder of an OCI layout that this tool writes: what may be there before, and what is taken away after.
import { lstat, mkdir, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isSha256Hex } from '../base/digest.ts';
import { environmentError, isOcidslError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { isTemporaryName } from './replace-file.ts';

/** Name of the lock in the folder while somebody writes to it. */
export const LOCK_NAME = '.ocidsl-lock';

/** Folder of the blobs. */
export function blobFolder(directory: string): string {
  return join(directory, 'blobs', 'sha256');
}

/**
 * Makes the folder, or checks that what is there is a layout or the beginning of one. Nothing else is ever touched: a
 * mistyped output folder must not cost anybody's files.
 * @throws OCIDSL_OUTPUT_CONFLICT
 */
export async function prepareLayoutFolder(directory: string): Promise<void> {
  await refuseOther(directory);
  try {
    await mkdir(directory, { recursive: true });
    const names = await readdir(directory);
    const foreign = names.includes('oci-layout') ? undefined : names.find((name) => !isOfUnfinishedLayout(name));
    if (foreign !== undefined) throw conflict(directory, `it has "${printable(foreign, 80)}" and is no OCI layout`);
    await refuseOther(join(directory, 'blobs'));
    await refuseOther(blobFolder(directory));
    await mkdir(blobFolder(directory), { recursive: true });
  } catch (error) {
    throw isOcidslError(error) ? error : environmentError(`make folder "${directory}"`, error);
  }
}

// What a writer leaves that is killed before it gets to oci-layout.
function isOfUnfinishedLayout(name: string): boolean {
  return name === 'blobs' || isWriters(name);
}

function isWriters(name: string): boolean {
  return name === LOCK_NAME || isTemporaryName(name);
}

/** Whether somebody writes to the folder now, or was killed while writing. */
export async function hasWriter(directory: string): Promise<boolean> {
  return (await readdir(directory).catch(() => [])).some(isWriters);
}

async function refuseOther(path: string): Promise<void> {
  const stat = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw environmentError(`look at "${path}"`, error);
  });
  if (stat?.isSymbolicLink()) throw conflict(path, 'it is a symbolic link');
  if (stat && !stat.isDirectory()) throw conflict(path, 'it is a file');
}

function conflict(path: string, is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_OUTPUT_CONFLICT',
    kind: 'environment',
    message: `Cannot write OCI layout "${printable(path)}": ${is}, expected an OCI layout, an empty folder or nothing`,
    hint: 'Move it away: nothing that may be yours is deleted',
  });
}

/** Names in the blob folder that are blobs; empty where there is none. */
export async function listBlobs(directory: string): Promise<string[]> {
  return (await readdir(blobFolder(directory)).catch(() => [])).filter(isSha256Hex);
}

/** Removes blobs that are not in `keep`. Only under the lock, and only after index.json no longer needs them. */
export async function removeOtherBlobs(directory: string, keep: ReadonlySet<string>): Promise<void> {
  for (const name of await listBlobs(directory)) {
    if (keep.has(name)) continue;
    const path = join(blobFolder(directory), name);
    await unlink(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw environmentError(`remove "${path}"`, error);
    });
  }
}
