// Where the members of an object lie in a JSON text, so that one of them can be changed and all else kept byte for byte.

/** One member: `"key": value`. */
export interface JsonMember {
  readonly key: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** An object. */
export interface JsonObjectSpan {
  /** Offset of `{`. */
  readonly start: number;
  /** Offset of the matching `}`. */
  readonly end: number;
  readonly members: readonly JsonMember[];
}

const SPACE = /[\s\uFEFF]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const SCALAR = /[^\s,:{}[\]"]+/y;

/** The object that starts at or after the white space at `offset`, or undefined. The text must be valid JSON: JSON.parse() it first. */
export function scanObject(text: string, offset: number): JsonObjectSpan | undefined {
  const start = match(SPACE, text, offset);
  if (text[start] !== '{') return undefined;
  const members: JsonMember[] = [];
  let at = match(SPACE, text, start + 1);
  while (text[at] === '"') {
    const keyStart = at;
    const keyEnd = match(STRING, text, at);
    const valueStart = match(SPACE, text, match(SPACE, text, keyEnd) + 1); // behind the colon
    const valueEnd = skipValue(text, valueStart);
    members.push({ key: JSON.parse(text.slice(keyStart, keyEnd)) as string, keyStart, keyEnd, valueStart, valueEnd });
    at = match(SPACE, text, valueEnd);
    if (text[at] === ',') at = match(SPACE, text, at + 1);
  }
  return { start, end: at, members };
}

function skipValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const first = text[at] ?? '';
    if ('{['.includes(first)) depth++;
    if (']}'.includes(first)) depth--;
    at = first === '"' ? match(STRING, text, at) : '{[]},:'.includes(first) ? at + 1 : match(SCALAR, text, at);
    if (depth > 0) at = match(SPACE, text, at);
  } while (depth > 0 && at < text.length);
  return at;
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at + 1;
}
