// Brings a declared Go to this machine: one process at a time, so that it is downloaded once however many builds start together.
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
  const release = await lockFolder({ path: lockFile, waitMs: WAIT_MS, signal });
  try {
    return await task();
  } finally {
    await release();
  }
};
