// What a row's measurements come to, and the file that keeps them: a run of some rows leaves the others as they were.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Usage } from './measure.ts';
import type { Fact, PreparedRow, Quantity, Row } from './row.ts';
import { median, pairedRatio } from './statistics.ts';

/** Peak memory that no row of ours may exceed. */
export const PEAK_LIMIT_BYTES: number = 200 * 1024 * 1024;

const FILE = join(import.meta.dirname, 'results.json');

/** A ratio with its limit. */
export interface Ratio {
  /** `wall ÷ umoci` */
  readonly what: string;
  readonly value: number;
  readonly atMost?: number | undefined;
}

/** The result of a row, as it is kept. */
export interface RowResult {
  readonly id: string;
  readonly work: string;
  readonly samples: number;
  /** Samples for which two processors were free; absent where that does not matter. */
  readonly undisturbed?: number | undefined;
  /** Medians by subject: seconds, and the largest peak in bytes. */
  readonly medians: Readonly<Record<string, Usage>>;
  readonly ratios: readonly Ratio[];
}

/** Samples of a row by subject; the i-th of all subjects were taken next to each other. */
export type Samples = ReadonlyMap<string, readonly Usage[]>;

/** Condenses the samples of a row. */
export function summarize(
  row: Row,
  prepared: PreparedRow,
  samples: Samples,
  undisturbed: number | undefined,
  facts: readonly Fact[],
): RowResult {
  const of = (subject: string, quantity: Quantity): number[] => {
    const taken = samples.get(subject);
    if (taken === undefined) throw new Error(`Row ${row.id} has no subject ${subject}`);
    return taken.map((usage) => usage[quantity]);
  };
  const [ours] = prepared.subjects;
  const ratios = prepared.limits.map(({ quantity, of: subject, per, atMost }): Ratio => {
    const what = `${quantity === 'cpu' ? 'CPU' : quantity} ÷ ${per}`;
    return {
      what: subject === ours!.name ? what : `${subject}: ${what}`,
      value: pairedRatio(of(subject, quantity), of(per, quantity)),
      atMost,
    };
  });
  const medians = Object.fromEntries(
    prepared.subjects.map(({ name }) => [
      name,
      { cpu: median(of(name, 'cpu')), wall: median(of(name, 'wall')), peak: Math.max(...of(name, 'peak')) },
    ]),
  );
  return { id: row.id, work: row.work, samples: of(ours!.name, 'wall').length, undisturbed, medians, ratios: [...ratios, ...facts] };
}

/** Results of former runs, by row. */
export function readResults(): Map<string, RowResult> {
  if (!existsSync(FILE)) return new Map();
  const kept = JSON.parse(readFileSync(FILE, 'utf8')) as readonly RowResult[];
  return new Map(kept.map((result) => [result.id, result]));
}

/** Keeps results for the next run and for whoever looks. */
export function writeResults(results: ReadonlyMap<string, RowResult>): void {
  writeFileSync(FILE, `${JSON.stringify([...results.values()], undefined, 2)}\n`);
}
