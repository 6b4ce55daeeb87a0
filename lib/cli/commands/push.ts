// `ocidsl push NAME…`
import type { EventListener } from '../../base/events.ts';
import { PushInfo } from '../../rules/providers.ts';
import { createRegistryClient } from '../../registry/client.ts';
import { loadUndici } from '../../registry/dispatcher.ts';
import { parseReference } from '../../registry/reference.ts';
import { planPush, pushImage, type PushDestination } from '../../sinks/push.ts';
import { interruptible } from '../interruption.ts';
import { withSinks, type MadeSink } from '../make-sink.ts';
import { usage, type Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';

/** Options of push. */
export interface PushOptions {
  readonly repository?: string;
  readonly tag?: readonly string[];
  readonly dryRun?: boolean;
  readonly insecure?: boolean;
}

/** Pushes images and indexes, tags last, and prints a digest reference for each. */
export async function push(names: readonly string[], options: PushOptions, settings: Settings, terminal: Terminal): Promise<void> {
  if (names.length === 0) throw usage('Cannot push: no target is named, expected one or more', 'Run "ocidsl list" to see every target');
  if (options.repository !== undefined && names.length > 1) throw usage('Cannot push several targets to one --repository: name one target');
  const { platform, environment } = settings;
  await interruptible(async (signal) => {
    const emit = preloading(terminal.reporter.emit);
    await withSinks(
      names,
      PushInfo,
      (info) => info.content,
      { settings, terminal, signal, platform, emit },
      async (sinks) => {
        const destinations = sinks.map((sink) => destinationOf(sink, options));
        const insecure = options.insecure === true ? destinations.map(({ repository }) => repository.registry) : [];
        const client = createRegistryClient({ environment, insecure, events: terminal.reporter.emit });
        try {
          for (const [i, { content }] of sinks.entries()) {
            const job = {
              root: content.root,
              source: content.source,
              destinations: [destinations[i]!],
              client,
              signal,
              events: terminal.reporter.emit,
            };
            if (options.dryRun === true) {
              const plans = await planPush(job);
              terminal.reporter.close();
              terminal.print(settings.json ? `${JSON.stringify(plans, undefined, 2)}\n` : plans.map(planText).join(''));
              continue;
            }
            const pushed = await pushImage(job);
            terminal.reporter.close();
            terminal.print(
              settings.json ? `${JSON.stringify(pushed, undefined, 2)}\n` : pushed.map(({ reference }) => `${reference}\n`).join(''),
            );
          }
        } finally {
          await client.close();
        }
      },
    );
  });
}

// While the first action runs there is time to load what the push needs afterwards.
function preloading(emit: EventListener): EventListener {
  let isLoaded = false;
  return (event) => {
    emit(event);
    if (event.type !== 'action-started' || isLoaded) return;
    isLoaded = true;
    setTimeout(() => void loadUndici(), 1);
  };
}

function destinationOf({ info }: MadeSink<PushInfo>, options: PushOptions): PushDestination {
  const reference = parseReference(options.repository ?? info.repository);
  if (reference.tag !== undefined || reference.digest !== undefined)
    throw usage(`Cannot use --repository "${options.repository ?? ''}": it has a tag or digest`, 'Give tags with --tag');
  return { repository: reference, tags: options.tag ?? info.remoteTags };
}

function planText(plan: Awaited<ReturnType<typeof planPush>>[number]): string {
  const lines = plan.blobs.map(({ action, digest, size, mediaType }) => `${action}\t${digest}\t${size}\t${mediaType}\n`);
  const tags = plan.tags.map(({ tag, from, to }) => `tag\t${tag}\t${from ?? '(none)'} → ${to}\n`);
  return `${plan.reference}\n${lines.join('')}${tags.join('')}${plan.uploadBytes} bytes to upload\n`;
}
