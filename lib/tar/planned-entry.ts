// An entry with every default filled in: what the archive writer writes.
import { folderPrefix } from './entry-path.ts';
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

/** A file, folder or link of a spec, before its path is checked. */
export interface ExpandedEntry {
  /** What the spec says of it; of a file of a group or a tree, what it says of all of them. */
  readonly given: LayerEntry;
  readonly path: string;
  readonly input: string | undefined;
}

/**
 * An entry of a spec. A view of what the spec says and its defaults: there may be 100,000 files of one group, and each property of
 * their own costs 1 MB.
 */
export class SpecEntry implements PlannedEntry {
  readonly path: string;
  readonly input: string | undefined;
  readonly linkTarget: string | undefined;
  readonly #given: LayerEntry;
  readonly #defaults: LayerDefaults;

  /** `path` and `linkTarget` as they were checked. */
  constructor({ given, input }: ExpandedEntry, path: string, linkTarget: string | undefined, defaults: LayerDefaults) {
    this.path = path;
    this.input = input;
    this.linkTarget = linkTarget;
    this.#given = given;
    this.#defaults = defaults;
  }

  get type(): PlannedEntry['type'] {
    const { type } = this.#given;
    return type === 'files' || type === 'tree' ? 'file' : type;
  }

  get mode(): number {
    if (this.type === 'symlink') return LINK_MODE;
    return this.#given.mode ?? (this.type === 'directory' ? this.#defaults.directoryMode : this.#defaults.fileMode);
  }

  get executableMode(): number | undefined {
    return this.type === 'file' && this.#given.mode === undefined ? this.#defaults.executableMode : undefined;
  }

  get uid(): number {
    return this.#given.uid ?? this.#defaults.uid;
  }

  get gid(): number {
    return this.#given.gid ?? this.#defaults.gid;
  }

  get uname(): string {
    return this.#given.uname ?? this.#defaults.uname;
  }

  get gname(): string {
    return this.#given.gname ?? this.#defaults.gname;
  }

  get mtime(): number {
    return this.#given.mtime ?? this.#defaults.mtime;
  }

  get origin(): string {
    const { type, origin, input = '' } = this.#given;
    if (origin === undefined || this.input === undefined) return origin ?? this.input ?? this.path;
    if (type !== 'files' && type !== 'tree') return origin;
    return folderPrefix(origin) + this.input.slice(folderPrefix(input).length);
  }

  get implicit(): boolean {
    return this.#given.implicit === true;
  }

  /** The same, naming another file. */
  withLinkTarget(linkTarget: string): SpecEntry {
    return new SpecEntry({ given: this.#given, path: this.path, input: this.input }, this.path, linkTarget, this.#defaults);
  }
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
