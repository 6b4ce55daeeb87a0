// Modes and owners that a spec gives single paths of the archives merged into it.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { LayerOverride } from '../tar/layer-spec.ts';
import type { PlannedEntry } from '../tar/planned-entry.ts';

/** Overrides by path, and which of them no member has had yet. */
export class EntryOverrides {
  readonly #byPath: ReadonlyMap<string, LayerOverride>;
  readonly #unused: Set<string>;
  readonly #applied = new Map<string, LayerOverride>();

  constructor(overrides: readonly LayerOverride[]) {
    this.#byPath = new Map(overrides.map((override) => [override.path, override]));
    this.#unused = new Set(this.#byPath.keys());
  }

  /** The entry as the spec wants it. A hard link has the mode and owner of what it names, since they are one file. */
  apply(entry: PlannedEntry): PlannedEntry {
    if (this.#byPath.size === 0) return entry;
    this.#unused.delete(entry.path);
    const override = this.#byPath.get(entry.path) ?? (entry.type === 'hardlink' ? this.#applied.get(entry.linkTarget ?? '') : undefined);
    if (override === undefined) return entry;
    this.#applied.set(entry.path, override);
    // Nobody can change a symbolic link's mode, and what writes layers gives every one the same.
    return { ...entry, ...override, path: entry.path, mode: entry.type === 'symlink' ? entry.mode : (override.mode ?? entry.mode) };
  }

  /** @throws OCIDSL_ENTRY_OVERRIDE where a path did not turn up */
  requireAllUsed(): void {
    const [path] = this.#unused;
    if (path === undefined) return;
    throw new OcidslError({
      code: 'OCIDSL_ENTRY_OVERRIDE',
      message: `Cannot set the mode or owner of "${printable(path)}": neither the sources nor the merged archives have an entry of that path, expected the path of an entry`,
      hint: 'A folder that is only there because of what lies in it becomes an entry in emptyDirs',
    });
  }
}
