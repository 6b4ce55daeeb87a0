// Whether the module proxy of this machine has Go's distributions.
import { execFileSync } from 'node:child_process';
import { has } from './machine.ts';

/** Asks the first proxy of GOPROXY for a version. */
export async function reachesModuleProxy(version: string): Promise<boolean> {
  const value = has('go') ? execFileSync('go', ['env', 'GOPROXY'], { cwd: '/', encoding: 'utf8' }) : (process.env['GOPROXY'] ?? '');
  const [first = ''] = (value.trim() || 'https://proxy.golang.org').split(/[,|]/);
  if (!/^https?:/.test(first)) return false;
  try {
    const url = `${first.replace(/\/$/, '')}/golang.org/toolchain/@v/v0.0.1-go${version}.linux-amd64.mod`;
    return (await fetch(url, { signal: AbortSignal.timeout(10_000) })).ok;
  } catch {
    return false;
  }
}
