// Brings a declared Go to this machine: one process at a time, so that it is downloaded once however many builds start together.
import { dirname } from 'node:path';
import type { FetchContext } from '../fetch/fetch-context.ts';
import type { Exclusively } from '../fetch/go-toolchain.ts';
import { goHostPlatform } from '../go/go-toolchain.ts';
import type { InstallGo } from '../tools/discover-go-packages.ts';

// Whoever waits gets it as soon as it is there, and takes over where its owner dies: the time is for a very slow line.
const WAIT_MS = 60 * 60 * 1000;

/** What the discoverer of Go packages asks for a declared Go. Nothing is loaded before it asks. */
export function goInstaller(context: FetchContext): InstallGo {
  return async (request, signal) => {
    const { installGoToolchain } = await import('../fetch/go-toolchain.ts');
    return await installGoToolchain({ request, host: goHostPlatform(process.platform, process.arch), context, exclusively, signal });
  };
}

const exclusively: Exclusively = async (lockFile, signal, task) => {
  const { lockFolder } = await import('../sinks/folder-lock.ts');
  const { sweepFolder } = await import('../sinks/replace-file.ts');
  const release = await lockFolder({ path: lockFile, waitMs: WAIT_MS, signal });
  try {
    // What was killed while it took a lock; who takes another one now tries again.
    await sweepFolder(dirname(lockFile), 0);
    return await task();
  } finally {
    await release();
  }
};
