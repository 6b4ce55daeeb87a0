// The user that a container runs as: `User` of the run parameters.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
import { valueError } from './value-error.ts';

/** A user as an image names it. */
export interface ImageUser {
  /** A number from 0 to 2147483647, or a name of the image's /etc/passwd. */
  readonly user: number | string;
  /** A number, or a name of the image's /etc/group. Absent: the user's own group. */
  readonly group?: number | string;
}

const EXPECTED = 'uid, uid:gid, name or name:group';
// Go's int32: an id above it wrapped around to root in containerd (CVE-2024-40635).
const MAX_ID = 2 ** 31 - 1;
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,254}\$?$/;
const WINDOWS_NAME = /^[A-Za-z_][A-Za-z0-9_. \\-]{0,254}\$?$/;

/**
 * Reads `uid`, `uid:gid`, `name`, `name:group` or a mixture.
 * @param os the image's; Windows has names such as `NT AUTHORITY\SYSTEM`
 * @throws OCIDSL_IMAGE_VALUE
 */
export function parseUser(text: string, os = 'linux'): ImageUser {
  const colon = text.indexOf(':');
  const read = (part: string, what: string) => parseId(text, part, what, os === 'windows' ? WINDOWS_NAME : NAME);
  if (colon < 0) return { user: read(text, 'user') };
  return { user: read(text.slice(0, colon), 'user'), group: read(text.slice(colon + 1), 'group') };
}

function parseId(text: string, part: string, what: string, name: RegExp): number | string {
  if (part === '') throw valueError('user', text, `its ${what} is empty`, EXPECTED);
  if (/^(?:0|[1-9][0-9]*)$/.test(part)) {
    const id = Number(part);
    if (id > MAX_ID) throw valueError('user', text, `its ${what} is above ${MAX_ID}`, EXPECTED);
    return id;
  }
  // "+5" and "007" are numbers to Go's Atoi and names to others.
  if (/^[+-]?[0-9]/.test(part)) throw valueError('user', text, `its ${what} is neither a plain number nor a name`, EXPECTED);
  if (!name.test(part)) throw valueError('user', text, `its ${what} has characters that names do not have`, EXPECTED);
  return part;
}
