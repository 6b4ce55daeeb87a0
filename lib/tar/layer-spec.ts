// The contract between the rules that describe an archive (pkgTar and what builds on it) and the tools that write it.
import { utf8 } from '../base/bytes.ts';
import { canonicalJson } from '../base/json.ts';
import type { Json } from '../base/json.ts';

/** Name and version of the tool that writes an image layer: `layer.tar.gz` or `layer.tar`, and `layer.json`. */
export const LAYER_TOOL = { name: 'layer', version: '1' } as const;

/** Name and version of the tool that writes a plain archive: `archive.tar` or `archive.tar.gz`. */
export const TAR_TOOL = { name: 'tar', version: '1' } as const;

/** What an archive contains, as canonical JSON in an input of the tool. Nothing of it is read from disk by the tool. */
export interface LayerSpec {
  readonly defaults: LayerDefaults;
  /** In the user's order, which decides which of two duplicates wins. The archive is sorted by path. */
  readonly entries: readonly LayerEntry[];
  /** Archives whose entries follow, each in its own order. */
  readonly archives: readonly LayerArchive[];
  /** Whether directories that entries need and nobody gives are created: mode 0755, the owner and mtime of what needs them. */
  readonly createParents: boolean;
  readonly allowDuplicates: DuplicatePolicy;
  readonly compression: ArchiveCompression;
}

/** What holds for entries that do not say otherwise. */
export interface LayerDefaults {
  /** Numeric owner, 0 to 4294967294. */
  readonly uid: number;
  readonly gid: number;
  /** Owner's names; empty in layers, where only numbers count. */
  readonly uname: string;
  readonly gname: string;
  /** Seconds since 1970-01-01T00:00:00Z; may be negative or fractional. */
  readonly mtime: number;
  /** Permission bits, 0 to 0o7777, of files. */
  readonly fileMode: number;
  /** Permission bits of files whose input is executable; `fileMode` where absent. */
  readonly executableMode?: number;
  /** Permission bits of directories. */
  readonly directoryMode: number;
}

/** One entry. It carries only what differs from the defaults. */
export interface LayerEntry {
  /** Relative, `/` between segments, as normalizeEntryPath() gives it. */
  readonly path: string;
  /**
   * `tree` stands for every input below the folder `input`, put below `path`: for a directory that another action makes,
   * whose files nobody knows at analysis.
   */
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'tree';
  /** Path in the input root: a file's content (absent: an empty file), or the folder of a tree. */
  readonly input?: string;
  /** A symbolic link's text, or the path of the entry that a hard link names. */
  readonly linkTarget?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly uname?: string;
  readonly gname?: string;
  readonly mtime?: number;
  /** The source as the user wrote it, for errors. It enters the action's key: no absolute path, no label. */
  readonly origin?: string;
  /** A directory that gives way to whatever else says something about the same directory. */
  readonly implicit?: true;
}

/** A tar to merge, plain or compressed with gzip. */
export interface LayerArchive {
  /** Path in the input root. */
  readonly input: string;
  /** The archive as the user wrote it, for errors. */
  readonly origin?: string;
}

/** What may be said twice. Equal things said twice are never an error; no path is ever written twice. */
export interface DuplicatePolicy {
  /** Entries with one path and different content or attributes: the last one wins. Otherwise an error. */
  readonly differentContent: boolean;
  /** Paths of an archive that were written before: the first one wins, and a line says so. Otherwise an error. */
  readonly fromArchives: boolean;
}

/** How the archive is compressed. */
export type ArchiveCompression =
  | { readonly format: 'none' }
  | {
      readonly format: 'gzip';
      /** 1 to 9; GZIP_LEVEL where absent. */
      readonly level?: number;
    };

/** The spec's bytes, as the tools expect them. */
export function encodeLayerSpec(spec: LayerSpec): Buffer {
  return utf8(canonicalJson(spec as unknown as Json));
}
