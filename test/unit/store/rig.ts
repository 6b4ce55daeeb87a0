// Temporary cache directories, ways to damage them, and processes that use them.
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { onTestFinished } from 'vitest';

/** A new folder that is removed after the running test. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ocidsl-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** All files below a folder, as paths. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [] : [join(entry.parentPath, entry.name)],
  );
}

/** Overwrites a read-only file in place. */
export function damage(path: string, change: (bytes: Buffer) => Uint8Array): void {
  const bytes = change(readFileSync(path));
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
  chmodSync(path, 0o444);
}

/** A copy with one bit changed. */
export function flipBit(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(bit / 8) % copy.length;
  copy[at] = (copy[at] as number) ^ (1 << (bit % 8));
  return copy;
}

/** Files in the blob folder whose bytes are not what their name says. */
export function brokenBlobs(directory: string): string[] {
  const folder = join(directory, 'v1', 'cas');
  let files: string[];
  try {
    files = filesBelow(folder);
  } catch {
    return []; // Killed before the first blob.
  }
  return files.filter((path) => createHash('sha256').update(readFileSync(path)).digest('hex') !== path.slice(-64));
}

/** store-process.ts as one JavaScript file in a temporary folder: it starts in a fifth of the time of tsx. */
export function storeProcess(): string {
  const outfile = join(temporaryFolder(), 'store-process.mjs');
  const entryPoints = [fileURLToPath(new URL('store-process.ts', import.meta.url))];
  buildSync({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  return outfile;
}

/** What a process printed and how it ended. */
export interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly report: {
    readonly ok?: boolean;
    readonly code?: string;
    readonly message?: string;
    readonly hint?: string;
    readonly temporary?: string[];
    readonly readOnly?: boolean;
    readonly shape?: boolean;
    readonly modes?: Record<string, string>;
    readonly warnings?: string[];
  };
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[]): Promise<Ended> {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(program, args, { env }, (error, stdout, stderr) => {
      const [line = ''] = stdout.split('\n');
      resolve({ signal: error?.signal ?? null, stderr, report: line === '' ? {} : (JSON.parse(line) as Ended['report']) });
    });
  });
}

/** Whether a program is here and does what it must for a test. */
export function works(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
