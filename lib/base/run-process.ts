// Starts one program in its own process group, with bounded output, and makes sure that the whole group is gone when the
// caller cancels or the time is up.
import { spawn } from 'node:child_process';
import { environmentError, OcidslError } from './errors.ts';

/** What to run. */
export interface ProcessOptions {
  /** Program and arguments; no shell. */
  readonly argv: readonly string[];
  readonly cwd?: string;
  /** The whole environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Bytes for standard input; empty by default. */
  readonly stdin?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Killed after this many milliseconds; no limit by default. */
  readonly timeoutMs?: number;
  /** Bytes kept of each stream, half from its start and half from its end; 256 KiB by default. */
  readonly maxOutputBytes?: number;
}

/** How it ended. */
export interface ProcessResult {
  /** Exit code, or 128 + signal number. */
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly timedOut: boolean;
}

const GRACE_MS = 1500;
const SIGNALS: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGTERM: 15 };

/**
 * Runs a program to its end.
 * @throws OCIDSL_SYSTEM_ENOENT and friends where it cannot be started; the signal's reason where it was cancelled
 */
export async function runProcess(options: ProcessOptions): Promise<ProcessResult> {
  options.signal?.throwIfAborted();
  const [program, ...args] = options.argv;
  if (program === undefined) throw new RangeError('Cannot run an empty argv');
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.environment)) if (value !== undefined) environment[name] = value;
  const limit = options.maxOutputBytes ?? 256 * 1024;
  return await new Promise<ProcessResult>((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd, env: environment, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    let timedOut = false;
    let killer: NodeJS.Timeout | undefined;
    const killGroup = (signal: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // The group is gone already.
      }
    };
    const stop = () => {
      killGroup('SIGTERM');
      killer ??= setTimeout(() => killGroup('SIGKILL'), GRACE_MS);
    };
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            stop();
          }, options.timeoutMs);
    options.signal?.addEventListener('abort', stop, { once: true });
    const finish = () => {
      clearTimeout(timer);
      clearTimeout(killer);
      options.signal?.removeEventListener('abort', stop);
    };
    const stdout = new HeadAndTail(limit);
    const stderr = new HeadAndTail(limit);
    child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    child.stdin.on('error', () => undefined); // A program that does not read its input is not an error.
    child.stdin.end(options.stdin ?? '');
    child.on('error', (error) => {
      finish();
      reject(environmentError(`run ${JSON.stringify(program)}`, error));
    });
    // Whatever the program left behind in its group must not outlive it, nor keep the pipes open.
    child.on('exit', () => killGroup('SIGKILL'));
    child.on('close', (code, signal) => {
      finish();
      if (options.signal?.aborted) reject(cancelled(options.signal));
      else resolve({ exitCode: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0), stdout: stdout.bytes(), stderr: stderr.bytes(), timedOut });
    });
  });
}

function cancelled(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  if (reason instanceof Error) return reason;
  return new OcidslError({ code: 'OCIDSL_INTERRUPTED', kind: 'interrupted', message: 'Cannot go on: the command was interrupted' });
}

// Keeps the first and the last bytes of a stream.
class HeadAndTail {
  readonly #limit: number;
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    const half = this.#limit / 2;
    if (this.#headBytes < half) {
      const taken = chunk.subarray(0, half - this.#headBytes);
      this.#head.push(taken);
      this.#headBytes += taken.length;
      chunk = chunk.subarray(taken.length);
    }
    if (chunk.length === 0) return;
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    while (this.#tail[0] !== undefined && this.#tailBytes - this.#tail[0].length >= half) {
      const dropped = this.#tail.shift()!;
      this.#tailBytes -= dropped.length;
      this.#dropped += dropped.length;
    }
  }

  bytes(): Buffer {
    const gap = this.#dropped > 0 ? [Buffer.from(`\n… ${this.#dropped} bytes left out …\n`)] : [];
    return Buffer.concat([...this.#head, ...gap, ...this.#tail]);
  }
}
