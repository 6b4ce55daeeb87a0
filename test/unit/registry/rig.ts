// What the tests of the registry client share: a clock that does not wait, blobs, and raw servers.
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import type { BuildEvent } from '../../../lib/base/events.ts';
import { createRegistryClient } from '../../../lib/registry/client.ts';
import type { RegistryClientOptions } from '../../../lib/registry/client.ts';
import type { Clock } from '../../../lib/registry/http.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import type { FakeRegistry, FakeRegistryOptions } from '../../../lib/testing/fake-registry.ts';

/** A clock on which every sleep is over at once, and noted. */
export function testClock(random = 0.5): Clock & { readonly sleeps: number[] } {
  const sleeps: number[] = [];
  let now = Date.parse('2026-01-01T00:00:00Z');
  return {
    sleeps,
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleeps.push(ms);
      now += ms;
    },
    random: () => random,
  };
}

/** A client for a test: no environment of the machine, no waiting. `await using` closes it. */
export function testClient(options: Partial<RegistryClientOptions> = {}) {
  const clock = testClock();
  const events: BuildEvent[] = [];
  const client = createRegistryClient({ environment: {}, clock, events: (event) => void events.push(event), ...options });
  return { ...client, clock, events, [Symbol.asyncDispose]: () => client.close() };
}

/** Bytes as a blob to upload, in chunks of `chunkBytes`. */
export function blobOf(bytes: Buffer, chunkBytes = 65_536) {
  const opened: number[] = [];
  return {
    digest: `sha256:${sha256Hex(bytes)}`,
    size: bytes.byteLength,
    opened,
    async *open(offset: number) {
      opened.push(offset);
      for (let at = offset; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
    },
  };
}

/** All bytes of a stream. */
export async function collect(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** An HTTP server with a handler of the test's, and the headers of what it was asked. */
export async function rawServer(handler: RequestListener) {
  const requests: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method, url: request.url, headers: request.headers });
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    origin: `http://${host}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A TCP server that plays back a script. */
export async function tcpServer(play: (socket: Socket, request: string) => void) {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      const request = text;
      text = '';
      play(socket, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A folder that is gone afterwards. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'ocidsl-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** What a promise was rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<{ code: string; kind: string; message: string; hint?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { code: string; kind: string; message: string };
  }
  throw new Error('expected a failure');
}

/** Limits that make small blobs behave like large ones. */
export const UPLOAD_LIMITS = { resumeFromBytes: 1, progressBytes: 1 };

/** A fake registry with a client and its repository `a`. */
export async function uploadRig(options: FakeRegistryOptions = {}, limits = {}) {
  const registry = await startFakeRegistry(options);
  const client = testClient({ limits: { ...UPLOAD_LIMITS, ...limits } });
  const repository = client.repository({ registry: registry.host, repository: 'a' });
  return {
    registry,
    client,
    repository,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await registry.close();
    },
  };
}

/** The registry has exactly these bytes, and no session is left. */
export function expectStored(registry: FakeRegistry, bytes: Buffer, digest: string) {
  expect(registry.storage.repository('a').blobs.get(digest)?.equals(bytes)).toBe(true);
  expect(registry.storage.repository('a').uploads.size).toBe(0);
}
