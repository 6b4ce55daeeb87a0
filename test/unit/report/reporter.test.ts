import { describe, expect, test } from 'vitest';
import { OcidslError } from '../../../lib/base/errors.ts';
import type { BuildEvent } from '../../../lib/base/events.ts';
import { createReporter, type ReporterOptions } from '../../../lib/report/reporter.ts';
import { PLAIN_STYLE } from '../../../lib/report/style.ts';

const start = (id: number, message: string): BuildEvent => ({ type: 'action-started', id, label: `t${id}`, mnemonic: 'Tar', message });
const end = (id: number, change: Partial<Extract<BuildEvent, { type: 'action-finished' }>> = {}): BuildEvent => ({
  type: 'action-finished',
  id,
  label: `t${id}`,
  mnemonic: 'Tar',
  outcome: 'executed',
  durationMs: 1,
  ...change,
});

/** Everything that is written for events. */
function written(events: readonly BuildEvent[], options: Partial<ReporterOptions> = {}): string {
  let text = '';
  const reporter = createReporter({ write: (each) => void (text += each), style: PLAIN_STYLE, live: undefined, quiet: false, ...options });
  for (const event of events) reporter.emit(event);
  reporter.close();
  return text;
}

/** What a terminal shows in the end: `\r ESC[K` takes the current line away. */
function screen(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split('\r\u001b[K').at(-1)!)
    .join('\n');
}

const ALL: BuildEvent[] = [
  start(1, 'Packing a'),
  { type: 'note', message: 'a note' },
  { type: 'warning', message: 'careful', label: 'a', hint: 'do it' },
  { type: 'warning', message: 'no label' },
  end(1, { output: 'printed\n', durationMs: 1500 }),
  { type: 'transfer-started', id: 1, message: 'Pushing' },
  { type: 'transfer-progress', id: 1, bytes: 10 },
  { type: 'transfer-finished', id: 1, message: 'Pushed', outcome: 'done' },
  { type: 'error', error: new OcidslError({ code: 'OCIDSL_TEST', message: 'Cannot test' }) },
];

describe('a reporter', () => {
  test('writes plain lines', () => {
    expect(written(ALL)).toBe(
      'Packing a\nnote: a note\nwarning: a: careful\n  hint: do it\nwarning: no label\nt1: printed\nTar t1 took 1.5 s\nPushed\nerror: Cannot test\n',
    );
  });

  test('that is quiet writes warnings, errors and what actions printed only', () => {
    const quiet = 'warning: a: careful\n  hint: do it\nwarning: no label\nt1: printed\nerror: Cannot test\n';
    expect(written(ALL, { quiet: true })).toBe(quiet);
    expect(written(ALL, { quiet: true, live: { columns: 80 } })).toBe(quiet);
  });

  test('on a terminal leaves the same lines, but for those that say what is running', () => {
    expect(screen(written(ALL, { live: { columns: 80 } }))).toBe(
      'note: a note\nwarning: a: careful\n  hint: do it\nwarning: no label\nt1: printed\nTar t1 took 1.5 s\nPushed\nerror: Cannot test\n',
    );
  });

  test('says that an action took long only where it was run here', () => {
    expect(
      written([
        end(1, { durationMs: 999 }),
        end(2, { durationMs: 60_000, outcome: 'cached' }),
        end(3, { durationMs: 60_000, outcome: 'failed' }),
      ]),
    ).toBe('');
  });

  test('does not show blank output', () => expect(written([end(1, { output: ' \n' })])).toBe(''));

  test('on a terminal shows what is running now, and how much is done', () => {
    const live = { columns: 80 };
    const shown = (events: readonly BuildEvent[]) => {
      let text = '';
      const reporter = createReporter({ write: (each) => void (text += each), style: PLAIN_STYLE, live, quiet: false });
      for (const event of events) reporter.emit(event);
      return screen(text);
    };
    expect(shown([start(1, 'Packing a')])).toBe('[0 done] Packing a');
    expect(shown([start(1, 'Packing a'), start(2, 'Packing b'), start(3, 'Packing c')])).toBe('[0 done] Packing c (+2 more)');
    expect(shown([start(1, 'Packing a'), start(2, 'Packing b'), end(2)])).toBe('[1 done] Packing a');
    expect(shown([start(1, 'Packing a'), end(1)])).toBe('');
    expect(shown([start(1, 'Packing a'), { type: 'note', message: 'n' }])).toBe('note: n\n[0 done] Packing a');
  });

  test('keeps its live line on one row, and takes it away when it is closed', () => {
    const text = written([start(1, 'x'.repeat(500))], { live: { columns: 40 } });
    expect(text.split('\r\u001b[K')[0]!.length).toBeLessThan(40);
    expect(screen(text)).toBe('');
  });
});
