// Makes things: the stores, the engine and analysis of one command, put together. Loaded only where something is to be made.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { invariant } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';
import { cachingExecution } from '../engine/caching-execution.ts';
import { createDiscoveries, type Discoveries } from '../engine/discoveries.ts';
import { Engine } from '../engine/engine.ts';
import { FileIndex } from '../engine/file-index.ts';
import { limitedExecution } from '../engine/limited-execution.ts';
import { localExecution } from '../engine/local-execution.ts';
import { commandRunner } from '../engine/run-command.ts';
import { sharingExecution } from '../engine/sharing-execution.ts';
import { readSnapshotFile } from '../engine/read-snapshot-file.ts';
import type { Snapshot } from '../engine/snapshot.ts';
import { StartGate } from '../engine/start-gate.ts';
import { createAnalysis, type Analysis } from '../plan/analyze.ts';
import { openDiskStore, type DiskStore } from '../store/disk-store.ts';
import { recoverGoModules } from './recover-go-modules.ts';
import type { FetchContext } from '../fetch/fetch-context.ts';
import type { Network } from './network.ts';
import type { OpenedLock } from './open-lock.ts';
import type { Settings } from './settings.ts';
import { SNAPSHOT_FILE, snapshotVersion } from './snapshot-version.ts';
import { loadDiscoverer, loadTool } from './tools.ts';
import type { WorkspaceSession } from './workspace-session.ts';

/** Everything that makes artifacts, for one command. */
export interface Maker {
  readonly network: Network;
  readonly pins: OpenedLock;
  readonly store: DiskStore;
  readonly files: FileIndex;
  readonly discoveries: Discoveries;
  readonly engine: Engine;
  readonly analysis: Analysis;
  /** The snapshot that the last build left, if any. */
  readonly before: Snapshot | undefined;
}

/** Puts the parts together. The caller closes `store`. */
export function createMaker(
  session: WorkspaceSession,
  settings: Settings,
  emit: EventListener,
  signal: AbortSignal,
  network: Network,
  pins: OpenedLock,
): Maker {
  const store = openDiskStore({ directory: settings.cacheDirectory, onEvent: emit });
  const before = readSnapshot(session, settings);
  const files = new FileIndex(session.root, before?.paths);
  const { environment, cacheDirectory } = settings;
  const context: FetchContext = { cas: store.cas, registry: network.registry, environment, cacheDirectory, emit };
  const discoveries = createDiscoveries({
    workspaceRoot: session.root,
    files,
    cas: store.cas,
    environment: settings.environment,
    known: before?.discoveries ?? [],
    loadDiscoverer: (name) => loadDiscoverer(name, context),
    recover: (error, recoverSignal) => recoverGoModules(error, settings.environment, emit, recoverSignal),
  });
  const local = localExecution({
    cas: store.cas,
    segments: store.segments,
    files,
    loadTool: async (name) => {
      const tool = await loadTool(name);
      invariant(tool !== undefined, `there is a tool ${name}`);
      return tool;
    },
    runCommand: commandRunner({ cas: store.cas, files, policy: settings.sandbox, path: settings.environment['PATH'], emit }),
    emit,
    now: () => performance.now(),
  });
  const gate = new StartGate(settings.keepGoing);
  const limited = limitedExecution(local, settings.jobs ?? availableParallelism(), gate);
  const execution = cachingExecution(sharingExecution(limited), store.actionCache, store.shapes);
  const engine = new Engine({ files, discoveries, execution, emit, signal, gate });
  const analysis = createAnalysis({ targets: session.targets, sourceDate: settings.sourceDate, lock: pins.lock });
  return { network, pins, store, files, discoveries, engine, analysis, before };
}

// Under other settings the targets are others. What was seen of files holds, and discoveries name the environment that they depend on.
function readSnapshot(session: WorkspaceSession, settings: Settings): Snapshot | undefined {
  const version = snapshotVersion(settings, session.root);
  const packed = readSnapshotFile(join(session.stateDirectory, SNAPSHOT_FILE), version.identity);
  const snapshot = packed?.unpack();
  if (snapshot === undefined || packed?.settings === version.settings) return snapshot;
  return { ...snapshot, targets: [], declarations: [] };
}
