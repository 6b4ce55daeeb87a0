// A registry of the benchmark's own: distribution, on a free port of this machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { installPeers } from './peers.ts';
import type { Workbench } from './workbench.ts';

/** A registry that runs. */
export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Forgets everything that was pushed. */
  clear(): void;
  stop(): void;
}

const START_MS = 10_000;

/** Starts a registry with its data below the workbench's folder. */
export async function startRegistry(bench: Workbench, name: string): Promise<Registry> {
  installPeers(['registry']);
  const folder = bench.newFolder(name);
  const data = join(folder, 'data');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  writeFileSync(
    join(folder, 'config.yml'),
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: data }, delete: { enabled: true } },
      http: { addr: address },
    }),
  );
  const log = openSync(join(folder, 'registry.log'), 'a');
  const child = spawn('registry', ['serve', join(folder, 'config.yml')], {
    env: { ...bench.environment, OTEL_TRACES_EXPORTER: 'none' },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const stop = () => void child.kill('SIGKILL');
  process.once('exit', stop);
  try {
    await untilListening(port);
  } catch (error) {
    stop();
    throw error;
  }
  return { address, stop, clear: () => rmSync(data, { recursive: true, force: true }) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilListening(port: number): Promise<void> {
  for (const deadline = Date.now() + START_MS; ;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await setTimeout(50);
    } finally {
      socket.destroy();
    }
  }
}
