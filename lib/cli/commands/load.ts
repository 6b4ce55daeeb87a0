// `ocidsl load NAME…` and `ocidsl run NAME [-- ARGUMENT…]`
import { homedir } from 'node:os';
import { LoadInfo } from '../../rules/providers.ts';
import { loadImage, type LoadedImage } from '../../sinks/load.ts';
import { findEngine } from '../../sinks/engine-discovery.ts';
import type { ContainerEngine } from '../../sinks/engine-interface.ts';
import { runImage } from '../../sinks/run.ts';
import { interruptible } from '../interruption.ts';
import { withSinks } from '../make-sink.ts';
import { usage, type Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';

/** Options of load and run. */
export interface LoadOptions {
  /** See EngineSearch.engine. */
  readonly engine?: string;
}

/** Loads images into a container engine and prints their names and IDs. */
export async function load(names: readonly string[], options: LoadOptions, settings: Settings, terminal: Terminal): Promise<void> {
  if (names.length === 0) throw usage('Cannot load: no target is named, expected one or more', 'Run "ocidsl list" to see every target');
  const loaded = await interruptible((signal) =>
    withEngine(options, settings, signal, (engine) => loadInto(engine, names, settings, terminal, signal)),
  );
  terminal.reporter.close();
  if (settings.json) terminal.print(`${JSON.stringify(loaded, undefined, 2)}\n`);
  else for (const image of loaded) for (const name of image.names) terminal.print(`${name}\t${image.imageId}\n`);
  if (!settings.quiet)
    for (const image of loaded)
      terminal.note(`${image.label} is in ${image.engine}${image.outcome === 'present' ? ', as it was before' : ''}`);
}

/** Builds, loads and runs an image; returns the exit code of the container. */
export async function run(
  name: string,
  args: readonly string[],
  options: LoadOptions & { readonly engineArg?: readonly string[] },
  settings: Settings,
  terminal: Terminal,
): Promise<number> {
  const stop = new AbortController();
  return await withEngine(options, settings, stop.signal, async (engine) => {
    const [image] = await interruptible((signal) => loadInto(engine, [name], settings, terminal, signal));
    terminal.reporter.close();
    return await runImage({
      engine,
      image: image!.imageId,
      args,
      engineArgs: options.engineArg ?? [],
      terminal: { isInput: process.stdin.isTTY, isOutput: process.stdout.isTTY },
      onSignals: forwardSignals,
    });
  });
}

type LoadedTarget = LoadedImage & { readonly label: string };

async function loadInto(
  engine: ContainerEngine,
  names: readonly string[],
  settings: Settings,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<LoadedTarget[]> {
  const { platform } = settings;
  return await withSinks(
    names,
    LoadInfo,
    (info) => info.image,
    { settings, terminal, signal, platform, emit: terminal.reporter.emit },
    async (sinks) => {
      const loaded: LoadedTarget[] = [];
      for (const { label, info, content } of sinks) {
        const image = await loadImage({
          manifest: content.root,
          source: content.keeping,
          repoTags: info.repoTags,
          engine,
          expectedPlatform: settings.isPlatformGiven ? platform : undefined,
          label,
          events: terminal.reporter.emit,
          signal,
        });
        loaded.push({ ...image, label });
      }
      return loaded;
    },
  );
}

async function withEngine<T>(
  options: LoadOptions,
  settings: Settings,
  signal: AbortSignal,
  use: (engine: ContainerEngine) => Promise<T>,
): Promise<T> {
  const { environment } = settings;
  const engine = await findEngine({ engine: options.engine, environment, homeDirectory: environment['HOME'] || homedir() }, signal);
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

function forwardSignals(forward: (signal: NodeJS.Signals) => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
  for (const name of signals) process.on(name, forward);
  return () => {
    for (const name of signals) process.off(name, forward);
  };
}
