// Builds targets for real: analysis, actions, outputs, and the snapshot for the next time.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { combineErrors, isOcidslError, environmentError, type OcidslError } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';
import { createLimiter } from '../base/limiter.ts';
import { NOT_STARTED } from '../engine/start-gate.ts';
import { analyzeEach } from '../plan/analyze.ts';
import { createMaker, type Maker } from './make.ts';
import { createNetwork } from './network.ts';
import { openLock } from './open-lock.ts';
import { OutputClaims, OutputFolders, writeOutputs, type ResultLine, type WrittenTarget } from './outputs.ts';
import type { Settings } from './settings.ts';
import { saveSnapshot } from './save-snapshot.ts';
import { checkGraph, type WorkspaceSession } from './workspace-session.ts';

// Enough to keep every CPU and the disk busy; more would only hold more in memory.
const TARGETS_AT_A_TIME = 64;

/** How a build ended. */
export interface BuildOutcome {
  readonly results: readonly ResultLine[];
  readonly counts: Maker['engine']['counts'];
}

/**
 * Builds the requested targets of a session.
 * @throws OcidslError with every failure; what was built stays
 */
export async function buildTargets(
  session: WorkspaceSession,
  settings: Settings,
  emit: EventListener,
  signal: AbortSignal,
): Promise<BuildOutcome> {
  checkGraph(session);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const network = createNetwork(settings.environment, emit);
  const maker = createMaker(session, settings, emit, either, network, await openLock(session, settings, network, emit, either));
  try {
    const { configured, failures } = analyzeEach(maker.analysis, session.requested, settings.platform);
    if (failures.length > 0 && !(settings.keepGoing && configured.length > 0)) throw combineErrors(failures);
    prepareOutputDirectory(resolve(session.root, settings.outputDirectory));
    const claims = new OutputClaims();
    const folders = new OutputFolders();
    const limit = createLimiter(TARGETS_AT_A_TIME);
    const settled = await Promise.allSettled(
      configured.map((each) =>
        limit(async () => {
          try {
            return await writeOutputs(each, maker, session, settings, claims, folders);
          } catch (error) {
            if (settings.failFast) stop.abort(error);
            throw error;
          }
        }),
      ),
    );
    await folders.sync();
    const written = new Map<string, WrittenTarget>();
    settled.forEach((each, i) => {
      if (each.status === 'fulfilled') written.set(configured[i]!.target.label, each.value);
    });
    saveSnapshot(
      session,
      settings,
      maker,
      [...written].map(([label, each]) => ({ label, ...each })),
      emit,
    );
    signal.throwIfAborted();
    throwFailures(settled, [...failures, ...(stop.signal.aborted ? [stop.signal.reason as unknown] : [])]);
    return { results: [...written.values()].flatMap(({ results }) => results), counts: maker.engine.counts };
  } finally {
    await network.close();
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
function throwFailures(settled: readonly PromiseSettledResult<unknown>[], first: readonly unknown[]): void {
  const failures = new Set<OcidslError>();
  const seen = new Set<string>();
  for (const error of [...first, ...settled.map((each) => (each.status === 'rejected' ? (each.reason as unknown) : undefined))]) {
    if (error === undefined) continue;
    if (!isOcidslError(error)) throw error as Error;
    if (error.code === NOT_STARTED || error.kind === 'interrupted') continue;
    // What a compiler says of one target is the same for every platform: once is enough.
    const key = `${error.label ?? ''}\n${error.output ?? error.message}`;
    if (!seen.has(key)) failures.add(error);
    seen.add(key);
  }
  if (failures.size > 0) throw combineErrors([...failures]);
  const other = settled.find((each) => each.status === 'rejected');
  if (other !== undefined) throw other.reason as Error;
}
