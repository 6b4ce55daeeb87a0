// Analyses one sink target and makes what it sends.
import type { EventListener } from '../base/events.ts';
import { combineErrors, isOcidslError } from '../base/errors.ts';
import type { Platform } from '../oci/platform.ts';
import type { Provider } from '../graph/provider.ts';
import type { ImageInfo, IndexInfo } from '../rules/providers.ts';
import { analyzeAll } from '../plan/analyze.ts';
import { findSink } from './find-sink.ts';
import { makeContent, type MadeContent } from './image-content.ts';
import { createMaker, type Maker } from './make.ts';
import { createNetwork } from './network.ts';
import { openLock } from './open-lock.ts';
import { saveSnapshot } from './save-snapshot.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';
import { checkGraph, openWorkspace } from './workspace-session.ts';

/** A sink target that has been analysed. */
export interface PlannedSink<T> {
  readonly label: string;
  readonly info: T;
}

/** A sink target whose content has been made. */
export interface MadeSink<T> extends PlannedSink<T> {
  readonly content: MadeContent;
}

/**
 * Makes the sinks that `names` mean and hands them to `use` while the store is open.
 * @throws OcidslError with the place of the target's declaration
 */
export async function withSinks<T, R>(
  names: readonly string[],
  provider: Provider<'LoadInfo' | 'PushInfo', T>,
  contentOf: (info: T) => ImageInfo | IndexInfo,
  command: {
    readonly settings: Settings;
    readonly terminal: Terminal;
    readonly signal: AbortSignal;
    readonly platform: Platform;
    readonly emit: EventListener;
    /** Called when the targets are known and nothing has been made. */
    readonly prepare?: (planned: readonly PlannedSink<T>[], maker: Maker, root: string) => Promise<void>;
  },
  use: (sinks: readonly MadeSink<T>[], maker: Maker) => Promise<R>,
): Promise<R> {
  const { settings, terminal, signal, platform, emit } = command;
  const session = await openWorkspace(settings, names, (label, targets) => findSink(label, provider.name, targets));
  terminal.root = session.root;
  try {
    checkGraph(session);
    const network = createNetwork(settings.environment, emit);
    const maker = createMaker(session, settings, emit, signal, network, await openLock(session, settings, network, emit, signal));
    try {
      const configured = analyzeAll(maker.analysis, session.requested, platform);
      const planned = configured.map(({ target, providers }): PlannedSink<T> => ({
        label: target.label,
        info: providers.get(provider.name) as T,
      }));
      await command.prepare?.(planned, maker, session.root);
      const sinks = await Promise.all(
        planned.map(async (sink): Promise<MadeSink<T>> => ({ ...sink, content: await makeContent(contentOf(sink.info), maker, session) })),
      );
      saveSnapshot(
        session,
        settings,
        maker,
        sinks.map(({ label, content }) => ({ label, artifacts: content.artifacts })),
        emit,
      );
      return await use(sinks, maker);
    } finally {
      await network.close();
      maker.store.close();
    }
  } catch (error) {
    if (signal.aborted && signal.reason instanceof Error) throw signal.reason;
    throw isOcidslError(error) ? combineErrors([session.located(error)]) : error;
  }
}
