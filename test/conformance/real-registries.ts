// Real registries for the conformance suite, where they are installed: Debian's docker-registry (distribution 2.8),
// distribution 3's `registry`, and `crane registry serve`.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { RegistryGaps, RunningRegistry } from './registry.ts';

/** A registry program. */
export interface RealRegistry {
  readonly name: string;
  /** The program that has to be on PATH. */
  readonly program: string;
  readonly gaps: RegistryGaps;
  start(extraConfig?: string): Promise<RunningRegistry>;
}

const environment = { ...process.env, PATH: `${process.env['PATH']}${delimiter}${join(homedir(), 'go/bin')}` };

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
    start: (extra) => startDistribution('docker-registry', extra),
  },
  {
    name: 'registry (distribution 3)',
    program: 'registry',
    gaps: { noReferrers: true },
    start: (extra) => startDistribution('registry', extra),
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
    start: () => serve('crane', (port) => ['registry', 'serve', '--address', `127.0.0.1:${port}`]),
  },
];

async function startDistribution(program: string, extra = ''): Promise<RunningRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'ocidsl-registry-'));
  const running = await serve(program, async (port) => {
    const config = `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${folder}/data }, delete: { enabled: true } }
http: { addr: 127.0.0.1:${port}, secret: test }
${extra}`;
    await writeFile(join(folder, 'config.yml'), config);
    return ['serve', join(folder, 'config.yml')];
  });
  return {
    host: running.host,
    close: async () => {
      await running.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function serve(program: string, argsFor: (port: number) => string[] | Promise<string[]>): Promise<RunningRegistry> {
  const port = await freePort();
  const child = spawn(program, await argsFor(port), { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  let hasEnded = false;
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      hasEnded = true;
      resolve();
    }),
  );
  for (let i = 0; i < 200; i++) {
    if (hasEnded) throw new Error(`${program} ended: ${said}`);
    const ok = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      (response) => response.status < 500,
      () => false,
    );
    if (ok) {
      return {
        host: `127.0.0.1:${port}`,
        close: async () => {
          child.kill();
          await ended;
        },
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill();
  throw new Error(`${program} does not answer: ${said}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
