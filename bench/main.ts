// `npm run bench [-- ROW…] [--quick] [--samples N] [--write]`: measures ours against its peers, interleaved, and prints medians and ratios. A
// run of all rows, or one with --write, puts the table into docs/performance.md too. How to read it: docs/performance.md
import { parseArgs } from 'node:util';
import { buildPackage } from '../scripts/build-package.ts';
import { measure, type Usage } from './measure.ts';
import { installPeers } from './peers.ts';
import { readResults, summarize, writeResults, type RowResult } from './results.ts';
import type { Row, Subject } from './row.ts';
import { ROWS } from './rows/all.ts';
import { markdownTable, rewritePage } from './table.ts';
import { TwoCoreProbe } from './two-cores.ts';
import { useMemory } from './used-memory.ts';
import { Workbench } from './workbench.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    samples: { type: 'string' },
    write: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const GIB = 1024 ** 3;
const samples = options.samples === undefined ? (options.quick ? 2 : 5) : Number(options.samples);
const unknown = positionals.filter((id) => !ROWS.some((row) => row.id === id));
const rows = positionals.length === 0 ? ROWS : ROWS.filter((row) => positionals.includes(row.id));

if (options.list) {
  process.stdout.write(ROWS.map(({ id, work }) => `${id}\t${work}\n`).join(''));
} else if (unknown.length > 0 || !Number.isInteger(samples) || samples < 1) {
  process.stderr.write(`bench: expected rows of ${ROWS.map(({ id }) => id).join(' ')}, and a number of samples\n`);
  process.exitCode = 2;
} else {
  installPeers(['python3']);
  await buildPackage();
  await runRows();
}

async function runRows(): Promise<void> {
  const bench = new Workbench();
  const probe = new TwoCoreProbe();
  process.once('SIGINT', () => {
    bench.close();
    process.exit(130);
  });
  try {
    const results = readResults();
    for (const row of rows) {
      process.stderr.write(`bench: ${row.id}\n`);
      try {
        results.set(row.id, await runRow(row, bench, probe));
        writeResults(results);
      } catch (error) {
        // The other rows took minutes and are still worth having.
        process.stderr.write(`bench: ${row.id} failed: ${(error as Error).stack}\n`);
        process.exitCode = 1;
      }
    }
    const measured = ROWS.flatMap((row) => results.get(row.id) ?? []);
    process.stdout.write(markdownTable(measured.filter(({ id }) => rows.some((row) => row.id === id))));
    if (options.write || (positionals.length === 0 && !options.quick)) rewritePage(measured);
  } finally {
    probe.close();
    bench.close();
  }
}

async function runRow(row: Row, bench: Workbench, probe: TwoCoreProbe): Promise<RowResult> {
  const prepared = await row.prepare(bench);
  try {
    // What takes seconds warms itself up, so a quick run takes one sample of it and no more.
    const isLong = row.maxSamples !== undefined;
    const count = isLong && options.quick ? 1 : Math.min(samples, row.maxSamples ?? samples);
    const taken = new Map<string, Usage[]>(prepared.subjects.map(({ name }) => [name, []]));
    let undisturbed = 0;
    const memory = isLong ? 1.5 * GIB : 0.25 * GIB;
    const makeReady = (subject: Subject) => {
      subject.prepare?.();
      useMemory(bench, memory);
    };
    if (count > 1) {
      for (const subject of prepared.subjects) {
        makeReady(subject);
        measure(subject, bench);
      }
    }
    for (let i = 0; i < count; i++) {
      let free = true;
      for (const subject of prepared.subjects) {
        makeReady(subject);
        if (row.parallel) free = probe.wait() && free;
        taken.get(subject.name)!.push(measure(subject, bench));
      }
      if (free) undisturbed++;
    }
    return summarize(row, prepared, taken, row.parallel ? undisturbed : undefined, prepared.facts?.() ?? []);
  } finally {
    prepared.dispose?.();
  }
}
