// Starting an engine's command line client: in its own process group, with bounded output, killed as a group on abort.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';

/** A command to run to its end. */
export interface EngineProcessOptions {
  readonly argv: readonly [string, ...string[]];
  /** The whole environment of the process; `PATH` in it finds the program. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Sent to stdin with back pressure; without it stdin is empty. */
  readonly input?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the process is killed. Default: never. */
  readonly timeoutMs?: number;
}

/** How a process ended. */
export interface EngineProcessResult {
  /** The exit code; null where it could not start, or was killed. */
  readonly code: number | null;
  /** The first 1 MiB. */
  readonly stdout: string;
  /** The first 64 KiB; where it did not start or was killed, the reason. */
  readonly stderr: string;
}

/**
 * Runs a command and collects what it prints. Failures of the command are results.
 * @throws what `input` threw, after the process is dead: it never sees the end of a broken input; the signal's reason
 */
export async function runEngineProcess(options: EngineProcessOptions): Promise<EngineProcessResult> {
  options.signal?.throwIfAborted();
  const [program, ...args] = options.argv;
  const child = spawn(program, args, { detached: true, stdio: 'pipe', env: options.environment });
  const stdout = collect(child.stdout, 1024 * 1024);
  const stderr = collect(child.stderr, 64 * 1024);
  let stopReason: string | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (reason: string) => {
    if (stopReason !== undefined) return;
    stopReason = reason;
    killGroup(child, 'SIGTERM');
    killTimer = setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS);
  };
  const onAbort = () => stop('it was interrupted');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    options.timeoutMs === undefined ? undefined : setTimeout(stop, options.timeoutMs, `it gave no answer in ${options.timeoutMs / 1000} s`);
  try {
    const ended = new Promise<EngineProcessResult>((resolve) => {
      const settle = (code: number | null) =>
        resolve({ code: stopReason === undefined ? code : null, stdout: stdout(), stderr: stopReason ?? stderr() });
      child.once('error', (error: NodeJS.ErrnoException) => {
        const why = error.code === 'ENOENT' ? `there is no ${program} on PATH` : error.message;
        resolve({ code: null, stdout: '', stderr: why });
      });
      child.once('close', settle);
      // A daemon that the command left behind may hold its pipes open for ever.
      child.once('exit', (code) => {
        child.stdin.destroy();
        setTimeout(settle, GRACE_MS, code).unref();
      });
    });
    try {
      await feed(child.stdin, options.input);
    } catch (error) {
      stop('its input failed');
      await ended;
      throw error;
    }
    const result = await ended;
    options.signal?.throwIfAborted();
    return result;
  } finally {
    clearTimeout(timer);
    clearTimeout(killTimer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

// Stops early where the process no longer reads: how it ended then says why.
async function feed(stdin: Writable, input: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  // EPIPE, ECONNRESET: the process is going; the stream closes after it.
  stdin.on('error', () => {});
  for await (const chunk of input ?? []) {
    if (stdin.destroyed) return;
    if (!stdin.write(chunk)) await drainOrClose(stdin);
  }
  stdin.end();
}

async function drainOrClose(stream: Writable): Promise<void> {
  if (stream.closed) return;
  await new Promise<void>((resolve) => {
    const settle = () => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.on('drain', settle).on('close', settle);
  });
}

// An interrupted command ends within 2 s in all.
const GRACE_MS = 1_500;

function collect(stream: NodeJS.ReadableStream, limit: number): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < limit) chunks.push(chunk.subarray(0, limit - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Sends `signal` to the process and what it started; does nothing where they have ended. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone, or (on Windows) there are no groups.
    child.kill(signal);
  }
}
