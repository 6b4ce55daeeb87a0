// The contract between the rules that describe an archive (pkgTar and what builds on it) and the tools that write it.
import { sortedUtf8, utf8 } from '../base/bytes.ts';

/** Name and version of the tool that writes an image layer: `layer.tar.gz` or `layer.tar`, and `layer.json`. */
export const LAYER_TOOL = { name: 'layer', version: '2' } as const;

/** Name and version of the tool that writes a plain archive: `archive.tar` or `archive.tar.gz`. */
export const TAR_TOOL = { name: 'tar', version: '2' } as const;

/** What an archive contains, as canonical JSON in an input of the tool. Nothing of it is read from disk by the tool. */
export interface LayerSpec {
  readonly defaults: LayerDefaults;
  /** In the user's order, which decides which of two duplicates wins. The archive is sorted by path. */
  readonly entries: readonly LayerEntry[];
  /** Archives whose entries follow, each in its own order. */
  readonly archives: readonly LayerArchive[];
  /** What holds for single paths of the archives; each must turn up in one of them. Absent where there is none. */
  readonly overrides?: readonly LayerOverride[];
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
  /** Relative, `/` between segments, as normalizeEntryPath() gives it. Empty for `files` at the root. */
  readonly path: string;
  /**
   * `files` stands for a file for each of `names`, put below `path`, `input` and `origin`: see groupFiles(). `tree` stands for every input below the folder `input`, put below `path`: for a directory that another action makes,
   * whose files nobody knows at analysis.
   */
  readonly type: 'file' | 'files' | 'directory' | 'symlink' | 'hardlink' | 'tree';
  /** Path in the input root: a file's content (absent: an empty file), or the folder of a tree or of files. */
  readonly input?: string;
  /** Relative paths of files that differ in nothing else; no attribute of one file stands beside them. */
  readonly names?: readonly string[];
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
  /** The folder that its entries are put into, as an entry's path; the root where absent. */
  readonly folder?: string;
}

/** The mode or owner of a path, in place of the archive's. */
export interface LayerOverride extends Pick<LayerEntry, 'path' | 'mode' | 'uid' | 'gid' | 'uname' | 'gname'> {}

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

// The type ties each list to its interface: a property added there and not here does not compile.
const keysOf = <T>(keys: Readonly<Record<keyof T, true>>): ReadonlySet<string> => new Set(Object.keys(keys));

/** The properties of each part of a spec. */
export const LAYER_SPEC_KEYS: Readonly<
  Record<'spec' | 'defaults' | 'entry' | 'archive' | 'override' | 'policy' | 'compression', ReadonlySet<string>>
> = {
  spec: keysOf<Required<LayerSpec>>({
    defaults: true,
    entries: true,
    archives: true,
    overrides: true,
    createParents: true,
    allowDuplicates: true,
    compression: true,
  }),
  defaults: keysOf<Required<LayerDefaults>>({
    uid: true,
    gid: true,
    uname: true,
    gname: true,
    mtime: true,
    fileMode: true,
    executableMode: true,
    directoryMode: true,
  }),
  entry: keysOf<Required<LayerEntry>>({
    path: true,
    type: true,
    input: true,
    names: true,
    linkTarget: true,
    mode: true,
    uid: true,
    gid: true,
    uname: true,
    gname: true,
    mtime: true,
    origin: true,
    implicit: true,
  }),
  archive: keysOf<Required<LayerArchive>>({ input: true, origin: true, folder: true }),
  override: keysOf<Required<LayerOverride>>({ path: true, mode: true, uid: true, gid: true, uname: true, gname: true }),
  policy: keysOf<DuplicatePolicy>({ differentContent: true, fromArchives: true }),
  compression: keysOf<Required<Extract<ArchiveCompression, { format: 'gzip' }>>>({ format: true, level: true }),
};

const SORTED_KEYS = sortedUtf8(new Set(Object.values(LAYER_SPEC_KEYS).flatMap((keys) => [...keys])));

/** The spec's bytes, as the tools expect them: canonical JSON. */
export function encodeLayerSpec(spec: LayerSpec): Buffer {
  // JSON.stringify() writes properties in the order of such a list, which is canonicalJson() in a tenth of the time.
  return utf8(JSON.stringify(spec, SORTED_KEYS));
}
