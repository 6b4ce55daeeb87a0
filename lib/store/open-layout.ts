// An OCI layout wherever it lies: a folder, or a tar archive of one, plain or with gzip.
import { open, stat } from 'node:fs/promises';
import { environmentError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { BlobSource } from './blob-source.ts';
import { openCompressedLayoutArchive } from './layout-archive-compressed.ts';
import { openLayoutArchive } from './layout-archive.ts';
import type { LayoutFiles } from './layout-files.ts';
import { openLayoutFolder } from './layout-folder-files.ts';
import { errorCode } from './system-error.ts';

/**
 * Opens the layout at `path`. What it is, its content says, not its name.
 * @throws OCIDSL_LAYOUT_MISSING where there is nothing, OCIDSL_LAYOUT_ARCHIVE, OCIDSL_ARCHIVE_CORRUPT; for a compressed
 * archive these, and OCIDSL_ARCHIVE_COMPRESSION, come when it is first read
 */
export async function openLayoutFiles(path: string): Promise<LayoutFiles> {
  let isFile: boolean;
  try {
    isFile = (await stat(path)).isFile();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw environmentError(`read "${path}"`, error);
    throw new OcidslError({
      code: 'OCIDSL_LAYOUT_MISSING',
      message: `Cannot read OCI layout "${printable(path)}": it does not exist, expected a folder or tar archive with an OCI layout`,
    });
  }
  if (!isFile) return await openLayoutFolder(path);
  return (await isPlainTar(path)) ? await openLayoutArchive(path) : openCompressedLayoutArchive(path);
}

/** The blobs of the layout at `path`, verified on every read. Throws like openLayoutFiles(). */
export async function openLayoutSource(path: string): Promise<BlobSource> {
  return (await openLayoutFiles(path)).blobs;
}

const MAGIC_OFFSET = 257;

// Every tar of the last 30 years says so in its first header; what does not is compressed, or is refused by name.
async function isPlainTar(path: string): Promise<boolean> {
  const file = await open(path).catch((error: unknown) => {
    throw environmentError(`read "${path}"`, error);
  });
  try {
    const { buffer } = await file.read(Buffer.alloc(5), 0, 5, MAGIC_OFFSET);
    return buffer.toString('latin1') === 'ustar';
  } finally {
    await file.close();
  }
}
