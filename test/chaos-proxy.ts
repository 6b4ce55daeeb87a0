// A TCP proxy that does to connections what networks do: cuts, truncation, silence and slowness, after an exact number of bytes and by
// a plan, so that a test that fails can be run again. Its faults are named after toxiproxy's toxics.
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** What happens to one connection. */
export interface ChaosFault {
  /** `up`: what the client sends; `down`: what the server sends. */
  readonly direction: 'up' | 'down';
  /** Bytes of that direction that are passed on untouched. */
  readonly afterBytes: number;
  /**
   * `reset_peer`: both sides get a RST. `limit_data`: the receiver gets the regular end of the connection. `timeout`: nothing is passed
   * on any more, in either direction, and the connection stays open.
   */
  readonly toxic: 'reset_peer' | 'limit_data' | 'timeout' | Slicer;
}

/** Passes the rest on in slices of `bytes`, one every `everyMs`. */
export interface Slicer {
  readonly bytes: number;
  readonly everyMs: number;
}

/** What happens to the connection with this number, counted from 0; undefined: nothing. */
export type ChaosPlan = (connection: number) => ChaosFault | undefined;

/** A running proxy. `await using` ends it. */
export interface ChaosProxy extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Connections so far. */
  readonly connections: number;
  /** Faults that have happened so far. */
  readonly faults: number;
  /** Bytes that were passed on to servers and to clients. */
  readonly passed: { readonly up: number; readonly down: number };
}

/** Starts a proxy in front of `target` (`host:port`) on a free port of 127.0.0.1. */
export async function startChaosProxy(target: string, plan: ChaosPlan): Promise<ChaosProxy> {
  const upstream = new URL(`tcp://${target}`);
  const open = new Set<Socket>();
  const passed = { up: 0, down: 0 };
  let connections = 0;
  let faults = 0;

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const fault = plan(connections++);
    const remote = connect({ host: upstream.hostname, port: Number(upstream.port), allowHalfOpen: true });
    const pair: Pair = { client, remote, isSilent: false };
    for (const socket of [client, remote]) {
      open.add(socket);
      socket.setNoDelay(true).setMaxListeners(0);
      socket
        .on('error', () => undefined)
        .once('close', () => {
          open.delete(socket);
          client.destroy();
          remote.destroy();
        });
    }
    const struck = () => void faults++;
    void pass(pair, 'up', passed, fault, struck);
    void pass(pair, 'down', passed, fault, struck);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    get faults() {
      return faults;
    },
    passed,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

interface Pair {
  readonly client: Socket;
  readonly remote: Socket;
  isSilent: boolean;
}

async function pass(
  pair: Pair,
  direction: 'up' | 'down',
  passed: { up: number; down: number },
  planned: ChaosFault | undefined,
  struck: () => void,
) {
  const [from, to] = direction === 'up' ? [pair.client, pair.remote] : [pair.remote, pair.client];
  const fault = planned?.direction === direction ? planned : undefined;
  let left = fault?.afterBytes ?? Number.POSITIVE_INFINITY;
  const write = async (bytes: Buffer) => {
    if (pair.isSilent || bytes.byteLength === 0) return;
    passed[direction] += bytes.byteLength;
    await new Promise<void>((resolve) => {
      to.once('close', resolve);
      to.write(bytes, () => {
        to.off('close', resolve);
        resolve();
      });
    });
  };
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (pair.isSilent) return;
      await write(chunk.subarray(0, Math.min(left, chunk.byteLength)));
      const rest = chunk.subarray(Math.min(left, chunk.byteLength));
      const isStruck = left > 0 && left <= chunk.byteLength;
      left = Math.max(0, left - chunk.byteLength);
      if (fault === undefined || left > 0) continue;
      if (isStruck || fault.afterBytes === 0) struck();
      if (typeof fault.toxic === 'string') return end(fault.toxic, pair, to);
      for (let at = 0; at < rest.byteLength; at += fault.toxic.bytes) {
        await setTimeout(fault.toxic.everyMs);
        await write(rest.subarray(at, at + fault.toxic.bytes));
      }
    }
    if (!pair.isSilent) to.end();
  } catch {
    // The connection broke: both ends are destroyed by their listeners.
  }
}

function end(toxic: 'reset_peer' | 'limit_data' | 'timeout', pair: Pair, to: Socket): void {
  const { client, remote } = pair;
  if (toxic === 'timeout') {
    pair.isSilent = true;
  } else if (toxic === 'reset_peer') {
    client.resetAndDestroy();
    remote.resetAndDestroy();
  } else {
    to.end(() => {
      client.destroy();
      remote.destroy();
    });
  }
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A plan by chance: of a share of `rate` of the connections, one direction is hit at some place before `withinBytes`, early places being
 * as likely as late ones (10 to 100 bytes as 1,000 to 10,000).
 */
export function randomPlan(
  seed: number,
  options: { readonly rate: number; readonly withinBytes: number; readonly kinds?: readonly ChaosFault['toxic'][] },
): ChaosPlan {
  const random = seededRandom(seed);
  const { rate, withinBytes, kinds = ['reset_peer', 'limit_data'] } = options;
  const made: (ChaosFault | undefined)[] = [];
  return (connection) => {
    // In the order of connections, however they are asked for.
    while (made.length <= connection) {
      const [hit, up, at, kind] = [random(), random(), random(), random()] as const;
      const toxic = kinds[Math.floor(kind * kinds.length)]!;
      made.push(hit < rate ? { direction: up < 0.5 ? 'up' : 'down', afterBytes: Math.floor(withinBytes ** at), toxic } : undefined);
    }
    return made[connection];
  };
}
