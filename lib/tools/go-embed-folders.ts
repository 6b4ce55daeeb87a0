// Folders whose list of names decides what //go:embed patterns match: a file that appears in one of them is embedded.
// Mirrors resolveEmbed() of cmd/go.
import { readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

/** Every folder that is listed when `patterns` of the package in `packageFolder` are matched; absolute paths. */
export function embedFolders(packageFolder: string, patterns: readonly string[]): string[] {
  const read = new Map<string, readonly Dirent[]>();
  const list = (folder: string): readonly Dirent[] => {
    let entries = read.get(folder);
    if (entries === undefined) read.set(folder, (entries = listFolder(folder)));
    return entries;
  };
  const walk = (folder: string, all: boolean): void => {
    for (const entry of list(folder)) {
      const isHidden = /^[._]/.test(entry.name);
      if (entry.isDirectory() && !NEVER.has(entry.name) && (all || !isHidden)) walk(join(folder, entry.name), all);
    }
  };
  for (const pattern of patterns) {
    const all = pattern.startsWith('all:');
    let folders = [packageFolder];
    for (const segment of (all ? pattern.slice(4) : pattern).split('/')) {
      const matches = segmentMatcher(segment);
      folders =
        matches === undefined
          ? folders.map((folder) => join(folder, segment))
          : folders.flatMap((folder) =>
              list(folder).flatMap((entry) => (entry.isDirectory() && matches(entry.name) ? [join(folder, entry.name)] : [])),
            );
    }
    // A pattern without wildcards may name a file, which is no folder to list.
    for (const folder of folders) walk(folder, all);
  }
  return [...read].flatMap(([folder, entries]) => (entries === NOT_A_FOLDER ? [] : [folder]));
}

const NEVER = new Set(['.bzr', '.hg', '.git', '.svn']);
const NOT_A_FOLDER: readonly Dirent[] = [];

function listFolder(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return NOT_A_FOLDER;
  }
}

// A segment of Go's path.Match as a predicate; undefined for a plain name. A class matches any character here: watching a
// folder too many is harmless.
function segmentMatcher(segment: string): ((name: string) => boolean) | undefined {
  if (!/[*?[\\]/.test(segment)) return undefined;
  const source = segment.replace(/\[(?:\\.|[^\]\\])*\]|\\.|./gsu, (part) => {
    if (part === '*') return '.*';
    if (part === '?' || (part.startsWith('[') && part.length > 1)) return '.';
    return part.replace(/^\\(?=.)/su, '').replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  });
  const expression = new RegExp(`^${source}$`, 'su');
  return (name) => expression.test(name);
}
