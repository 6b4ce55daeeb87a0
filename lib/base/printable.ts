// Text from outside on its way into a message: bounded, on one line, without control characters.

/**
 * `text` on one line, at most `limit` characters; control and format characters and lone surrogates are written as
 * `\u{…}`, because direction overrides make a line read differently from its bytes.
 */
export function printable(text: string, limit = 200): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\p{Surrogate}/gu, (character) =>
    character === '\n' || character === '\t' ? ' ' : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
