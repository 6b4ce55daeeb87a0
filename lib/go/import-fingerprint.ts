// The import fingerprint of a source file: a digest of exactly what `go list` reads from it. While it is the same, the
// import graph is the same, so an edit inside a function need not run `go list` again.
// Mirrors go/build/read.go: the header up to the last import, and the //go:embed comments of a file that imports "embed".
import { sha256Hex } from '../base/digest.ts';

/**
 * The fingerprint of a file by name (its extension decides what is read) and content. Text that Go might read in another
 * way, such as a string that is not closed, is digested as a whole.
 */
export function importFingerprint(fileName: string, content: Uint8Array): string {
  // One character a byte: positions and digests are those of the bytes.
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  const read = fileName.endsWith('.go') ? goFile(text) : otherFile(text);
  return sha256Hex(Buffer.from(read ?? `whole\0${text}`, 'latin1')).slice(0, 32);
}

const BOM = '\u00ef\u00bb\u00bf';

// Build constraints stand in the leading comments.
function otherFile(text: string): string | undefined {
  const end = skipSpace(text, text.startsWith(BOM) ? BOM.length : 0);
  return end < 0 ? undefined : `comments\0${text.slice(0, end)}`;
}

function goFile(text: string): string | undefined {
  const header = readHeader(text);
  if (header === undefined) return undefined;
  // Comments after the imports are not read, but bytes that no comment may have are an error in them.
  const gap = text.slice(header.end, header.next);
  const odd = /[^\t\n\f\r\x20-\x7e]/.test(gap) ? gap : '';
  const embeds = header.importsEmbed ? embedComments(text) : [];
  return embeds && ['header', text.slice(0, header.end), odd, ...embeds].join('\0');
}

interface Header {
  /** Where the package clause or the last import ends. */
  readonly end: number;
  /** Where the next token begins. */
  readonly next: number;
  readonly importsEmbed: boolean;
}

function readHeader(text: string): Header | undefined {
  let at = keyword(text, skipSpace(text, text.startsWith(BOM) ? BOM.length : 0), 'package');
  at = identifier(text, skipSpace(text, at));
  if (at < 0) return undefined;
  let importsEmbed = false;
  for (;;) {
    const next = skipSpace(text, at);
    if (next < 0) return undefined;
    if (text[next] !== 'i') return { end: at, next, importsEmbed };
    at = skipSpace(text, keyword(text, next, 'import'));
    if (at < 0) return undefined;
    const isGroup = text[at] === '(';
    if (isGroup) at = skipSpace(text, at + 1);
    while (at >= 0 && !(isGroup && text[at] === ')')) {
      if (text[at] === '.') at = skipSpace(text, at + 1);
      else if (isIdentifier(text, at)) at = skipSpace(text, identifier(text, at));
      const end = text[at] === "'" ? -1 : stringEnd(text, at);
      if (end < 0) return undefined;
      importsEmbed ||= text.slice(at + 1, end - 1) === 'embed' || text.slice(at, end).includes('\\');
      at = isGroup ? skipSpace(text, end) : end;
      if (!isGroup) break;
    }
    if (at < 0) return undefined;
    if (isGroup) at++;
  }
}

// The //go:embed comments of the whole file in order, or undefined where its tokens are not clear.
function embedComments(text: string): string[] | undefined {
  const found: string[] = [];
  if (!text.includes('//go:embed')) return found;
  for (let at = 0; at < text.length;) {
    const character = text[at];
    if (character === '"' || character === '`' || character === "'") {
      at = stringEnd(text, at);
      if (at < 0) return undefined;
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      if (end < 0) return undefined;
      at = end + 2;
    } else if (text.startsWith('//', at)) {
      const newline = text.indexOf('\n', at);
      const end = newline < 0 ? text.length : newline;
      if (text.startsWith('//go:embed', at)) found.push(text.slice(at, end));
      at = end;
    } else at++;
  }
  return found;
}

// Each of these takes a negative position for "failed before" and gives one where it fails.

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at >= 0 && at < text.length) {
    const character = text[at]!;
    // Go's reader takes semicolons for space here.
    if (' \f\t\r\n;'.includes(character)) at++;
    else if (character !== '/') return at;
    else if (text[at + 1] === '/') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (text[at + 1] === '*') {
      const end = text.indexOf('*/', at + 2);
      at = end < 0 ? -1 : end + 2;
    } else return -1;
  }
  return at;
}

function keyword(text: string, at: number, word: string): number {
  return at >= 0 && text.startsWith(word, at) && !isIdentifier(text, at + word.length) ? at + word.length : -1;
}

function identifier(text: string, start: number): number {
  let at = start;
  while (at >= 0 && isIdentifier(text, at)) at++;
  return at > start ? at : -1;
}

function isIdentifier(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122) || code >= 0x80;
}

function stringEnd(text: string, start: number): number {
  const quote = text[start];
  if (start < 0) return -1;
  if (quote === '`') {
    const end = text.indexOf('`', start + 1);
    return end < 0 ? -1 : end + 1;
  }
  if (quote !== '"' && quote !== "'") return -1;
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return at + 1;
    if (text[at] === '\\') at++;
    if (text[at] === '\n') return -1;
  }
  return -1;
}
