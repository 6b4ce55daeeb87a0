// What the end-to-end tests ask of the machine: its programs, processes and folders.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that is removed when the test has ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ocidsl-e2e-'));
  onTestFinished(() => removeFolder(folder));
  return folder;
}

/** Removes a folder, also where it has folders that nobody may write to. */
export function removeFolder(folder: string): void {
  for (const path of foldersBelow(folder)) chmodSync(path, 0o700);
  rmSync(folder, { recursive: true, force: true });
}

/** Every file, link and empty folder below a folder, as absolute paths. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    return filesBelow(path);
  });
}

function foldersBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...foldersBelow(path)] : [];
  });
}

/** Whether a program is on PATH. */
export function has(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}

/** Whether tests may mount file systems here; tried, because containers differ. */
export function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'ocidsl-e2e-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The programs of the machine's processes whose command line has `text`. */
export function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return line.includes(text) ? [`${pid} ${line}`] : [];
      } catch {
        return []; // It ended while we looked.
      }
    });
}

/** Waits until `condition` holds, looking every few milliseconds; fails with `what` where it does not. */
export async function until(what: string, condition: () => boolean, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`It never happened: ${what}`);
    await new Promise((next) => setTimeout(next, 5));
  }
}

/** Whether a program is here and does this: tried, because containers differ. */
export function works(program: string, ...args: readonly string[]): boolean {
  if (!has(program)) return false;
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether strace works here. */
export const stracesWell = (): boolean => works('strace', '-f', '-qqq', '-o', '/dev/null', 'true');
