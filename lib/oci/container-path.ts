// Absolute paths inside an image, as the working directory and volumes are.
import { isPlainText, valueError } from './value-error.ts';

/**
 * Checks an absolute path of the image's system and returns it unchanged.
 * @throws OCIDSL_IMAGE_VALUE
 */
export function checkContainerPath(text: string, thing: string, os = 'linux'): string {
  if (!isPlainText(text)) throw valueError(thing, text, 'it has a NUL or half a character', 'a path');
  const isAbsolute = os === 'windows' ? /^(?:[A-Za-z]:)?[\\/]/.test(text) : text.startsWith('/');
  if (!isAbsolute) throw valueError(thing, text, 'it is relative', 'an absolute path');
  if (text.split(os === 'windows' ? /[\\/]/ : '/').includes('..')) throw valueError(thing, text, 'it has a ".." segment', 'a path without');
  return text;
}
