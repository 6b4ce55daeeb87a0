// Text from outside on its way into a message: bounded, on one line, without control characters and without passwords in URLs.
import { hideUserInfo } from './hide-user-info.ts';

/**
 * `text` on one line, at most `limit` characters. Users and passwords of URLs are replaced. Control and format characters and lone
 * surrogates are written as `\u{…}`, because direction overrides make a line read differently from its bytes.
 */
export function printable(text: string, limit = 200): string {
  const redacted = hideUserInfo(text);
  const cut = redacted.length > limit ? `${redacted.slice(0, limit)}…` : redacted;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\p{Surrogate}/gu, (character) =>
    character === '\n' || character === '\t' ? ' ' : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
