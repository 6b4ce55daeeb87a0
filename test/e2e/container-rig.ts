// podman with storage of its own, so that tests see neither the images nor the settings of the machine's user.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf } from './run-program.ts';

/** Podman below one folder. */
export interface Podman {
  /** The environment that makes any `podman`, also one that ocidsl starts, work there. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs podman in the folder and returns its stdout. */
  readonly command: (...args: string[]) => Promise<string>;
}

/** Sets podman up in a folder. Containers share the network and have limits that small machines can give. */
export function podmanIn(folder: string): Podman {
  mkdirSync(folder, { recursive: true });
  const storage = join(folder, 'storage.conf');
  const containers = join(folder, 'containers.conf');
  writeFileSync(storage, `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/root"\nrunroot = "${folder}/run"\n`);
  const limits = '["nofile=1024:1024", "nproc=1024:1024"]';
  writeFileSync(containers, `[containers]\nnetns = "host"\ndefault_ulimits = ${limits}\n[engine]\nruntime = "runc"\n`);
  const environment = { CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: containers };
  const options = { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, ...environment } };
  return { environment, command: (...args) => outputOf('podman', args, options) };
}

/** Whether programs of another architecture run in containers here: the kernel knows an emulator, and opened it beforehand. */
export function canEmulate(architecture: 'arm64' | 'amd64'): boolean {
  if (architecture === (process.arch === 'x64' ? 'amd64' : process.arch)) return true;
  const entry = `/proc/sys/fs/binfmt_misc/qemu-${architecture === 'arm64' ? 'aarch64' : 'x86_64'}`;
  if (!existsSync(entry)) return false;
  const text = readFileSync(entry, 'utf8');
  return text.startsWith('enabled') && /^flags: .*F/m.test(text);
}

/** Whether podman can start containers here at all. */
export function hasPodman(): boolean {
  return process.getuid?.() === 0 && spawnSync('podman', ['--version']).status === 0 && spawnSync('runc', ['--version']).status === 0;
}
