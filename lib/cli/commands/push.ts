// `ocidsl push NAME…`
import { isAbsolute } from 'node:path';
import type { EventListener } from '../../base/events.ts';
import { formatRepository } from '../../registry/reference.ts';
import { PushInfo } from '../../rules/push-info.ts';
import { planPush } from '../../sinks/push-plan.ts';
import { pushImages, type PushDestination } from '../../sinks/push.ts';
import type { ReadGitState } from '../git-state.ts';
import { interruptible } from '../interruption.ts';
import { withSinks } from '../make-sink.ts';
import type { Network } from '../network.ts';
import { attachmentsOf } from '../push-attachments.ts';
import { destinationsOf, type DestinationOptions } from '../push-destinations.ts';
import { planRows, planText, pushedRows, pushedText, type TargetResult } from '../push-report.ts';
import { usage, type Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';

/** Options of push. */
export interface PushOptions extends DestinationOptions {
  readonly dryRun?: boolean;
  readonly insecure?: boolean;
}

/** Pushes images and indexes in one pass, tags last, and prints a digest reference for each target and repository. */
export async function push(names: readonly string[], options: PushOptions, settings: Settings, terminal: Terminal): Promise<void> {
  if (names.length === 0) throw usage('Cannot push: no target is named, expected one or more', 'Run "ocidsl list" to see every target');
  if (options.repository !== undefined && names.length > 1) throw usage('Cannot push several targets to one --repository: name one target');
  const { platform } = settings;
  const { emit } = terminal.reporter;
  const destinations = new Map<string, readonly PushDestination[]>();
  const ended = new AbortController();
  let warmUp = async (): Promise<void> => {};
  const text = await interruptible(
    async (signal) =>
      await withSinks(
        names,
        PushInfo,
        (info) => info.content,
        {
          settings,
          terminal,
          signal,
          platform,
          emit: onceWorkStarts(emit, () => void warmUp().catch(() => undefined)),
          async prepare(planned, maker, root) {
            const git = once(() => gitState(root, settings, signal));
            for (const sink of planned) {
              const own = await destinationsOf(sink, { options, git, maker, signal });
              destinations.set(sink.label, own);
              warmUp = async () => await connect([...destinations.values()].flat(), maker.network, AbortSignal.any([signal, ended.signal]));
              // Also for what is built on an image of that registry.
              if (options.insecure === true) maker.network.allowInsecure(own.map(({ repository }) => repository.registry));
            }
          },
        },
        async (sinks, maker) => {
          const images = await Promise.all(
            sinks.map(async (sink) => ({
              ...sink.content,
              destinations: destinations.get(sink.label)!,
              attachments: await attachmentsOf(sink, { maker, signal }),
            })),
          );
          const job = { images, client: await maker.network.registry(), signal, events: emit };
          const named = <T>(each: readonly T[][]): TargetResult<T>[] => each.map((results, i) => ({ label: sinks[i]!.label, results }));
          if (options.dryRun === true) {
            const plans = named(await planPush(job));
            return settings.json ? jsonText(planRows(plans)) : planText(plans);
          }
          const pushed = named(await pushImages(job));
          return settings.json ? jsonText(pushedRows(pushed)) : pushedText(pushed);
        },
      ).finally(() => ended.abort()),
  );
  terminal.reporter.close();
  terminal.print(text);
}

// Compilers have been started by then, and do not wait for what is loaded beside them.
const WARM_UP_AFTER_MS = 50;

// While the first actions run there is time for what the push needs afterwards.
function onceWorkStarts(emit: EventListener, warmUp: () => void): EventListener {
  let hasStarted = false;
  return (event) => {
    emit(event);
    if (event.type !== 'action-started' || hasStarted) return;
    hasStarted = true;
    setTimeout(warmUp, WARM_UP_AFTER_MS).unref();
  };
}

// Loads the client and opens the connections, with a token where one is asked for: several round trips that the push need not wait for. What the
// registry says now is not used, since it may be another thing by then; nor does a failure count before its time.
async function connect(destinations: readonly PushDestination[], network: Network, signal: AbortSignal): Promise<void> {
  const client = await network.registry();
  const repositories = new Map(
    destinations.map(({ repository, tags }) => [formatRepository(repository), { repository, tag: tags[0] ?? 'latest' }]),
  );
  await Promise.allSettled(
    [...repositories.values()].map(({ repository, tag }) => client.repository(repository).headManifest(tag, signal, 'pull,push')),
  );
}

async function gitState(root: string, { environment, outputDirectory }: Settings, signal: AbortSignal): Promise<ReadGitState> {
  const { readGitState } = await import('../git-state.ts');
  const ignored = isAbsolute(outputDirectory) ? [] : [outputDirectory];
  return await readGitState({ root, environment, ignored, signal });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function jsonText(rows: readonly object[]): string {
  return `${JSON.stringify(rows, undefined, 2)}\n`;
}
