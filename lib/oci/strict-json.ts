// A strict JSON parser for documents from outside: JSON.parse keeps the last of two equal keys and rounds big integers,
// so two readers of one manifest could see two images (GHSA-5j5w-g665-5m35). This one refuses both.
import type { Json } from '../base/json.ts';
import { OcidslError, type SourceLocation } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** What is parsed. */
export interface StrictJsonOptions {
  /** The document in messages: `manifest "sha256:…"`. */
  readonly what: string;
  /** Refuses more bytes than this. Default: 8 MiB, twice what registries take for a manifest. */
  readonly limitBytes?: number;
  /** Path of the file for the place of a syntax error. Default: the error says the offset only. */
  readonly file?: string;
}

/** The largest manifest, index or config that is read: 8 MiB. */
export const DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024;

const DEPTH_LIMIT = 100;

/**
 * The value of a JSON text (RFC 8259, and RFC 7493 where that is stricter): UTF-8 without a byte order mark, unique keys,
 * integers that a double holds exactly. Objects have no prototype, so that `__proto__` is a key like any other.
 * @throws OCIDSL_JSON_SYNTAX, of kind `integrity`, with the offset
 */
export function parseStrictJson(bytes: Uint8Array, options: StrictJsonOptions): Json {
  const limitBytes = options.limitBytes ?? DOCUMENT_LIMIT_BYTES;
  if (bytes.byteLength > limitBytes) throw syntaxError(options.what, `it has ${bytes.byteLength} bytes`, `at most ${limitBytes}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw syntaxError(options.what, 'it is not UTF-8', 'JSON text in UTF-8');
  }
  return new Parser(text, options).document();
}

function syntaxError(what: string, is: string, expected: string, locations: readonly SourceLocation[] = []): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_JSON_SYNTAX',
    kind: 'integrity',
    message: `Cannot parse ${what}: ${is}, expected ${expected}`,
    locations,
  });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

// Sticky expressions: each matches at the cursor or not at all, in linear time.
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;

class Parser {
  readonly #text: string;
  readonly #what: string;
  readonly #file: string | undefined;
  #at = 0;

  constructor(text: string, { what, file }: StrictJsonOptions) {
    this.#text = text;
    this.#what = what;
    this.#file = file;
  }

  document(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('the end');
    return value;
  }

  #value(depth: number): Json {
    if (depth > DEPTH_LIMIT) throw this.#error(`it is nested deeper than ${DEPTH_LIMIT} levels`, 'less');
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): Json {
    const object = Object.create(null) as Record<string, Json>;
    this.#at++;
    this.#space();
    if (this.#take('}')) return object;
    for (;;) {
      this.#space();
      const start = this.#at;
      if (this.#text[start] !== '"') throw this.#unexpected('a key');
      const key = this.#string();
      if (Object.hasOwn(object, key)) {
        this.#at = start;
        throw this.#error(`the key "${printable(key, 80)}" appears twice`, 'unique keys');
      }
      this.#space();
      if (!this.#take(':')) throw this.#unexpected('":"');
      object[key] = this.#value(depth + 1);
      this.#space();
      if (this.#take('}')) return object;
      if (!this.#take(',')) throw this.#unexpected('"," or "}"');
    }
  }

  #array(depth: number): Json {
    const array: Json[] = [];
    this.#at++;
    this.#space();
    if (this.#take(']')) return array;
    for (;;) {
      array.push(this.#value(depth + 1));
      this.#space();
      if (this.#take(']')) return array;
      if (!this.#take(',')) throw this.#unexpected('"," or "]"');
    }
  }

  #string(): string {
    // By hand: a regular expression keeps a backtracking position for each character of a long string.
    const start = this.#at;
    let end = start + 1;
    let hasEscapes = false;
    for (; ; end++) {
      const code = this.#text.charCodeAt(end);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        hasEscapes = true;
        end++;
      } else if (!(code >= 0x20)) {
        this.#at = Math.min(end, this.#text.length);
        throw this.#unexpected('the rest of a string');
      }
    }
    this.#at = end + 1;
    if (!hasEscapes) return this.#text.slice(start + 1, end);
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      this.#at = start;
      throw this.#error('a string has an escape that JSON does not know', 'one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX');
    }
  }

  #number(): number {
    const start = this.#at;
    const match = this.#match(NUMBER);
    if (!match) throw this.#unexpected('a value');
    const value = Number(match[0]);
    const isInteger = match[1] === undefined && match[2] === undefined;
    if (isInteger ? !Number.isSafeInteger(value) : !Number.isFinite(value)) {
      this.#at = start;
      throw this.#error(`the number ${printable(match[0], 40)} is too large`, 'a number that loses nothing as a double');
    }
    return value;
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected('a value');
    this.#at += word.length;
    return value;
  }

  #space(): void {
    this.#match(SPACE);
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#text);
    if (match) this.#at = expression.lastIndex;
    return match;
  }

  #unexpected(expected: string): OcidslError {
    const character = this.#text[this.#at];
    return this.#error(character === undefined ? 'the text ends' : `there is "${printable(character)}"`, expected);
  }

  #error(is: string, expected: string): OcidslError {
    if (this.#file === undefined) return syntaxError(this.#what, `at character ${this.#at} ${is}`, expected);
    const before = this.#text.slice(0, this.#at).split('\n');
    const location = { file: this.#file, line: before.length, column: before[before.length - 1]!.length + 1 };
    return syntaxError(this.#what, is, expected, [location]);
  }
}
