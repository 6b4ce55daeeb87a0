// Where things lie in a cache directory. No other file knows. All of it is below a version: another format of any file
// is another directory, so that an older and a newer ocidsl share a cache directory without seeing each other's entries.
import { join } from 'node:path';
import { parseSha256 } from '../base/digest.ts';
import type { Digest } from '../base/digest.ts';

const VERSION = 'v1';

/** Paths in one cache directory. The methods check the digest: no other text ever becomes a path. */
export interface DiskLayout {
  /** `v1`: everything is below it. */
  readonly root: string;
  /** `v1/tmp`: files that are being written, and corrupt ones that were taken out. Same file system as all others. */
  readonly temporary: string;
  /** `v1/partial`: blobs that have not arrived whole, each named for its hash and its writer. Same file system as all others. */
  readonly partial: string;
  /** `v1/cas/sha256/ab/abcd…`: the bytes of a blob, mode 0444. Throws OCIDSL_DIGEST_SYNTAX. */
  blob(digest: Pick<Digest, 'hash'>): string;
  /** `v1/ac/ab/abcd…`: an action result with its checksum. Throws OCIDSL_DIGEST_SYNTAX. */
  actionResult(action: Pick<Digest, 'hash'>): string;
  /** `v1/shapes/ab/abcd…`: an empty file. Throws OCIDSL_DIGEST_SYNTAX. */
  shape(hash: string): string;
  /** `v1/segments`: one file for each large archive. */
  readonly segmentsFolder: string;
  /** `v1/segments/abcd…`: where the compressed segments of an archive lie in its blob. Throws OCIDSL_DIGEST_SYNTAX. */
  segments(archive: Pick<Digest, 'hash'>): string;
}

/** The layout of the cache directory `directory`. Touches nothing. */
export function diskLayout(directory: string): DiskLayout {
  const root = join(directory, VERSION);
  const sharded = (folder: string) => {
    const base = join(root, folder);
    return (hash: string) => {
      const hex = parseSha256(`sha256:${hash}`);
      // 256 folders keep each of them small enough for any file system.
      return join(base, hex.slice(0, 2), hex);
    };
  };
  const segmentsFolder = join(root, 'segments');
  const blob = sharded(join('cas', 'sha256'));
  const actionResult = sharded('ac');
  return {
    root,
    temporary: join(root, 'tmp'),
    partial: join(root, 'partial'),
    blob: (digest) => blob(digest.hash),
    actionResult: (action) => actionResult(action.hash),
    shape: sharded('shapes'),
    segmentsFolder,
    segments: (archive) => join(segmentsFolder, parseSha256(`sha256:${archive.hash}`)),
  };
}
