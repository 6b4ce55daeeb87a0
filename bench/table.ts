// Results as a table in Markdown, and the page that has it.
import { readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release } from 'node:os';
import { join } from 'node:path';
import { PEAK_LIMIT_BYTES, type Ratio, type RowResult } from './results.ts';

const PAGE = join(import.meta.dirname, '../docs/performance.md');
const BEGIN = '<!-- npm run bench: begin -->';
const END = '<!-- npm run bench: end -->';

const OURS = /^ocidsl/;

/** The table of all results, each row with the command that makes its numbers. */
export function markdownTable(results: readonly RowResult[]): string {
  const lines = ['| work | command | ours | peers | ratio | limit | |', '| --- | --- | --- | --- | --- | --- | --- |'];
  for (const { id, work, medians, ratios } of results) {
    const subjects = Object.entries(medians);
    const cell = (mine: boolean) =>
      subjects
        .filter(([name]) => OURS.test(name) === mine)
        .map(([name, usage]) => `${name}: ${usageText(usage)}`)
        .join('<br>');
    const column = (text: (ratio: Ratio) => string) => ratios.map(text).join('<br>');
    lines.push(
      `| ${work} | \`npm run bench -- ${id}\` | ${cell(true)} | ${cell(false)} | ${column(({ what, value }) => `${what} **${value.toFixed(2)}**`)} | ${column(({ atMost }) => (atMost === undefined ? '–' : `≤ ${atMost}`))} | ${column(verdict)} |`,
    );
  }
  const peaks = results.flatMap(({ id, medians }) =>
    Object.entries(medians).flatMap(([name, { peak }]) => (OURS.test(name) ? [{ id, peak }] : [])),
  );
  const highest = peaks.toSorted((a, b) => b.peak - a.peak)[0];
  if (highest !== undefined) {
    const ratio: Ratio = { what: '', value: highest.peak, atMost: PEAK_LIMIT_BYTES };
    lines.push(
      `| peak memory of any of these | all of them | ${megabytes(highest.peak)} (${highest.id}) | | | ≤ ${megabytes(PEAK_LIMIT_BYTES)} | ${verdict(ratio)} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function verdict({ value, atMost }: Ratio): string {
  if (atMost === undefined) return '';
  return value <= atMost ? 'reached' : 'missed';
}

function usageText({ cpu, wall, peak }: RowResult['medians'][string]): string {
  return `${seconds(wall)}, CPU ${seconds(cpu)}, ${megabytes(peak)}`;
}

function seconds(value: number): string {
  return value < 1 ? `${(value * 1000).toFixed(value < 0.1 ? 1 : 0)} ms` : `${value.toFixed(2)} s`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** Puts the table of a full run into docs/performance.md, with what it was measured on. */
export function rewritePage(results: readonly RowResult[]): void {
  const page = readFileSync(PAGE, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no ${BEGIN} before ${END}`);
  const shared = results.filter(({ samples, undisturbed }) => undisturbed !== undefined && undisturbed < samples).map(({ id }) => id);
  const machine = `Measured with Node ${process.versions.node} on ${cpus().length} × ${cpus()[0]?.model ?? arch()}, Linux ${release()}.`;
  const note = shared.length === 0 ? '' : ` The machine was busy during: ${shared.join(', ')}.`;
  writeFileSync(PAGE, `${page.slice(0, begin)}${BEGIN}\n\n${machine}${note}\n\n${markdownTable(results)}\n${page.slice(end)}`);
}
