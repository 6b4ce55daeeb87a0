// Errors of source files that a pattern or a folder names.
import type { Dirent } from 'node:fs';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** A file that is neither a regular file, a folder nor a link: reading it would hang or never end. */
export function specialFile(name: string, entry: Pick<Dirent, 'isFIFO' | 'isSocket' | 'isBlockDevice' | 'isCharacterDevice'>): OcidslError {
  const is = entry.isFIFO()
    ? 'a named pipe'
    : entry.isSocket()
      ? 'a socket'
      : entry.isBlockDevice() || entry.isCharacterDevice()
        ? 'a device'
        : 'a special file';
  return new OcidslError({
    code: 'OCIDSL_GLOB_SPECIAL',
    message: `Cannot use source file "${printable(name)}": it is ${is}, expected a regular file`,
    hint: 'Exclude it, or keep it out of the sources',
  });
}

/** A name that is not UTF-8, with its bytes. */
export function invalidName(folder: string, bytes: Uint8Array): OcidslError {
  const shown = Buffer.from(bytes)
    .toString('latin1')
    .replace(/[^ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return new OcidslError({
    code: 'OCIDSL_GLOB_NAME',
    message: `Cannot use source file "${shown.slice(0, 200)}" in folder "${printable(folder)}": its name is not UTF-8, expected one that every machine reads the same`,
    hint: 'Rename it, or exclude its folder',
  });
}

/** A symbolic link that cannot be used. */
export function unusableLink(name: string, target: string, is: string, expected: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GLOB_SYMLINK',
    message: `Cannot use symbolic link "${printable(name)}" to "${printable(target)}": ${is}, expected ${expected}`,
  });
}

/** Names of a folder that are not UTF-8, by how Node shows them; listed a second time only where that is possible at all. */
export function invalidNames(names: readonly string[], listBytes: () => readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  const invalid = new Map<string, Uint8Array>();
  if (!names.some((name) => name.includes('\ufffd'))) return invalid;
  for (const bytes of listBytes()) {
    const text = Buffer.from(bytes).toString('utf8');
    if (!Buffer.from(text, 'utf8').equals(bytes)) invalid.set(text, bytes);
  }
  return invalid;
}
