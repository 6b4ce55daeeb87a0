// Tells whether two processors are free right now. Virtual machines have phases in which two threads share one; what runs
// in parallel cannot be compared across them.
import { Worker } from 'node:worker_threads';

// The thread spins through the same work as this one whenever it is woken up, and says how long that took.
const THREAD = `
const { workerData: { signal, took, rounds } } = require('node:worker_threads');
for (let turn = 1; ; turn++) {
  Atomics.wait(signal, 0, turn - 1);
  if (Atomics.load(signal, 0) < 0) break;
  const started = performance.now();
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (x * 1103515245 + 12345) & 0x7fffffff;
  took[0] = performance.now() - started + (x === 0 ? 1 : 0);
  Atomics.store(signal, 1, turn);
  Atomics.notify(signal, 1);
}`;

/** About 30 ms of work. */
const ROUNDS = 20_000_000;
/** Two threads at a time may take this much longer than one alone. */
const TOLERANCE = 1.25;
const PATIENCE_MS = 10_000;
const PAUSE_MS = 100;

/** A thread that is kept for looking. */
export class TwoCoreProbe {
  readonly #signal = new Int32Array(new SharedArrayBuffer(8));
  readonly #took = new Float64Array(new SharedArrayBuffer(8));
  readonly #worker: Worker;
  #turn = 0;

  constructor() {
    this.#worker = new Worker(THREAD, { eval: true, workerData: { signal: this.#signal, took: this.#took, rounds: ROUNDS } });
    this.#together();
  }

  /** Waits a while for two free processors. Returns whether there are. */
  wait(): boolean {
    const deadline = performance.now() + PATIENCE_MS;
    while (!this.#areFree()) {
      if (performance.now() > deadline) return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
    return true;
  }

  close(): void {
    Atomics.store(this.#signal, 0, -1);
    Atomics.notify(this.#signal, 0);
    void this.#worker.terminate();
  }

  #areFree(): boolean {
    const alone = spin();
    return this.#together() <= alone * TOLERANCE;
  }

  #together(): number {
    this.#turn++;
    Atomics.store(this.#signal, 0, this.#turn);
    Atomics.notify(this.#signal, 0);
    const own = spin();
    while (Atomics.load(this.#signal, 1) < this.#turn) Atomics.wait(this.#signal, 1, this.#turn - 1);
    return Math.max(own, this.#took[0]!);
  }
}

function spin(): number {
  const started = performance.now();
  let x = 1;
  for (let i = 0; i < ROUNDS; i++) x = (x * 1103515245 + 12345) & 0x7fffffff;
  return performance.now() - started + (x === 0 ? 1 : 0);
}
