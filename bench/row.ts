// What a row of the benchmark is: programs that do the same work, and what the numbers of one may be for each of another.
import type { Workbench } from './workbench.ts';

/** What is measured of a run. `peak` is the largest resident set of one process. */
export type Quantity = 'cpu' | 'wall' | 'peak';

/** One program of a row, ours or a peer. */
export interface Subject {
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Added to the workbench's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Runs in one sample: several for what takes milliseconds. Default 1. */
  readonly runs?: number;
  /** Whether `peak` leaves out what the program starts, such as a compiler. Costs a look into /proc every 20 ms. */
  readonly ownPeak?: boolean;
  /** Puts everything back for a sample; not measured. */
  readonly prepare?: () => void;
}

/** One number that the issue or docs/performance.md sets a limit for. */
export interface Limit {
  readonly quantity: Quantity;
  readonly of: string;
  /** The subject to divide by. */
  readonly per: string;
  /** Absent where the number is for information. */
  readonly atMost?: number;
}

/** A number that is not a measurement of time, such as a ratio of sizes. */
export interface Fact {
  readonly what: string;
  readonly value: number;
  readonly atMost?: number;
}

/** A row that is ready to be measured. The first subject is ours. */
export interface PreparedRow {
  readonly subjects: readonly Subject[];
  readonly limits: readonly Limit[];
  /** Looked at after the last sample. */
  readonly facts?: () => readonly Fact[];
  /** Ends what the row started. */
  readonly dispose?: () => void;
}

/** A row of the benchmark. */
export interface Row {
  readonly id: string;
  /** What is done, as the table says it. */
  readonly work: string;
  /** Samples at most, for work that takes seconds. */
  readonly maxSamples?: number;
  /** Whether the work is spread over processors, so that a sample counts only while two are free. */
  readonly parallel: boolean;
  prepare(bench: Workbench): Promise<PreparedRow>;
}
