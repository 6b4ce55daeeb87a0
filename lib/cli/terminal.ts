// The only place that prints: results on standard output, everything else on standard error.
import { fstatSync, readFileSync, statSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { isOcidslError, type OcidslError, type SourceLocation } from '../base/errors.ts';
import { createReporter, type Reporter } from '../report/reporter.ts';
import { COLOR_STYLE, PLAIN_STYLE, type Style } from '../report/style.ts';
import { formatError } from '../report/error-text.ts';

/** Output of a command. */
export interface Terminal {
  readonly reporter: Reporter;
  /** Writes result lines to standard output. */
  print(text: string): void;
  /** Writes one line to standard error. */
  note(text: string): void;
  /** Reports a failure on standard error. */
  fail(error: unknown, isDebug: boolean): void;
  /** Where relative locations of errors are below. */
  root: string;
}

/** The terminal of this process. */
export function openTerminal(environment: Readonly<Record<string, string | undefined>>, quiet: boolean): Terminal {
  const isLive = environment['CI'] === undefined && environment['TERM'] !== 'dumb' && isTerminal(2);
  const hasColor = isLive && (environment['NO_COLOR'] ?? '') === '';
  const style: Style = hasColor ? COLOR_STYLE : PLAIN_STYLE;
  const write = (text: string) => writeAll(2, text);
  const terminal: Terminal = {
    root: process.cwd(),
    reporter: createReporter({ write, style, quiet, live: isLive ? { columns: process.stderr.columns || 80 } : undefined }),
    print: (text) => writeAll(1, text),
    note(text) {
      terminal.reporter.close();
      write(`${text}\n`);
    },
    fail(error, isDebug) {
      terminal.reporter.close();
      if (!isOcidslError(error)) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        write(`${style.error('internal error')}: ${text}\nPlease report this as a bug of ocidsl\n`);
        return;
      }
      write(`${formatError(error, style, (location) => readLine(terminal.root, location))}\n`);
      if (isDebug) for (const each of [error, ...error.errors]) write(`${style.dim(debugText(each))}\n`);
    },
  };
  return terminal;
}

// By file descriptor: making process.stdout and process.stderr would be a tenth of a build without changes.
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A reader that goes away (`| head`) is no reason to fail.
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // A slow reader of a pipe that does not block.
    }
  }
}

// Everything but a character device is no terminal, nor is /dev/null; what may be one is asked in earnest, which loads a quarter of Node's network.
function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && stat.rdev !== nullDevice() && isatty(fd);
  } catch {
    return false; // It is closed.
  }
}

function nullDevice(): number | undefined {
  return statSync('/dev/null', { throwIfNoEntry: false })?.rdev;
}

function debugText(error: OcidslError): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : '';
  return `${error.code}\n${error.stack ?? ''}${cause}`;
}

function readLine(root: string, location: SourceLocation): string | undefined {
  try {
    return readFileSync(resolve(root, location.file), 'utf8').split('\n')[location.line - 1];
  } catch {
    return undefined;
  }
}
