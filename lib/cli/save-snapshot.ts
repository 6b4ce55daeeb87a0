// Saves what a command read and made, for the next one.
import { join, relative } from 'node:path';
import type { EventListener } from '../base/events.ts';
import type { Json } from '../base/json.ts';
import { DeclarationTable } from '../engine/declaration-table.ts';
import { sameFingerprint, takeFingerprint } from '../engine/fingerprint.ts';
import { writeSnapshotFile } from '../engine/write-snapshot-file.ts';
import type { DiscoveryRecord, PathRecord, TargetRecord } from '../engine/snapshot.ts';
import { declarationText } from '../graph/closure.ts';
import { formatPlatform } from '../oci/platform.ts';
import type { Artifact } from '../plan/action-node.ts';
import type { Maker } from './make.ts';
import { LOCK_FILE } from '../plan/lock.ts';
import type { ResultLine } from './outputs.ts';
import type { Settings } from './settings.ts';
import { SNAPSHOT_FILE, snapshotVersion } from './snapshot-version.ts';
import type { WorkspaceSession } from './workspace-session.ts';

/** A target that was made. */
export interface MadeTarget {
  readonly label: string;
  readonly artifacts: readonly Artifact[];
  /** Result lines and absolute paths of output files, of a target whose outputs were written. */
  readonly results?: readonly ResultLine[];
  readonly files?: readonly string[];
}

/** Saves the snapshot of the workspace: what this command looked at, and of former ones what that does not contradict. */
export function saveSnapshot(
  session: WorkspaceSession,
  settings: Settings,
  maker: Maker,
  made: readonly MadeTarget[],
  emit: EventListener,
): void {
  const { before, files, engine, pins } = maker;
  const paths = new PathTable();
  const declarations = new DeclarationTable();
  const declared = new Map<string, number>();
  for (const label of session.closure) {
    const target = session.targets.get(label)!;
    declared.set(
      label,
      declarations.add(
        declarationText(target),
        target.references.map((reference) => declared.get(reference)!),
      ),
    );
  }
  const platform = formatPlatform(settings.platform);
  const targets: TargetRecord[] = [];
  for (const { label, artifacts, results, files: outputs } of made) {
    const indexes = paths.newSet();
    for (const path of engine.readsOf(artifacts)) indexes.add(path, () => files.record(path));
    if (pins.isUsedBy(label)) indexes.add(LOCK_FILE, () => files.record(LOCK_FILE));
    if (results === undefined || pins.isUnpinned(label)) continue;
    for (const file of outputs ?? []) {
      const path = relative(session.root, file);
      // Our own writing: what was there when it was done is what the next build compares with.
      indexes.add(path, () => ({ path, fingerprint: takeFingerprint(file) }));
    }
    targets.push({
      key: `${label} ${platform}`,
      declaration: declared.get(label)!,
      paths: indexes.values(),
      results: results as unknown as Json,
    });
  }
  // What this command did not look at stays as it was recorded, as long as that agrees with what it saw.
  const renewed = new Set(targets.map(({ key }) => key));
  const kept = (before?.targets ?? []).filter(
    (target) => !renewed.has(target.key) && [...target.paths].every((index) => paths.agrees(before!.paths[index]!)),
  );
  const places = declarations.adopt(
    before?.declarations ?? [],
    kept.map(({ declaration }) => declaration),
  );
  for (const target of kept) {
    const records = [...target.paths].map((index) => before!.paths[index]!);
    targets.push({
      ...target,
      declaration: places.get(target.declaration)!,
      paths: Uint32Array.from(records.map((record) => paths.indexOf(record.path, () => record))),
    });
  }
  const discoveries = validDiscoveries(maker, paths);
  try {
    writeSnapshotFile(join(session.stateDirectory, SNAPSHOT_FILE), snapshotVersion(settings, session.root), {
      paths: paths.records,
      targets,
      declarations: declarations.records,
      discoveries,
    });
  } catch (error) {
    emit({
      type: 'note',
      message: `The next build cannot start from this one: its state could not be saved (${(error as Error).message})`,
    });
  }
}

// Discoveries of former commands are kept while the state of everything that they read is.
function validDiscoveries({ discoveries, before }: Maker, paths: PathTable): DiscoveryRecord[] {
  const current = discoveries.records();
  const known = new Set(current.map(({ id }) => id));
  const kept = (before?.discoveries ?? []).filter(
    ({ id, result }) => !known.has(id) && [...result.watched, ...result.files.map(({ path }) => path)].every((path) => paths.has(path)),
  );
  return [...current, ...kept];
}

/** Paths in the table, by index and each once. */
interface IndexSet {
  /** `record` is asked for where the path is not in the table yet. */
  add(path: string, record: () => PathRecord): void;
  values(): Uint32Array;
}

class PathTable {
  readonly records: PathRecord[] = [];
  readonly #indexes = new Map<string, number>();
  // The set that had each path last. A Set of 100,000 paths for each target would take 5 MB.
  readonly #setOf: number[] = [];
  #sets = 0;

  /** A new set; the one before takes no more paths. */
  newSet(): IndexSet {
    const set = ++this.#sets;
    const indexes: number[] = [];
    return {
      add: (path, record) => {
        const index = this.indexOf(path, record);
        if (this.#setOf[index] === set) return;
        this.#setOf[index] = set;
        indexes.push(index);
      },
      values: () => Uint32Array.from(indexes),
    };
  }

  has(path: string): boolean {
    return this.#indexes.has(path);
  }

  indexOf(path: string, record: () => PathRecord): number {
    let index = this.#indexes.get(path);
    if (index === undefined) {
      index = this.records.push(record()) - 1;
      this.#indexes.set(path, index);
    }
    return index;
  }

  /** Whether a former record may stand beside what is in the table. */
  agrees(record: PathRecord): boolean {
    const index = this.#indexes.get(record.path);
    if (index === undefined) return true;
    const own = this.records[index]!.fingerprint;
    return own !== undefined && record.fingerprint !== undefined && sameFingerprint(own, record.fingerprint);
  }
}
