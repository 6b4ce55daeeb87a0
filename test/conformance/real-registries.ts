// Real registries for the conformance suite, where they are installed: Debian's docker-registry (distribution 2.8),
// distribution 3's `registry`, and `crane registry serve`.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { RegistryGaps, RunningRegistry } from './registry.ts';

/** A registry program. */
export interface RealRegistry {
  readonly name: string;
  /** The program that has to be on PATH. */
  readonly program: string;
  readonly gaps: RegistryGaps;
  start(options?: DistributionOptions): Promise<RegistryProcess>;
}

/** What a distribution registry is started with; crane has no such choices. */
export interface DistributionOptions {
  /** The `auth` section of its configuration, in YAML. */
  readonly auth?: string;
  /** Paths of a certificate and its key: it serves TLS then. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Default: a free port of 127.0.0.1. */
  readonly address?: string;
  /** Where it keeps its data; who gives it removes it. Default: a folder that is removed at its end. */
  readonly folder?: string;
}

/** A registry that is a process of its own. */
export interface RegistryProcess extends RunningRegistry {
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

/** The environment of programs that tests start: debian keeps servers in /usr/sbin, `go install` puts its programs into ~/go/bin. */
export const environment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: [process.env['PATH'], '/usr/sbin', join(homedir(), 'go/bin')].join(delimiter),
};

/** Whether a program can be started. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { env: environment }).status === 0;
}

/** The registries that the suite knows. */
export const REAL_REGISTRIES: readonly RealRegistry[] = [
  {
    name: 'docker-registry (distribution 2)',
    program: 'docker-registry',
    gaps: { ignoresContentRange: true, noReferrers: true, noTagPages: true },
    start: (options) => startDistribution('docker-registry', options),
  },
  {
    name: 'registry (distribution 3)',
    program: 'registry',
    gaps: { noReferrers: true },
    start: (options) => startDistribution('registry', options),
  },
  {
    name: 'crane registry serve',
    program: 'crane',
    gaps: {
      acceptsIncompleteManifests: true,
      noUploadStatus: true,
      noReferrers: true,
      sharesBlobs: true,
      ignoresContentRange: true,
      noTagPages: true,
    },
    start: () => serve('crane', (host) => ['registry', 'serve', '--address', host]),
  },
];

async function startDistribution(program: string, options: DistributionOptions = {}): Promise<RegistryProcess> {
  const { auth, tls, address } = options;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'ocidsl-registry-')));
  const remove = async () => {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  const configure = async (host: string) => {
    const config = `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${folder}/data }, delete: { enabled: true } }
validation: { manifests: { urls: { allow: ['^https://store[.]example[.]com/'] } } }
http:
  addr: ${host}
  secret: test
${tls === undefined ? '' : `  tls: { certificate: ${tls.cert}, key: ${tls.key} }`}
${auth === undefined ? '' : `auth:\n${auth.replace(/^/gm, '  ')}`}
`;
    await writeFile(join(folder, 'config.yml'), config);
    return ['serve', join(folder, 'config.yml')];
  };
  try {
    const running = await serve(program, configure, address);
    return {
      ...running,
      close: async () => {
        await running.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * Starts a server on `address` (default: a free port of 127.0.0.1) and waits until it listens.
 * @throws what it printed, where it ends before that
 */
export async function serve(
  program: string,
  argsFor: (host: string) => string[] | Promise<string[]>,
  address?: string,
): Promise<RegistryProcess> {
  const host = address ?? `127.0.0.1:${await freePort()}`;
  const env = { ...environment, OTEL_TRACES_EXPORTER: 'none' };
  const child = spawn(program, await argsFor(host), { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  let hasEnded = false;
  const ended = new Promise<void>((resolve) =>
    child
      .once('error', (error) => (said += error.message))
      .once('close', () => {
        hasEnded = true;
        resolve();
      }),
  );
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  const close = () => end('SIGTERM');
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    if (hasEnded) throw new Error(`${program} ended: ${said}`);
    if (await listens(host)) return { host, close, kill: () => end('SIGKILL') };
    await setTimeout(20);
  }
  await close();
  throw new Error(`${program} does not listen: ${said}`);
}

function listens(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A port that nothing listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
