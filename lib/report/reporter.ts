// Build events as text: plain lines, and on a terminal one live line with what is running.
import type { BuildEvent, EventListener } from '../base/events.ts';
import { formatError, type ReadLine } from './error-text.ts';
import type { Style } from './style.ts';

/** What a reporter writes to and how. */
export interface ReporterOptions {
  /** Writes to standard error. */
  readonly write: (text: string) => void;
  readonly style: Style;
  /** Whether the last line may be rewritten, and how wide it is. */
  readonly live: { readonly columns: number } | undefined;
  /** Errors and warnings only. */
  readonly quiet: boolean;
  readonly readLine?: ReadLine;
}

/** Turns events into text. */
export interface Reporter {
  readonly emit: EventListener;
  /** Takes the live line away; call it before anything else writes to the terminal. */
  close(): void;
}

const CLEAR = '\r\u001b[K';
// Short actions of a build come by the thousand: a line is worth reading only for what took a while.
const WORTH_A_LINE_MS = 1000;

/** Makes a reporter. */
export function createReporter(options: ReporterOptions): Reporter {
  const { style, quiet, write } = options;
  const running = new Map<string, string>();
  let finished = 0;
  let shown = false;

  const clear = () => {
    if (shown) write(CLEAR);
    shown = false;
  };
  const line = (text: string) => {
    clear();
    write(`${text}\n`);
  };
  const redraw = () => {
    if (options.live === undefined || quiet) return;
    clear();
    const latest = [...running.values()].pop();
    if (latest === undefined) return;
    const more = running.size > 1 ? ` (+${running.size - 1} more)` : '';
    write(style.dim(`[${finished} done] ${latest}${more}`.slice(0, Math.max(20, options.live.columns - 1))));
    shown = true;
  };

  const emit = (event: BuildEvent): void => {
    switch (event.type) {
      case 'action-started':
        running.set(`action ${event.id}`, event.message);
        if (options.live === undefined && !quiet) line(event.message);
        break;
      case 'action-finished':
        running.delete(`action ${event.id}`);
        finished++;
        if (event.output !== undefined && event.output.trim() !== '') line(`${style.warning(event.label)}: ${event.output.trimEnd()}`);
        if (event.durationMs >= WORTH_A_LINE_MS && event.outcome === 'executed' && !quiet)
          line(style.dim(`${event.mnemonic} ${event.label} took ${(event.durationMs / 1000).toFixed(1)} s`));
        break;
      case 'transfer-started':
        running.set(`transfer ${event.id}`, event.message);
        break;
      case 'transfer-progress':
        break;
      case 'transfer-finished':
        running.delete(`transfer ${event.id}`);
        if (!quiet) line(style.dim(event.message));
        break;
      case 'note':
        if (!quiet) line(`${style.note('note')}: ${event.message}`);
        break;
      case 'warning':
        line(`${style.warning('warning')}: ${event.label === undefined ? '' : `${event.label}: `}${event.message}`);
        if (event.hint !== undefined) line(`  ${style.note('hint')}: ${event.hint}`);
        break;
      case 'error':
        line(formatError(event.error, style, options.readLine));
        break;
    }
    redraw();
  };
  return { emit, close: clear };
}
