// The layout of an archive: which entries it gets, once each, and in which order. Pure; content is looked at by the tools.
import { compareUtf8 } from '../base/bytes.ts';
import { combineErrors, isOcidslError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { checkSymlinkTarget, hardLinkTarget, normalizeEntryPath, parentPath } from './entry-path.ts';
import type { LayerDefaults, LayerSpec } from './layer-spec.ts';
import { sameAttributes, SpecEntry } from './planned-entry.ts';
import type { ExpandedEntry, PlannedEntry } from './planned-entry.ts';

/** Two files with one path and equal attributes: a duplicate only if their content differs, which needs a look. */
export interface ContestedPath {
  /** The entry in the plan. */
  readonly kept: PlannedEntry;
  readonly dropped: PlannedEntry;
}

/** What planEntries() gives. */
export interface EntryPlan {
  /** Each path once: parents before children, else by UTF-8 bytes; hard links last, after what they name. */
  readonly entries: readonly PlannedEntry[];
  readonly contested: readonly ContestedPath[];
  /** Entries that another one replaced although they differ, where the spec allows it. */
  readonly replaced: readonly ContestedPath[];
}

/** Mode of directories that nobody gives. */
const PARENT_MODE = 0o755;

/** More errors than these are not shown. */
const MAX_ERRORS = 20;

/**
 * The layout of a spec's own entries (not of its archives), as expandEntries() gives them.
 * @throws OCIDSL_ENTRY_PATH, OCIDSL_LINK_TARGET, OCIDSL_ENTRY_DUPLICATE, OCIDSL_ENTRY_PARENT (several together)
 */
export function planEntries(
  entries: Iterable<ExpandedEntry>,
  spec: Pick<LayerSpec, 'defaults' | 'createParents' | 'allowDuplicates'>,
): EntryPlan {
  const plan = new Plan(spec.allowDuplicates.differentContent);
  for (const entry of entries) plan.attempt(() => plan.add(resolve(entry, spec.defaults)));
  const given = [...plan.byPath.values()].sort(byPath);
  for (const entry of given) plan.attempt(() => plan.addParents(entry, spec.createParents));
  // Parents are made as directories only, so every link is an entry of the spec.
  const links = given.filter((entry): entry is SpecEntry => entry.type === 'hardlink');
  const resolved = links.map((link) => plan.attempt(() => plan.resolveHardLink(link)) ?? link);
  if (plan.errors.length > 0) throw combineErrors(plan.errors.slice(0, MAX_ERRORS));
  const others = [...plan.byPath.values()].filter((entry) => entry.type !== 'hardlink');
  return { entries: [...others.sort(byPath), ...resolved], contested: plan.contested, replaced: plan.replaced };
}

// A parent's path is a prefix of its children's, so the order of bytes also puts parents first.
const byPath = (a: PlannedEntry, b: PlannedEntry) => compareUtf8(a.path, b.path);

function resolve(entry: ExpandedEntry, defaults: LayerDefaults): SpecEntry {
  const { type, linkTarget } = entry.given;
  const path = normalizeEntryPath(entry.path);
  if (type === 'symlink') checkSymlinkTarget(path, linkTarget ?? '');
  return new SpecEntry(entry, path, type === 'hardlink' ? hardLinkTarget(path, linkTarget ?? '') : linkTarget, defaults);
}

class Plan {
  readonly byPath = new Map<string, PlannedEntry>();
  readonly contested: ContestedPath[] = [];
  readonly replaced: ContestedPath[] = [];
  readonly errors: OcidslError[] = [];
  readonly #allowDifferent: boolean;
  // Paths of parents that have been looked at, with all above them.
  readonly #seen = new Set<string>();
  #lastParent: string | undefined;

  constructor(allowDifferent: boolean) {
    this.#allowDifferent = allowDifferent;
  }

  /** Runs `step`; keeps what it throws for the end, so that all mistakes are reported together. */
  attempt<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      if (!isOcidslError(error)) throw error;
      this.errors.push(error);
      return undefined;
    }
  }

  add(entry: PlannedEntry): void {
    const before = this.byPath.get(entry.path);
    if (before === undefined) {
      this.byPath.set(entry.path, entry);
      return;
    }
    const areDirectories = entry.type === 'directory' && before.type === 'directory';
    if (areDirectories && entry.implicit) return;
    if (areDirectories && before.implicit) {
      this.byPath.set(entry.path, entry);
      return;
    }
    if (sameAttributes(before, entry)) {
      if (before.input === entry.input) return;
      this.contested.push({ kept: entry, dropped: before });
    } else {
      // A directory has children, so it and a file cannot give way to each other.
      const isOneDirectory = entry.type !== before.type && (entry.type === 'directory' || before.type === 'directory');
      if (isOneDirectory || !this.#allowDifferent) throw duplicateError(before, entry);
      this.replaced.push({ kept: entry, dropped: before });
    }
    this.byPath.set(entry.path, entry);
  }

  addParents(entry: PlannedEntry, createMissing: boolean): void {
    const nearest = parentPath(entry.path);
    // Nearly every file is a neighbour of the one before.
    if (nearest === this.#lastParent) return;
    this.#lastParent = nearest;
    let below = entry;
    for (let path = nearest; path !== undefined && !this.#seen.has(path); path = parentPath(path)) {
      const parent = this.byPath.get(path);
      // Also for what is no directory: one error for each is enough.
      this.#seen.add(path);
      if (parent !== undefined && parent.type !== 'directory') throw parentError(below, parent);
      if (parent !== undefined) below = parent;
      else if (createMissing) this.byPath.set(path, missingParent(path, entry));
    }
  }

  /** The link with the file that it names in the end: that file is written before every link. */
  resolveHardLink(link: SpecEntry): SpecEntry {
    const seen = new Set([link.path]);
    for (let target = link.linkTarget; target !== undefined;) {
      const entry: PlannedEntry | undefined = this.byPath.get(target);
      if (entry?.type === 'file') return link.withLinkTarget(target);
      if (entry?.type !== 'hardlink' || seen.has(target)) {
        const is =
          entry === undefined
            ? 'the archive has no such entry'
            : entry.type === 'hardlink'
              ? 'the links form a cycle'
              : `it is a ${entry.type}`;
        throw new OcidslError({
          code: 'OCIDSL_LINK_TARGET',
          message: `Cannot add hard link "${printable(link.path)}" to "${printable(target)}": ${is}, expected a file`,
        });
      }
      seen.add(target);
      target = entry.linkTarget;
    }
    throw new Error(`The hard link "${printable(link.path)}" has no target`);
  }
}

/** The directory `path`, which `child` needs and nobody gives: the owner and the time of the child. */
export function missingParent(
  path: string,
  child: Pick<PlannedEntry, 'uid' | 'gid' | 'uname' | 'gname' | 'mtime' | 'origin'>,
): PlannedEntry {
  const { uid, gid, uname, gname, mtime, origin } = child;
  return { path, type: 'directory', mode: PARENT_MODE, uid, gid, uname, gname, mtime, origin, implicit: true };
}

/** `entry` says something else about a path than `before`. */
export function duplicateError(
  before: Pick<PlannedEntry, 'path' | 'type' | 'origin'>,
  entry: Pick<PlannedEntry, 'type' | 'origin'>,
): OcidslError {
  const say = (of: Pick<PlannedEntry, 'type' | 'origin'>) => `the ${of.type} from "${printable(of.origin)}"`;
  return new OcidslError({
    code: 'OCIDSL_ENTRY_DUPLICATE',
    message: `Cannot add "${printable(before.path)}" to the archive: ${say(before)} and ${say(entry)} differ, expected one entry for each path`,
  });
}

/** A parent of `entry` is no directory. */
export function parentError(
  entry: Pick<PlannedEntry, 'path' | 'origin'>,
  parent: Pick<PlannedEntry, 'path' | 'type' | 'origin' | 'linkTarget'>,
): OcidslError {
  const target = parent.type === 'symlink' ? ` to "${printable(parent.linkTarget ?? '')}"` : '';
  return new OcidslError({
    code: 'OCIDSL_ENTRY_PARENT',
    message: `Cannot add "${printable(entry.path)}" from "${printable(entry.origin)}" to the archive: "${printable(parent.path)}" from "${printable(parent.origin)}" is a ${parent.type}${target}, expected a directory`,
    hint: parent.type === 'symlink' ? 'Add the entry below the path that the link points to' : undefined,
  });
}
