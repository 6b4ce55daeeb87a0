// The only place that prints: results on standard output, everything else on standard error.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
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
  const { stdout, stderr } = process;
  // A reader that goes away (`| head`) is no reason to crash.
  for (const stream of [stdout, stderr]) stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const isLive = stderr.isTTY && environment['CI'] === undefined && environment['TERM'] !== 'dumb';
  const hasColor = isLive && (environment['NO_COLOR'] ?? '') === '';
  const style: Style = hasColor ? COLOR_STYLE : PLAIN_STYLE;
  const write = (text: string) => void stderr.write(text);
  const terminal: Terminal = {
    root: process.cwd(),
    reporter: createReporter({ write, style, quiet, live: isLive ? { columns: stderr.columns || 80 } : undefined }),
    print: (text) => void stdout.write(text),
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
