// From a flat list of files to the digest of their root Directory. Iterative and linear: one pass over the sorted list
// with one open directory per level, so depth costs no stack and 200,000 files cost little more than their bytes.
import { compareUtf8 } from '../base/bytes.ts';
import { digestOf } from '../base/digest.ts';
import { pathFault, quote } from './canonical-order.ts';
import { writeDirectoryNode, writeFileNode, writeSymlinkNode } from './directory.ts';
import { WireWriter } from './wire.ts';
import type { Digest } from '../base/digest.ts';

/** One regular file of a tree. */
export interface MerkleFile {
  /** Relative to the root, `/` between segments. */
  readonly path: string;
  readonly digest: Digest;
  readonly isExecutable: boolean;
}

/** One symbolic link of a tree. */
export interface MerkleSymlink {
  /** Relative to the root, `/` between segments. */
  readonly path: string;
  /** As readlink gives it. */
  readonly target: string;
}

/** What a tree is made of. Directories follow from the paths. */
export type MerkleEntry = MerkleFile | MerkleSymlink;

/** One encoded Directory of a tree. */
export interface EncodedDirectory {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/**
 * Digest of the root Directory over `entries`, which may be in any order; sorted ones are faster.
 * @throws RangeError where two entries have the same path, or one is a directory of another, or a path is not relative.
 */
export function merkleRoot(entries: readonly MerkleEntry[]): Digest;
/** The same over `values`, each of which is made an entry when its turn comes: 100,000 entries are never there together. */
export function merkleRoot<T extends Located>(values: readonly T[], entryOf: (value: T) => MerkleEntry): Digest;
export function merkleRoot(values: readonly Located[], entryOf = itself): Digest {
  let root: Digest | undefined;
  for (const directory of directoriesOver(values, entryOf)) root = directory.digest;
  return root as Digest;
}

/**
 * Every Directory over `entries`, encoded: children before their parents, the root last. Equal directories are repeated.
 * Throws like merkleRoot().
 */
export function merkleDirectories(entries: readonly MerkleEntry[]): Generator<EncodedDirectory, void, undefined> {
  return directoriesOver(entries, itself);
}

interface Located {
  readonly path: string;
}

const itself = (entry: Located) => entry as MerkleEntry;

function* directoriesOver<T extends Located>(
  values: readonly T[],
  entryOf: (value: T) => MerkleEntry,
): Generator<EncodedDirectory, void, undefined> {
  const levels: Level[] = [new Level()];
  let depth = 0;
  const close = (level: Level): EncodedDirectory => {
    const bytes = level.finish();
    return { digest: digestOf(bytes), bytes };
  };
  const closeTop = (): EncodedDirectory => {
    const level = levels[depth--] as Level;
    const directory = close(level);
    writeDirectory(levels[depth] as Level, level.name, directory.digest);
    return directory;
  };
  let previous = '';
  for (const value of inTreeOrder(values)) {
    const { path } = value;
    checkPath(path, previous);
    previous = path;
    while (!path.startsWith((levels[depth] as Level).prefix)) yield closeTop();
    let start = (levels[depth] as Level).prefix.length;
    for (let slash = path.indexOf('/', start); slash >= 0; slash = path.indexOf('/', start)) {
      const level = (levels[++depth] ??= new Level());
      level.name = path.slice(start, slash);
      level.prefix = path.slice(0, slash + 1);
      start = slash + 1;
    }
    writeEntry(levels[depth] as Level, path.slice(start), entryOf(value));
  }
  while (depth > 0) yield closeTop();
  yield close(levels[0] as Level);
}

/** A directory that is still open. Levels are used again by the next directory of the same depth. */
class Level {
  name = '';
  /** Path of the directory with its slash; empty for the root. */
  prefix = '';
  // Entries come in path order, but the message wants all files first, then all directories, then all symlinks.
  readonly files = new WireWriter();
  readonly directories = new WireWriter();
  readonly symlinks = new WireWriter();

  finish(): Buffer {
    return Buffer.concat([this.files.finish(), this.directories.finish(), this.symlinks.finish()]);
  }
}

function writeEntry(level: Level, name: string, entry: MerkleEntry): void {
  if ('target' in entry) level.symlinks.message(3, { name, target: entry.target }, writeSymlinkNode);
  else level.files.message(1, { name, digest: entry.digest, isExecutable: entry.isExecutable }, writeFileNode);
}

function writeDirectory(level: Level, name: string, digest: Digest): void {
  level.directories.message(2, { name, digest }, writeDirectoryNode);
}

// In tree order a file and what lies below a directory of the same name are neighbours, so one look back is enough.
function checkPath(path: string, previous: string): void {
  const fault =
    pathFault(path) ??
    (path === previous
      ? 'it is there twice'
      : path.charCodeAt(previous.length) === SLASH && path.startsWith(previous)
        ? `${quote(previous)} is a file`
        : undefined);
  if (fault !== undefined) throw new RangeError(`Cannot add ${quote(path)} to a tree: ${fault}, expected unique relative paths`);
}

function inTreeOrder<T extends Located>(values: readonly T[]): readonly T[] {
  for (let i = 1; i < values.length; i++) {
    if (compareInTree(values[i - 1]!.path, values[i]!.path) > 0) return [...values].sort((a, b) => compareInTree(a.path, b.path));
  }
  return values;
}

const SLASH = 0x2f;

// UTF-8 order, except that `/` comes first: `a`, `a/x`, `a-b`. Plain order would put `a-b` before `a/x`, and so the
// directory `a-b` before `a`.
function compareInTree(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (x === SLASH) return -1;
    if (y === SLASH) return 1;
    return compareUtf8(a[i] as string, b[i] as string);
  }
  return a.length - b.length;
}
