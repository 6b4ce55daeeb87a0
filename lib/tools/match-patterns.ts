// Source files by pattern. fast-glob matches, in the file system that WorkspaceView shows it.
import { lstatSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sortedUtf8 } from '../base/bytes.ts';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { DiscoveredFile } from '../plan/discovery.ts';
import { WorkspaceView } from './workspace-view.ts';

/** What is asked for, as GlobPattern has it. A type, not an interface, so that it is Json. */
export type GlobArguments = {
  /** Folder relative to the workspace root, '' for the root, that patterns and the names of files are relative to. */
  readonly package: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly allowEmpty: boolean;
  readonly dot: boolean;
};

/** What was found. */
export interface GlobMatches {
  /** Sorted by name in UTF-8 order. */
  readonly files: readonly DiscoveredFile[];
  /** Paths as Discovered.watched has them. */
  readonly watched: ReadonlySet<string>;
}

type FastGlob = typeof import('fast-glob');
type FileSystem = NonNullable<NonNullable<Parameters<FastGlob['globSync']>[1]>['fs']>;

// Not descended into unless a pattern names them: large, and never meant by `**`.
const UNLESS_NAMED = ['node_modules', '.git', 'ocidsl-out'];

/**
 * The files that the patterns match.
 * @throws OCIDSL_GLOB_PATTERN, OCIDSL_GLOB_EMPTY, OCIDSL_GLOB_SYMLINK, OCIDSL_GLOB_SPECIAL, OCIDSL_GLOB_NAME
 */
export async function matchPatterns(workspaceRoot: string, args: GlobArguments): Promise<GlobMatches> {
  for (const pattern of [...args.include, ...args.exclude]) checkPattern(pattern);
  const { default: fastGlob } = await import('fast-glob');
  const cwd = resolve(workspaceRoot, args.package);
  const view = new WorkspaceView(workspaceRoot);
  const names: string[] = [];
  // Paths of those that a link leads to.
  const elsewhere = new Map<string, string>();
  for (const [named, include] of groupByNamed(args.include)) {
    for (const pattern of include) view.enter(cwd, fixedPart(fastGlob, pattern));
    for (const { path: name, dirent } of match(fastGlob, view, cwd, { ...args, include }, named)) {
      if (dirent.isDirectory()) continue;
      const path = pathOf(args, name);
      const found = view.file(name, path, dirent);
      if (found === undefined) continue;
      names.push(name);
      if (found !== path) elsewhere.set(name, found);
    }
  }
  if (names.length === 0 && !args.allowEmpty) throw nothingMatched(fastGlob, workspaceRoot, cwd, args);
  const files = sortedUtf8(names)
    // Several patterns may match one file.
    .filter((name, i, sorted) => name !== sorted[i - 1])
    .map((name) => ({ name, path: elsewhere.get(name) ?? pathOf(args, name) }));
  return { files, watched: view.watched };
}

function pathOf(args: GlobArguments, name: string): string {
  return args.package === '' ? name : `${args.package}/${name}`;
}

function match(
  fastGlob: FastGlob,
  view: WorkspaceView,
  cwd: string,
  args: GlobArguments,
  named: readonly string[],
  caseSensitiveMatch = true,
) {
  return fastGlob.globSync([...args.include], {
    cwd,
    dot: args.dot,
    ignore: [...args.exclude, ...UNLESS_NAMED.filter((name) => !named.includes(name)).map((name) => `**/${name}/**`)],
    onlyFiles: false,
    objectMode: true,
    // Files are collected by name anyway.
    unique: false,
    followSymbolicLinks: true,
    caseSensitiveMatch,
    // fast-glob lists folders with types only, which the type of its adapter does not say.
    fs: { lstatSync, statSync: view.statSync, readdirSync: view.readdirSync as unknown as NonNullable<FileSystem['readdirSync']> },
  });
}

// Patterns that name the same of the special folders are matched together.
function groupByNamed(patterns: readonly string[]): [readonly string[], readonly string[]][] {
  const groups = new Map<string, [string[], string[]]>();
  for (const pattern of patterns) {
    const named = UNLESS_NAMED.filter((name) => pattern.split(/[/{},()|]/).includes(name));
    const group = groups.get(named.join());
    if (group === undefined) groups.set(named.join(), [named, [pattern]]);
    else group[1].push(pattern);
  }
  return [...groups.values()];
}

// The folders at the beginning of a pattern that have no wildcard.
function fixedPart(fastGlob: FastGlob, pattern: string): string[] {
  const segments = pattern.split('/').filter((segment) => segment !== '');
  const dynamic = segments.findIndex((segment) => fastGlob.isDynamicPattern(segment));
  return (dynamic < 0 ? segments : segments.slice(0, dynamic)).map((segment) => segment.replace(/\\(.)/g, '$1'));
}

function checkPattern(pattern: string): void {
  const problem =
    pattern === ''
      ? 'it is empty'
      : pattern.startsWith('!')
        ? 'it begins with "!", write it without under exclude'
        : pattern.startsWith('/')
          ? 'it is absolute, write it relative to the package'
          : pattern.split(/[/{},()|]/).includes('..')
            ? 'it has "..", name the folder from its own package'
            : undefined;
  if (problem !== undefined)
    throw new OcidslError({ code: 'OCIDSL_GLOB_PATTERN', message: `Cannot match pattern "${printable(pattern)}": ${problem}` });
}

// Why nothing matched is worth a second look: it is an error, so time does not matter.
function nothingMatched(fastGlob: FastGlob, workspaceRoot: string, cwd: string, args: GlobArguments): OcidslError {
  const first = (options: Partial<GlobArguments>, caseSensitive = true) =>
    match(fastGlob, new WorkspaceView(workspaceRoot), cwd, { ...args, ...options }, UNLESS_NAMED, caseSensitive).find(({ dirent }) =>
      dirent.isFile(),
    )?.path;
  // Segments without wildcards are looked up and not matched: a class of both cases makes them a wildcard.
  const bothCases = args.include.map((pattern) =>
    pattern.replace(/[^/]+/g, (segment) =>
      fastGlob.isDynamicPattern(segment)
        ? segment
        : segment.replace(/\p{L}/gu, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`),
    ),
  );
  const isFolder = args.include.find((pattern) => statSync(join(cwd, pattern), { throwIfNoEntry: false })?.isDirectory());
  const dotted = first({ dot: true });
  const otherCase = first({ include: bothCases }, false);
  const excluded = first({ exclude: [] });
  const hint =
    lstatSync(cwd, { throwIfNoEntry: false }) === undefined
      ? 'The folder of the package does not exist'
      : isFolder !== undefined
        ? `"${printable(isFolder)}" is a folder, write "${printable(isFolder.replace(/\/$/, ''))}/**" for what is in it`
        : otherCase !== undefined
          ? `Case matters: there is "${printable(otherCase)}"`
          : dotted !== undefined
            ? `Names that begin with a dot match only with dot: true, as "${printable(dotted)}" would`
            : excluded !== undefined
              ? `Everything that matches is excluded, such as "${printable(excluded)}"`
              : '* stays in one folder, ** goes through all below; set allowEmpty: true where nothing is fine';
  return new OcidslError({
    code: 'OCIDSL_GLOB_EMPTY',
    message: `Cannot find source files for ${args.include.map((pattern) => `"${printable(pattern, 80)}"`).join(', ')} in folder "${printable(args.package === '' ? '.' : args.package)}": nothing matches, expected at least one file`,
    hint,
  });
}
