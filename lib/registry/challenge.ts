// WWW-Authenticate: a list of challenges whose parameters are lists too.
// https://www.rfc-editor.org/rfc/rfc9110#name-challenge-and-response

/** One way to authenticate that a server offers. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`, … */
  readonly scheme: string;
  /** Names in lower case; the first of equal ones counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const MAX_LENGTH = 16 * 1024;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
// Wider than a token: some servers leave the quotes of a realm's URL out.
const BARE_VALUE = /[^\s,"]+/y;
const SEPARATORS = /[ \t,]*/y;
const SPACE = /[ \t]*/y;
const EQUALS = /[ \t]*=[ \t]*/y;

/**
 * Reads one or more joined WWW-Authenticate headers. What does not follow the grammar ends the reading: challenges before it
 * still count.
 */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, MAX_LENGTH);
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return undefined;
    at = pattern.lastIndex;
    return match[0];
  };
  const quoted = (): string | undefined => {
    let value = '';
    for (let i = at + 1; i < text.length; i++) {
      if (text[i] === '"') {
        at = i + 1;
        return value;
      }
      if (text[i] === '\\') i++;
      value += text[i] ?? '';
    }
    return undefined;
  };

  for (;;) {
    take(SEPARATORS);
    const name = take(TOKEN);
    if (name === undefined) return challenges;
    const current = challenges.at(-1);
    if (current !== undefined && take(EQUALS) !== undefined) {
      const value = text[at] === '"' ? quoted() : take(BARE_VALUE);
      if (value === undefined) return challenges;
      const key = name.toLowerCase();
      if (!current.parameters.has(key)) current.parameters.set(key, value);
      continue;
    }
    challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    take(SPACE);
    // `Negotiate oRQwEqADCgEA==`: one value in the place of parameters.
    take(TOKEN68);
  }
}
