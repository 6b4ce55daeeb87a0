// Builds targets for real: analysis, actions, outputs, and the snapshot for the next time.
import { mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { combineErrors, isOcidslError, environmentError, type OcidslError } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';
import type { Json } from '../base/json.ts';
import { NOT_STARTED } from '../engine/engine.ts';
import { sameFingerprint, takeFingerprint } from '../engine/fingerprint.ts';
import { writeSnapshotFile } from '../engine/snapshot-file.ts';
import type { PathRecord, Snapshot, TargetRecord } from '../engine/snapshot.ts';
import { formatPlatform } from '../oci/platform.ts';
import { analyzeAll } from '../plan/analyze.ts';
import { createMaker, SNAPSHOT_FILE, type Maker } from './make.ts';
import { OutputClaims, writeOutputs, type ResultLine, type WrittenTarget } from './outputs.ts';
import type { Settings } from './settings.ts';
import { snapshotVersion } from './snapshot-version.ts';
import { checkGraph, type WorkspaceSession } from './workspace-session.ts';

/** How a build ended. */
export interface BuildOutcome {
  readonly results: readonly ResultLine[];
  readonly counts: Maker['engine']['counts'];
}

/**
 * Builds the requested targets of a session.
 * @throws OcidslError with every failure; what was built stays
 */
export async function buildTargets(session: WorkspaceSession, settings: Settings, emit: EventListener, signal: AbortSignal): Promise<BuildOutcome> {
  checkGraph(session);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const maker = createMaker(session, settings, emit, either);
  try {
    const configured = analyzeAll(maker.analysis, session.requested, settings.platform);
    prepareOutputDirectory(resolve(session.root, settings.outputDirectory));
    const claims = new OutputClaims();
    const settled = await Promise.allSettled(
      configured.map(async (each) => {
        try {
          return await writeOutputs(each, maker, session, settings, claims);
        } catch (error) {
          if (settings.failFast) stop.abort(error);
          throw error;
        }
      }),
    );
    const written = new Map<string, WrittenTarget>();
    settled.forEach((each, i) => {
      if (each.status === 'fulfilled') written.set(configured[i]!.target.label, each.value);
    });
    saveSnapshot(session, settings, maker, written, emit);
    signal.throwIfAborted();
    throwFailures(settled, stop.signal.aborted ? stop.signal.reason : undefined);
    return { results: [...written.values()].flatMap(({ results }) => results), counts: maker.engine.counts };
  } finally {
    maker.store.close();
  }
}

function prepareOutputDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw environmentError(`make the output directory "${directory}"`, error, 'Choose another one with --output-dir');
  }
}

// One failure shows in every target that depends on it: each is reported once, bugs before all.
function throwFailures(settled: readonly PromiseSettledResult<unknown>[], first: unknown): void {
  const failures = new Set<OcidslError>();
  const seen = new Set<string>();
  for (const error of [first, ...settled.map((each) => (each.status === 'rejected' ? (each.reason as unknown) : undefined))]) {
    if (error === undefined) continue;
    if (!isOcidslError(error)) throw error;
    if (error.code === NOT_STARTED || error.kind === 'interrupted') continue;
    const key = `${error.label ?? ''}\n${error.message}\n${error.output ?? ''}`;
    if (!seen.has(key)) failures.add(error);
    seen.add(key);
  }
  if (failures.size > 0) throw combineErrors([...failures]);
  const other = settled.find((each) => each.status === 'rejected');
  if (other !== undefined) throw other.reason as Error;
}

function saveSnapshot(session: WorkspaceSession, settings: Settings, maker: Maker, written: ReadonlyMap<string, WrittenTarget>, emit: EventListener): void {
  const { files, before, engine } = maker;
  const indexes = new Map<string, number>();
  const paths: PathRecord[] = [];
  const indexOf = (path: string, record: () => PathRecord): number => {
    let index = indexes.get(path);
    if (index === undefined) {
      index = paths.push(record()) - 1;
      indexes.set(path, index);
    }
    return index;
  };
  const platform = formatPlatform(settings.platform);
  const targets: TargetRecord[] = [];
  for (const [label, { results, artifacts, files: outputs }] of written) {
    const reads = [...engine.readsOf(artifacts)].map((path) => indexOf(path, () => files.record(path)));
    const writes = outputs.map((file) => {
      const path = relative(session.root, file);
      // Our own writing: what was there when it was done is what the next build compares with.
      return indexOf(path, () => ({ path, fingerprint: takeFingerprint(file) }));
    });
    targets.push({ key: `${label} ${platform}`, declaration: session.declarations.get(label)!, paths: Uint32Array.from([...reads, ...writes]), results: results as unknown as Json });
  }
  // What this build did not look at stays as it was recorded.
  const renewed = new Set(targets.map(({ key }) => key));
  for (const target of before?.targets ?? []) {
    if (renewed.has(target.key)) continue;
    const kept = [...target.paths].map((index) => before!.paths[index]!);
    // A path that this build saw in another state makes the old record worthless.
    const isOutdated = kept.some((record) => indexes.has(record.path) && !sameRecord(paths[indexes.get(record.path)!]!, record));
    if (!isOutdated) targets.push({ ...target, paths: Uint32Array.from(kept.map((record) => indexOf(record.path, () => record))) });
  }
  saveRecords(session, settings, maker, { paths, targets }, emit);
}

function sameRecord(a: PathRecord, b: PathRecord): boolean {
  return a.fingerprint !== undefined && b.fingerprint !== undefined && sameFingerprint(a.fingerprint, b.fingerprint);
}

function saveRecords(session: WorkspaceSession, settings: Settings, { discoveries: current, before }: Maker, { paths, targets }: Pick<Snapshot, 'paths' | 'targets'>, emit: EventListener): void {
  const discoveries = current.records();
  const known = new Set(discoveries.map(({ id }) => id));
  // Discoveries of former builds are kept while the state of what they read is.
  const recorded = new Set(paths.map(({ path }) => path));
  const kept = (before?.discoveries ?? []).filter(({ id, result }) => !known.has(id) && result.watched.every((path) => recorded.has(path)));
  try {
    writeSnapshotFile(join(session.stateDirectory, SNAPSHOT_FILE), snapshotVersion(settings), {
      paths,
      targets,
      discoveries: [...discoveries, ...kept],
    });
  } catch (error) {
    emit({ type: 'note', message: `The next build cannot start from this one: its state could not be saved (${(error as Error).message})` });
  }
}
