// An OCI layout that is a folder. Nothing in it is followed out of it.
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { DOCUMENT_LIMIT_BYTES } from '../oci/strict-json.ts';
import { layoutBlobSource } from './layout-blob-source.ts';
import type { LayoutFiles } from './layout-files.ts';
import { errorCode } from './system-error.ts';

/** Opens the layout in `directory`. @throws OCIDSL_LAYOUT_FILE for links in place of its folders */
export async function openLayoutFolder(directory: string): Promise<LayoutFiles> {
  await refuseLinkedFolder(join(directory, 'blobs'));
  await refuseLinkedFolder(join(directory, 'blobs', 'sha256'));
  return {
    blobs: layoutBlobSource(directory),
    diskPath: (name) => join(directory, name),
    readFile: async (name) => await readLayoutFile(directory, join(directory, name)),
  };
}

async function readLayoutFile(directory: string, path: string): Promise<Buffer> {
  try {
    const stat = await lstat(path);
    if (stat.isFile() && stat.size <= DOCUMENT_LIMIT_BYTES) return await readFile(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw environmentError(`read "${path}"`, error);
    throw new OcidslError({
      code: 'OCIDSL_LAYOUT_MISSING',
      message: `Cannot read OCI layout "${printable(directory)}": "${printable(path)}" does not exist, expected a folder with an OCI layout`,
    });
  }
  throw new OcidslError({
    code: 'OCIDSL_LAYOUT_FILE',
    kind: 'integrity',
    message: `Cannot read "${printable(path)}": it is a link, no regular file or too large, expected a regular file of at most ${DOCUMENT_LIMIT_BYTES} bytes`,
  });
}

// A link in place of the folder would make files from elsewhere blobs of the layout.
async function refuseLinkedFolder(path: string): Promise<void> {
  const stat = await lstat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw environmentError(`look at "${path}"`, error);
  });
  if (stat === undefined || stat.isDirectory()) return;
  throw new OcidslError({
    code: 'OCIDSL_LAYOUT_FILE',
    kind: 'integrity',
    message: `Cannot read "${printable(path)}": it is no folder of the layout itself, expected a folder`,
  });
}
