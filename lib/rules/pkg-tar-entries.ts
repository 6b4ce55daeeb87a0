// The entries of a pkgTar from its attributes and the files that its sources turned out to be. Pure.
import { normalizeEntryPath } from '../tar/entry-path.ts';
import type { LayerEntry, LayerOverride } from '../tar/layer-spec.ts';
import type { Discovered } from '../plan/discovery.ts';
import type { ValuesOf } from '../graph/attribute.ts';
import { archivePath, clean, inPackageDir, type PathMapping } from './archive-path.ts';
import { parseOwner } from './checks.ts';
import type { PKG_TAR_SCHEMA } from './pkg-tar-attributes.ts';
import type { SourceInput, SourceInputs } from './source-inputs.ts';

/** Attribute values of a pkgTar. */
export type PkgTarValues = ValuesOf<typeof PKG_TAR_SCHEMA>;

/** What discovery found of the files whose mode or time is preserved: path → [mode, seconds]. */
export type PreservedStats = ReadonlyMap<string, readonly [mode: number, seconds: number]>;

const EXECUTABLE_MODE = 0o755;
const DEFAULT_MODE = '0555';

/** The mode of plain files. */
export function defaultMode(values: PkgTarValues): number {
  return Number.parseInt(values.mode ?? DEFAULT_MODE, 8);
}

/** Entries for `srcs`, in the order that decides which of two duplicates wins; made when their turn comes, as there may be 100,000. */
export function* sourceEntries(
  sources: SourceInputs,
  values: PkgTarValues,
  given: PathMapping,
  stats: PreservedStats,
): Generator<LayerEntry, void, undefined> {
  // Once, and not for each of 100,000 files.
  const mapping = { ...given, packageDir: clean(given.packageDir) };
  for (const source of sources.inputs) {
    const { content } = source.input;
    const entry: LayerEntry = {
      path: normalizeEntryPath(archivePath(source.path, source.package, sources.folders, mapping)),
      type: content.kind === 'output' && content.path.endsWith('/') ? 'tree' : 'file',
      input: source.input.path,
      origin: originOf(source),
    };
    const figures = sourceFigures(source, values, stats);
    yield figures === undefined ? entry : { ...entry, ...figures };
  }
  for (const node of sources.nodes) {
    const path = normalizeEntryPath(archivePath(node.path, node.package, sources.folders, mapping));
    yield node.kind === 'directory'
      ? { path, type: 'directory', origin: node.path }
      : { path, type: 'symlink', linkTarget: node.target, origin: node.path };
  }
}

/** Where a file comes from, for messages. Of what is made or fetched, the name that its maker knows: a label must not enter the key. */
export function originOf({ input: { content }, path }: SourceInput): string {
  if (content.kind === 'output') return content.path;
  return content.kind === 'discovered' ? content.name : path;
}

/** Entries for what attributes state outright: `symlinks`, `emptyFiles`, `emptyDirs`. */
export function statedEntries(values: PkgTarValues, packageDir: string): LayerEntry[] {
  const at = (path: string) => normalizeEntryPath(inPackageDir(path, packageDir));
  const mode = defaultMode(values);
  return [
    ...(values.emptyFiles ?? []).map((path): LayerEntry => ({ path: at(path), type: 'file', origin: 'emptyFiles' })),
    ...(values.emptyDirs ?? []).map((path): LayerEntry => ({ path: at(path), type: 'directory', mode, origin: 'emptyDirs' })),
    ...(values.symlinks ?? []).map(([path, linkTarget]): LayerEntry => ({
      path: at(path),
      type: 'symlink',
      linkTarget,
      origin: 'symlinks',
    })),
  ];
}

/** `modes`, `owners` and `ownerNames`. */
export class PkgTarOverrides {
  readonly #overrides = new Map<string, LayerOverride>();
  readonly #unused = new Map<string, LayerOverride>();
  #entries = 0;

  constructor(values: PkgTarValues) {
    const add = (given: string, figures: Omit<LayerOverride, 'path'>) => {
      const path = normalizeEntryPath(given);
      this.#overrides.set(path, { ...this.#overrides.get(path), path, ...figures });
    };
    for (const [path, mode] of values.modes ?? []) add(path, { mode: Number.parseInt(mode, 8) });
    for (const [path, owner] of values.owners ?? []) add(path, parseOwner(owner));
    for (const [path, owner] of values.ownerNames ?? []) add(path, splitNames(owner));
    for (const [path, override] of this.#overrides) this.#unused.set(path, override);
  }

  /** The entries with what is said of their paths, one by one. */
  *apply(entries: Iterable<LayerEntry>): Generator<LayerEntry, void, undefined> {
    for (const entry of entries) {
      this.#entries++;
      const override = this.#overrides.get(entry.path);
      this.#unused.delete(entry.path);
      yield override === undefined ? entry : { ...entry, ...override };
    }
  }

  /** How many entries have passed. */
  get entries(): number {
    return this.#entries;
  }

  /** Those for paths that no entry had so far. */
  get rest(): LayerOverride[] {
    return [...this.#unused.values()];
  }
}

/** `user.group` as names; `"."` is none. */
export function splitNames(owner: string): { readonly uname: string; readonly gname: string } {
  const dot = owner.indexOf('.');
  return dot < 0 ? { uname: owner, gname: '' } : { uname: owner.slice(0, dot), gname: owner.slice(dot + 1) };
}

/** Mode and time of a file's entry, where one of them may differ from the defaults. */
export function sourceFigures(
  source: SourceInput,
  values: PkgTarValues,
  stats: PreservedStats,
): Pick<LayerEntry, 'mode' | 'mtime'> | undefined {
  const preserved = stats.get(source.path);
  if (preserved === undefined && !source.isBinary) return undefined;
  return {
    ...(source.isBinary ? { mode: EXECUTABLE_MODE } : {}),
    ...(preserved !== undefined && values.preserveMode === true ? { mode: preserved[0] } : {}),
    ...(preserved !== undefined && values.preserveMtime === true ? { mtime: preserved[1] } : {}),
  };
}

/** The stats in what a `paths` or `stats` discovery found. */
export function preservedStats(found: readonly Discovered[]): PreservedStats {
  type Facts = { readonly stats?: { readonly [path: string]: readonly [mode: number, seconds: number] } } | undefined;
  return new Map(found.flatMap(({ facts }) => Object.entries((facts as Facts)?.stats ?? {})));
}
