// A virtual machine gets memory from its host when it first uses it, which takes 4 µs a page: a program that keeps what it wrote would pay
// 3 s for a gigabyte that the next one, whose predecessor's files were removed, gets for nothing.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Workbench } from './workbench.ts';

/** Makes `sizeBytes` of free memory used before, as it is on a machine that has been up for a while. Never written to the disk. */
export function useMemory(bench: Workbench, sizeBytes: number): void {
  const file = join(bench.scratch, 'used-memory');
  const piece = Buffer.alloc(8 * 1024 * 1024);
  const target = openSync(file, 'w');
  try {
    for (let written = 0; written < sizeBytes; written += piece.length) writeSync(target, piece);
  } finally {
    closeSync(target);
    rmSync(file);
  }
}
