// The sandbox of command actions: only declared inputs and the system's programs, no network, a clean /tmp. What the
// machine offers is found out once, by really running it.
import { runProcess } from '../base/run-process.ts';
import { OcidslError } from '../base/errors.ts';

/** How strictly commands are kept apart. */
export type SandboxPolicy = 'prefer' | 'require' | 'off';

/** A way to keep a command apart. */
export interface Sandbox {
  readonly kind: 'bwrap' | 'unshare' | 'none';
  /** What it does not do, for the note that is shown once; undefined where nothing is missing. */
  readonly gap?: string;
  /** The argv that runs `argv` in `directory`. */
  wrap(argv: readonly string[], directory: string): readonly string[];
}

/** Where commands see their input root, the same on every machine. */
const INSIDE = '/ocidsl';
const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc/alternatives', '/etc/ld.so.cache', '/nix'];

const BWRAP: Sandbox = {
  kind: 'bwrap',
  wrap: (argv, directory) => [
    'bwrap',
    '--unshare-all',
    '--die-with-parent',
    '--new-session',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--tmpfs',
    '/tmp',
    ...SYSTEM_FOLDERS.flatMap((folder) => ['--ro-bind-try', folder, folder]),
    '--bind',
    directory,
    INSIDE,
    '--chdir',
    INSIDE,
    '--',
    ...argv,
  ],
};

const UNSHARE: Sandbox = {
  kind: 'unshare',
  gap: 'bubblewrap (bwrap) does not work here, so commands have no network but see the files of this machine',
  wrap: (argv) => ['unshare', '--map-root-user', '--net', '--', ...argv],
};

const NONE: Sandbox = {
  kind: 'none',
  gap: 'neither bubblewrap (bwrap) nor unshare works here, so commands see the files and the network of this machine',
  wrap: (argv) => argv,
};

/**
 * The best sandbox of this machine under a policy.
 * @throws OCIDSL_SANDBOX_MISSING where the policy requires a complete one and there is none
 */
export async function findSandbox(policy: SandboxPolicy, path: string | undefined): Promise<Sandbox> {
  if (policy === 'off') return { ...NONE, gap: 'the sandbox is switched off, so commands see the files and the network of this machine' };
  for (const sandbox of [BWRAP, UNSHARE]) {
    if (policy === 'require' && sandbox.gap !== undefined) continue;
    if (await works(sandbox, path)) return sandbox;
  }
  if (policy === 'prefer') return NONE;
  throw new OcidslError({
    code: 'OCIDSL_SANDBOX_MISSING',
    kind: 'environment',
    message:
      'Cannot run commands in a sandbox: bubblewrap (bwrap) is not installed or may not make namespaces, and --sandbox=require is set',
    hint: 'Install bubblewrap, or allow --sandbox=prefer',
  });
}

async function works(sandbox: Sandbox, path: string | undefined): Promise<boolean> {
  try {
    const { exitCode } = await runProcess({ argv: sandbox.wrap(['true'], '/tmp'), environment: { PATH: path }, timeoutMs: 10_000 });
    return exitCode === 0;
  } catch {
    return false;
  }
}
