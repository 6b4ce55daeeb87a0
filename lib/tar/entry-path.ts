// Paths of archive entries: one spelling for each path, and no path that could leave the root or delete files.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

// What a path in its one spelling never contains: an empty segment (also a leading or trailing slash), `.`, `..`, a
// whiteout name, NUL, a backslash (legal, but looked at more closely), half a surrogate pair, U+FFFD (a lost byte).
const NEEDS_A_LOOK = /(?:^|\/)(?:\.{0,2}|\.wh\.[^/]*)(?:\/|$)|[\0\\\ufffd\p{Surrogate}]/u;

/**
 * The one spelling of an entry's path: relative, `/` between segments. `./a`, `/a`, `a//` and `a` all give `a`.
 * @throws OCIDSL_ENTRY_PATH for an empty path, `..`, NUL, `..\`, text that is no valid Unicode, and names that begin with
 * `.wh.`, which delete files of lower layers
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
 */
export function normalizeEntryPath(path: string): string {
  if (!NEEDS_A_LOOK.test(path)) return path;
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.length === 0) throw refused(path, 'it names no file');
  for (const segment of segments) checkSegment(path, segment);
  return segments.join('/');
}

function checkSegment(path: string, segment: string): void {
  if (segment.split('\\').includes('..')) throw refused(path, 'it has a ".." segment');
  if (segment.includes('\0')) throw refused(path, 'it contains a NUL character');
  if (segment.startsWith('.wh.')) {
    throw refused(
      path,
      `"${printable(segment)}" begins with ".wh."`,
      'a name that is no whiteout: in an image layer such a name deletes the file that it hides (image-spec, layer.md, Whiteouts)',
    );
  }
  if (/[\ufffd\p{Surrogate}]/u.test(segment)) throw refused(path, 'it is not valid Unicode', 'a name in UTF-8');
}

function refused(path: string, is: string, expected = 'a path below the root of the archive'): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_ENTRY_PATH',
    message: `Cannot use "${printable(path)}" as the path of an archive entry: ${is}, expected ${expected}`,
  });
}

/**
 * Checks the target of the symbolic link at `path` (in its one spelling). Absolute targets are fine: they are resolved
 * inside the container.
 * @throws OCIDSL_LINK_TARGET for an empty target, NUL, text that is no valid Unicode, and a relative target that climbs above the root
 */
export function checkSymlinkTarget(path: string, target: string): void {
  const fail = (is: string) =>
    new OcidslError({
      code: 'OCIDSL_LINK_TARGET',
      message: `Cannot add symbolic link "${printable(path)}" to "${printable(target)}": its target ${is}, expected a path inside the image`,
    });
  if (target === '') throw fail('is empty');
  if (target.includes('\0')) throw fail('contains a NUL character');
  if (/[\ufffd\p{Surrogate}]/u.test(target)) throw fail('is not valid Unicode');
  if (target.startsWith('/') || !target.includes('..')) return;
  let depth = path.split('/').length - 1;
  for (const segment of target.split('/')) {
    if (segment === '..') depth--;
    else if (segment !== '' && segment !== '.') depth++;
    if (depth < 0) throw fail('climbs above the root');
  }
}

/**
 * The entry that the hard link at `path` names, in its one spelling.
 * @throws OCIDSL_LINK_TARGET for an absolute target and whatever normalizeEntryPath() refuses
 */
export function hardLinkTarget(path: string, target: string): string {
  const fail = (is: string, cause?: unknown) =>
    new OcidslError({
      code: 'OCIDSL_LINK_TARGET',
      message: `Cannot add hard link "${printable(path)}" to "${printable(target)}": its target ${is}, expected the path of a file in the archive`,
      cause,
    });
  if (target.startsWith('/')) throw fail('is absolute');
  try {
    return normalizeEntryPath(target);
  } catch (error) {
    throw fail('is no path below the root', error);
  }
}

/** What stands before the name of a file in `folder`; the root is empty. */
export function folderPrefix(folder: string): string {
  return folder === '' ? '' : `${folder}/`;
}

/** The path's parent directory, or undefined for an entry at the root. */
export function parentPath(path: string): string | undefined {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? undefined : path.slice(0, slash);
}
