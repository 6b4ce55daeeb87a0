// What users write for pkgTar, and the schema that checks it.
import * as attribute from '../graph/attribute.ts';
import { optional } from '../graph/attribute.ts';
import type { Glob } from '../graph/glob.ts';
import type { Handle } from '../graph/handle.ts';
import type { Configurable } from '../graph/select.ts';
import { modeText, ownerText } from './checks.ts';

/** Attributes of {@link pkgTar}. Names and meaning follow rules_pkg's `pkg_tar`. */
export interface PkgTarAttributes {
  /** Name of the target. */
  readonly name: string;
  /**
   * Files to put into the archive: paths relative to this package (a folder stands for everything below it), `glob(…)`, or
   * targets that make files. Each file's own folder is dropped unless `stripPrefix` says otherwise.
   * @default []
   * @example srcs: [server, 'config/app.yaml', glob(['assets/**'])]
   */
  readonly srcs?: Configurable<readonly (Handle<'FilesInfo'> | Glob | string)[]>;
  /**
   * Single files by their place in the archive: `{ 'etc/app.yaml': 'config/prod.yaml' }`. `stripPrefix` and `remapPaths` do
   * not apply, `packageDir` does.
   * @default {}
   */
  readonly files?: Configurable<Readonly<Record<string, Handle<'FilesInfo'> | string>>>;
  /**
   * Tar archives to unpack and repack below `packageDir`: targets or files ending in .tar, .tar.gz or .tgz. Owner names are dropped; times,
   * modes and numeric owners kept unless `modes` and `owners` say otherwise.
   * @default []
   */
  readonly deps?: Configurable<readonly (Handle<'TarInfo'> | string)[]>;
  /**
   * Folder that everything is put into, applied last. May use `$(name)` from `packageVariables`.
   * @default "/"
   * @example packageDir: '/usr/share/hello'
   */
  readonly packageDir?: Configurable<string>;
  /** A file whose text is the `packageDir`. One of the two only. @default none */
  readonly packageDirFile?: Configurable<string>;
  /** Values for `$(name)` in `packageDir` and `packageFileName`. @default {} */
  readonly packageVariables?: Configurable<Readonly<Record<string, string>>>;
  /**
   * What is cut from the front of each file's path: left out, the file's folder; `"."`, the folder of its package; `"/x"`, x
   * below the workspace root; `"x"`, x below the package. A path without the prefix stays whole.
   * @default each file's own folder
   */
  readonly stripPrefix?: Configurable<string>;
  /**
   * Replaces the start of paths, after `stripPrefix` and before `packageDir`: the first key that a path starts with, as plain
   * text, wins. Paths and keys are taken to start with `/`.
   * @default {}
   */
  readonly remapPaths?: Configurable<Readonly<Record<string, string>>>;
  /**
   * Permission bits of files, empty files and empty folders, in octal. Executables made by targets get 0755.
   * @default "0555"
   */
  readonly mode?: Configurable<string>;
  /** Permission bits by path in the archive, in octal, also of what `deps` bring: `{ 'usr/bin/tool': '4755' }`. @default {} */
  readonly modes?: Configurable<Readonly<Record<string, string>>>;
  /** Numeric owner and group, `uid.gid`. @default "0.0" */
  readonly owner?: Configurable<string>;
  /** Numeric owners by path in the archive, also of what `deps` bring. @default {} */
  readonly owners?: Configurable<Readonly<Record<string, string>>>;
  /** Owner and group names, `user.group`; image layers use the numbers only. @default "." (none) */
  readonly ownerName?: Configurable<string>;
  /** Owner names by path in the archive, also of what `deps` bring. @default {} */
  readonly ownerNames?: Configurable<Readonly<Record<string, string>>>;
  /**
   * Modification time of all entries, in seconds since 1970. Needs `portableMtime: false`.
   * @default 946684800 (2000-01-01T00:00:00Z), or 0 with portableMtime: false
   */
  readonly mtime?: Configurable<number>;
  /** Whether entries get the fixed time 2000-01-01T00:00:00Z. @default true */
  readonly portableMtime?: Configurable<boolean>;
  /** Takes files' permission bits from disk. They then depend on the umask of a checkout. @default false */
  readonly preserveMode?: Configurable<boolean>;
  /** Takes files' modification times (whole seconds) from disk. They then depend on the checkout. @default false */
  readonly preserveMtime?: Configurable<boolean>;
  /** Symbolic links, link to target: `{ 'usr/bin/sh': 'busybox' }`. @default {} */
  readonly symlinks?: Configurable<Readonly<Record<string, string>>>;
  /** Empty files by path in the archive. @default [] */
  readonly emptyFiles?: Configurable<readonly string[]>;
  /** Folders by path in the archive; they get `mode`. @default [] */
  readonly emptyDirs?: Configurable<readonly string[]>;
  /** Whether missing parent folders get an entry, with mode 0755 and the owner of what is in them. @default true */
  readonly createParents?: Configurable<boolean>;
  /**
   * File name ending, which decides the compression of the target's own archive: `tar`, or `tar.gz` (also `tgz`). A layer of an
   * image is compressed as the image says.
   * @default "tar"
   */
  readonly extension?: Configurable<'tar' | 'tar.gz' | 'tgz'>;
  /** Level of gzip, 1 (fast) to 9 (small), of the archive and of the layer. @default the level of docs/decisions/0004-gzip.md */
  readonly compressionLevel?: Configurable<number>;
  /** Lets the last of two different files at one path win. Otherwise that is an error naming both. @default false */
  readonly allowDuplicatesWithDifferentContent?: Configurable<boolean>;
  /** Lets a path of `deps` that is there already be skipped with a note. Otherwise that is an error. @default false */
  readonly allowDuplicatesFromDeps?: Configurable<boolean>;
  /** File name of the archive in the output directory, possibly with `$(name)`. @default "<name>.<extension>" */
  readonly packageFileName?: Configurable<string>;
}

const text = attribute.string();
const path = attribute.string('a path in the archive');

/** The schema behind {@link PkgTarAttributes}. */
export const PKG_TAR_SCHEMA = {
  srcs: optional(attribute.list(attribute.source('FilesInfo'))),
  files: optional(attribute.record(attribute.source('FilesInfo'))),
  deps: optional(attribute.list(attribute.source('TarInfo'))),
  packageDir: optional(text),
  packageDirFile: optional(attribute.file()),
  packageVariables: optional(attribute.record(text)),
  stripPrefix: optional(text),
  remapPaths: optional(attribute.record(text)),
  mode: optional(modeText),
  modes: optional(attribute.record(modeText)),
  owner: optional(ownerText),
  owners: optional(attribute.record(ownerText)),
  ownerName: optional(attribute.string('names as "user.group"')),
  ownerNames: optional(attribute.record(attribute.string('names as "user.group"'))),
  mtime: optional(attribute.integer(0, 253_402_300_799)),
  portableMtime: optional(attribute.boolean()),
  preserveMode: optional(attribute.boolean()),
  preserveMtime: optional(attribute.boolean()),
  symlinks: optional(attribute.record(attribute.string('the target of a link'))),
  emptyFiles: optional(attribute.list(path)),
  emptyDirs: optional(attribute.list(path)),
  createParents: optional(attribute.boolean()),
  extension: optional(attribute.oneOf('tar', 'tar.gz', 'tgz')),
  compressionLevel: optional(attribute.integer(1, 9)),
  allowDuplicatesWithDifferentContent: optional(attribute.boolean()),
  allowDuplicatesFromDeps: optional(attribute.boolean()),
  packageFileName: optional(text),
};
