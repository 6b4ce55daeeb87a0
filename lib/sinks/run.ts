// Running a loaded image in the foreground, as its user would with the engine's own command.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { OcidslError, environmentError } from '../base/errors.ts';
import { killGroup, runEngineProcess } from './engine-process.ts';
import type { ContainerEngine, EngineCommand } from './engine-interface.ts';

/** What to run. */
export interface RunImageOptions {
  /** The engine that has the image. */
  readonly engine: ContainerEngine;
  /** A name as its user would write it, or better the image's ID, which cannot name another image. Never pulled. */
  readonly image: string;
  /** Arguments of the container's entrypoint; without any its own `cmd` holds. */
  readonly args?: readonly string[];
  /** Arguments of the engine's `run` command: `['--network=host', '-p', '8080:8080']`. */
  readonly engineArgs?: readonly string[];
  /** Which of stdin and stdout are terminals; with both the container gets one. stdin is passed on in any case. */
  readonly terminal: { readonly isInput: boolean; readonly isOutput: boolean };
  /**
   * Called with a function that passes a signal on to the container; returns a function that ends that. The command line
   * hangs its signal handlers here. SIGINT is not passed on where stdin is a terminal, which sends it to both.
   */
  readonly onSignals?: (forward: (signal: NodeJS.Signals) => void) => () => void;
  /** Ends the container: SIGTERM, then removal after `graceMs`. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from SIGTERM to removal. Default: 10000, as for `docker stop`. */
  readonly graceMs?: number;
}

/**
 * Runs the image with `run --rm` on this process's stdin, stdout and stderr.
 * @returns the container's exit code; 125 where the engine could not start it; 128 and more where a signal ended it
 * @throws OCIDSL_RUN_ENGINE where the engine cannot run images from here; the signal's reason after an abort
 */
export async function runImage(options: RunImageOptions): Promise<number> {
  const { engine, signal, terminal } = options;
  signal?.throwIfAborted();
  const { command } = engine;
  if (command === undefined) {
    throw new OcidslError({
      code: 'OCIDSL_RUN_ENGINE',
      kind: 'environment',
      message: `Cannot run image "${options.image}": ${engine.description} only takes images, expected docker, podman or nerdctl`,
    });
  }
  const temporary = command.environment['TMPDIR'] ?? command.environment['TEMP'] ?? '/tmp';
  const folder = await mkdtemp(join(temporary, 'ocidsl-run-')).catch((cause: unknown) => {
    throw environmentError(`make a temporary folder in ${temporary}`, cause);
  });
  try {
    return await runCommand(options, command, join(folder, 'container-id'), terminal.isInput);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runCommand(options: RunImageOptions, command: EngineCommand, idFile: string, isInput: boolean): Promise<number> {
  const { engine, image, args = [], engineArgs = [], terminal, onSignals, signal, graceMs = 10_000 } = options;
  const [program, ...leading] = command.argv;
  const flags = ['--rm', '--pull=never', '--interactive', ...(terminal.isInput && terminal.isOutput ? ['--tty'] : [])];
  const child = spawn(program, [...leading, 'run', ...flags, '--cidfile', idFile, ...engineArgs, image, ...args], {
    stdio: 'inherit',
    env: command.environment,
    // Only the foreground group may read a terminal. Elsewhere a group of its own keeps Ctrl-C from arriving twice.
    detached: !isInput,
  });

  const forward = (name: NodeJS.Signals) => {
    if (!(name === 'SIGINT' && isInput)) child.kill(name);
  };
  const endForwarding = onSignals?.(forward);
  let removal: NodeJS.Timeout | undefined;
  const onAbort = () => {
    child.kill('SIGTERM');
    removal = setTimeout(() => void removeContainer(command, idFile).finally(() => killChild()), graceMs);
  };
  const killChild = () => (isInput ? child.kill('SIGKILL') : killGroup(child, 'SIGKILL'));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', (cause: NodeJS.ErrnoException) => reject(notStarted(engine, program, cause)));
      child.once('exit', (exitCode, name) => resolve(exitCode ?? 128 + (name === null ? 0 : constants.signals[name])));
    });
    signal?.throwIfAborted();
    return code;
  } finally {
    clearTimeout(removal);
    signal?.removeEventListener('abort', onAbort);
    endForwarding?.();
  }
}

// A container whose process does not heed SIGTERM outlives the command that started it.
async function removeContainer(command: EngineCommand, idFile: string): Promise<void> {
  const id = (await readFile(idFile, 'utf8').catch(() => '')).trim();
  if (id === '') return;
  // Of podman, rm --force alone would first wait for the container to stop by itself.
  for (const args of [
    ['kill', id],
    ['rm', '--force', id],
  ]) {
    await runEngineProcess({ argv: [...command.argv, ...args], environment: command.environment, timeoutMs: 10_000 });
  }
}

function notStarted(engine: ContainerEngine, program: string, cause: NodeJS.ErrnoException): OcidslError {
  if (cause.code !== 'ENOENT') return environmentError(`start ${program}`, cause);
  return new OcidslError({
    code: 'OCIDSL_RUN_ENGINE',
    kind: 'environment',
    message: `Cannot run an image with ${engine.description}: there is no ${program} on PATH, expected its command line client`,
    hint: `Install the ${program} command, or choose another engine with --engine`,
    cause,
  });
}
