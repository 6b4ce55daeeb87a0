// The entries of a pkgTar from its attributes and the files that its sources turned out to be. Pure.
import { normalizeEntryPath } from '../tar/entry-path.ts';
import type { LayerEntry } from '../tar/layer-spec.ts';
import type { Discovered } from '../plan/discovery.ts';
import type { ValuesOf } from '../graph/attribute.ts';
import { archivePath, inPackageDir, type PathMapping } from './archive-path.ts';
import { parseOwner } from './checks.ts';
import type { PKG_TAR_SCHEMA } from './pkg-tar-attributes.ts';
import type { SourceInput, SourceInputs } from './source-inputs.ts';

/** Attribute values of a pkgTar. */
export type PkgTarValues = ValuesOf<typeof PKG_TAR_SCHEMA>;

/** What discovery found of the files whose mode or time is preserved: path → [mode, seconds]. */
export type PreservedStats = { readonly [path: string]: readonly [mode: number, seconds: number] };

const EXECUTABLE_MODE = 0o755;
const DEFAULT_MODE = '0555';

/** The mode of plain files. */
export function defaultMode(values: PkgTarValues): number {
  return Number.parseInt(values.mode ?? DEFAULT_MODE, 8);
}

/** Entries for `srcs`, in the order that decides which of two duplicates wins. */
export function sourceEntries(sources: SourceInputs, values: PkgTarValues, mapping: PathMapping, stats: PreservedStats): LayerEntry[] {
  const entries: LayerEntry[] = [];
  for (const source of sources.inputs) {
    const path = archivePath(source.path, source.package, sources.folders, mapping);
    const isFolder = source.input.content.kind === 'output' && source.input.content.path.endsWith('/');
    entries.push({
      path: normalizeEntryPath(path),
      type: isFolder ? 'tree' : 'file',
      input: source.input.path,
      // Of what an action made, the name that the action knows: a label must not enter the key.
      origin: source.input.content.kind === 'output' ? source.input.content.path : source.path,
      ...sourceFigures(source, values, stats),
    });
  }
  for (const node of sources.nodes) {
    const path = normalizeEntryPath(archivePath(node.path, node.package, sources.folders, mapping));
    entries.push(
      node.kind === 'directory'
        ? { path, type: 'directory', origin: node.path }
        : { path, type: 'symlink', linkTarget: node.target, origin: node.path },
    );
  }
  return entries;
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

/** The entries with `modes`, `owners` and `ownerNames` applied, and keys of those that name no entry. */
export function withOverrides(
  entries: readonly LayerEntry[],
  values: PkgTarValues,
): { readonly entries: LayerEntry[]; readonly unused: string[] } {
  const key = (path: string) => normalizeEntryPath(path);
  const modes = new Map((values.modes ?? []).map(([path, mode]) => [key(path), Number.parseInt(mode, 8)]));
  const owners = new Map((values.owners ?? []).map(([path, owner]) => [key(path), parseOwner(owner)]));
  const names = new Map((values.ownerNames ?? []).map(([path, owner]) => [key(path), splitNames(owner)]));
  const unused = new Set([...modes.keys(), ...owners.keys(), ...names.keys()]);
  if (unused.size === 0) return { entries: [...entries], unused: [] };
  return {
    entries: entries.map((entry) => {
      unused.delete(entry.path);
      const mode = modes.get(entry.path);
      return { ...entry, ...(mode === undefined ? {} : { mode }), ...owners.get(entry.path), ...names.get(entry.path) };
    }),
    unused: [...unused],
  };
}

/** `user.group` as names; `"."` is none. */
export function splitNames(owner: string): { readonly uname: string; readonly gname: string } {
  const dot = owner.indexOf('.');
  return dot < 0 ? { uname: owner, gname: '' } : { uname: owner.slice(0, dot), gname: owner.slice(dot + 1) };
}

/** Mode and time of a file's entry, where they differ from the defaults. */
export function sourceFigures(source: SourceInput, values: PkgTarValues, stats: PreservedStats): Pick<LayerEntry, 'mode' | 'mtime'> {
  const preserved = stats[source.path];
  return {
    ...(source.isBinary ? { mode: EXECUTABLE_MODE } : {}),
    ...(preserved !== undefined && values.preserveMode === true ? { mode: preserved[0] } : {}),
    ...(preserved !== undefined && values.preserveMtime === true ? { mtime: preserved[1] } : {}),
  };
}

/** The stats in what a `paths` or `stats` discovery found. */
export function preservedStats(found: readonly Discovered[]): PreservedStats {
  const merged: Record<string, readonly [number, number]> = {};
  for (const { facts } of found) Object.assign(merged, (facts as { stats?: PreservedStats } | undefined)?.stats);
  return merged;
}
