// Reads go.mod and go.work as directives: just enough to know which other modules on this disk they name. Whether a file is
// right, Go says.
// https://go.dev/ref/mod#go-mod-file-lexical

/** One directive: its words after the verb, unquoted. `replace a => ./b` is `{verb: 'replace', words: ['a', '=>', './b']}`. */
export interface ModDirective {
  readonly verb: string;
  readonly words: readonly string[];
}

/** The directives of a go.mod or go.work, those of blocks included, in order. Lines that make no sense are left out. */
export function readModFile(text: string): ModDirective[] {
  const directives: ModDirective[] = [];
  let block: string | undefined;
  for (const line of text.split('\n')) {
    const words = wordsOf(line);
    const [first, second] = words;
    if (first === undefined) continue;
    if (block !== undefined && first === ')') block = undefined;
    else if (block !== undefined) directives.push({ verb: block, words });
    else if (second === '(') block = first;
    else directives.push({ verb: first, words: words.slice(1) });
  }
  return directives;
}

/** The file's text again: one directive a line. */
export function formatModFile(directives: readonly ModDirective[]): string {
  return directives.map(({ verb, words }) => `${[verb, ...words.map(quoteWord)].join(' ')}\n`).join('');
}

/** The module that a go.mod declares, undefined where it declares none. */
export function modulePathOf(directives: readonly ModDirective[]): string | undefined {
  return directives.find(({ verb }) => verb === 'module')?.words[0];
}

/** A module that is replaced by a folder. */
export interface LocalReplacement {
  readonly modulePath: string;
  /** The version that is replaced; '' for all. */
  readonly version: string;
  /** As written: absolute, or relative to the file's folder with a leading `./` or `../`. */
  readonly folder: string;
}

/** Those `replace` directives whose new module is a folder on disk. */
export function localReplacements(directives: readonly ModDirective[]): LocalReplacement[] {
  return directives.flatMap(({ verb, words }) => {
    const arrow = words.indexOf('=>');
    const [modulePath, version = ''] = words.slice(0, Math.max(arrow, 0));
    const folder = words[arrow + 1];
    if (verb !== 'replace' || modulePath === undefined || folder === undefined) return [];
    return isLocalFolder(folder) ? [{ modulePath, version, folder }] : [];
  });
}

/** The folders that a go.work's `use` directives name, as written. */
export function usedFolders(directives: readonly ModDirective[]): string[] {
  return directives.flatMap(({ verb, words }) => (verb === 'use' && words[0] !== undefined ? [words[0]] : []));
}

/** Whether a module path of a directive names a folder: absolute, or `.` or `..` first. */
export function isLocalFolder(text: string): boolean {
  return /^(?:\.{1,2}(?:[/\\]|$)|[/\\]|[A-Za-z]:[/\\])/.test(text);
}

// A word is quoted, a parenthesis, or runs up to white space, a parenthesis or a comment.
const WORD = /"((?:[^"\\]|\\.)*)"|`([^`]*)`|([()])|((?:(?!\/\/)[^\s()"`,])+)|\/\/.*/gy;

function wordsOf(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    at += /^[\s,]*/.exec(line.slice(at))![0].length;
    WORD.lastIndex = at;
    const match = WORD.exec(line);
    if (match === null || match[0].startsWith('//')) return words;
    words.push(match[1] === undefined ? (match[2] ?? match[3] ?? match[4]!) : match[1].replace(/\\(.)/g, '$1'));
    at = WORD.lastIndex;
  }
}

function quoteWord(word: string): string {
  return word !== '' && /^[^\s()"'`,\\]+$/.test(word) && !word.includes('//') ? word : JSON.stringify(word);
}
