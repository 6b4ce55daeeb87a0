// An entry with every default filled in: what the archive writer writes.
import type { LayerDefaults, LayerEntry } from './layer-spec.ts';

/** One entry of the archive. Paths are in their one spelling. */
export interface PlannedEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink';
  /** A file's content in the input root; absent: an empty file. */
  readonly input?: string | undefined;
  /** A symbolic link's text, or the path of the file that a hard link names. */
  readonly linkTarget?: string | undefined;
  readonly mode: number;
  /** Permission bits that hold instead of `mode` when the input is executable. */
  readonly executableMode?: number | undefined;
  readonly uid: number;
  readonly gid: number;
  readonly uname: string;
  readonly gname: string;
  /** Seconds since 1970; may be negative or fractional. */
  readonly mtime: number;
  /** Where the entry comes from, for errors. */
  readonly origin: string;
  /** A directory that gives way to whatever else says something about the same directory. */
  readonly implicit: boolean;
}

const LINK_MODE = 0o777;

/** `entry` with the defaults filled in, and with its path and link target as they were checked. */
export function planEntry(
  entry: LayerEntry,
  checked: Pick<PlannedEntry, 'path' | 'type' | 'linkTarget'>,
  defaults: LayerDefaults,
): PlannedEntry {
  const { path, type, linkTarget } = checked;
  const { input, mode } = entry;
  const isFile = type === 'file' || type === 'hardlink';
  // Every property is always there: objects of one shape are several times faster to read and copy.
  return {
    path,
    type,
    input,
    linkTarget,
    mode: type === 'symlink' ? LINK_MODE : (mode ?? (isFile ? defaults.fileMode : defaults.directoryMode)),
    executableMode: type === 'file' && mode === undefined ? defaults.executableMode : undefined,
    uid: entry.uid ?? defaults.uid,
    gid: entry.gid ?? defaults.gid,
    uname: entry.uname ?? defaults.uname,
    gname: entry.gname ?? defaults.gname,
    mtime: entry.mtime ?? defaults.mtime,
    origin: entry.origin ?? input ?? path,
    implicit: entry.implicit === true,
  };
}

/** Whether two entries differ in nothing but their input and where they come from. */
export function sameAttributes(a: PlannedEntry, b: PlannedEntry): boolean {
  return (
    a.type === b.type &&
    a.linkTarget === b.linkTarget &&
    a.mode === b.mode &&
    a.executableMode === b.executableMode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.uname === b.uname &&
    a.gname === b.gname &&
    a.mtime === b.mtime
  );
}
