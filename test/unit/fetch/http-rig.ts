// What the tests of downloads share: a file server that can be cut, a store on disk, and a transport that does not wait.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { digestOf, formatDigest, type Digest } from '../../../lib/base/digest.ts';
import type { BuildEvent } from '../../../lib/base/events.ts';
import { downloadFile, type FileDownload } from '../../../lib/fetch/download-file.ts';
import type { FetchContext } from '../../../lib/fetch/fetch-context.ts';
import { createHttpTransport, type HttpTransportOptions } from '../../../lib/fetch/http-transport.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { sampleBytes } from '../../conformance/content-addressable-storage.ts';
import { testClock } from '../registry/rig.ts';
import { temporaryFolder } from '../store/rig.ts';

/** Answers a request that the server does not answer by itself; false lets it do so. */
export type Interfere = (request: IncomingMessage, response: ServerResponse, nth: number) => boolean | void;

/** A server of one file, with ETag and ranges. */
export interface FileServer {
  readonly url: string;
  /** `GET` and the Range of each request, in order. */
  readonly requests: string[];
  /** The headers of each request. */
  readonly headers: IncomingMessage['headers'][];
  /** Bytes of bodies that were sent. */
  sent: number;
  file: Buffer;
  interfere: Interfere;
}

/** Serves `file` as `/files/tool.bin` until the test has ended. */
export async function fileServer(file: Buffer, interfere: Interfere = () => false): Promise<FileServer> {
  const rig: FileServer = { url: '', requests: [], headers: [], sent: 0, file, interfere };
  const server = createServer((request, response) => {
    rig.requests.push(`${request.method} ${request.headers.range ?? '-'}`);
    rig.headers.push(request.headers);
    const write = response.write.bind(response) as (chunk: Uint8Array, sent?: () => void) => boolean;
    response.write = ((chunk: Uint8Array, sent?: () => void) => {
      rig.sent += chunk.byteLength;
      return write(chunk, sent);
    }) as typeof response.write;
    if (rig.interfere(request, response, rig.requests.length) === true) return;
    serve(rig, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return Object.assign(rig, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/tool.bin` });
}

/** The ETag of the served bytes. */
export function etagOf(file: Buffer): string {
  return `"${digestOf(file).hash.slice(0, 16)}"`;
}

function serve({ file }: FileServer, request: IncomingMessage, response: ServerResponse): void {
  const headers = { etag: etagOf(file), 'accept-ranges': 'bytes' };
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etagOf(file);
  if (from >= file.length && from > 0) response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end();
  else if (from > 0 && isSame) {
    response.writeHead(206, {
      ...headers,
      'content-length': file.length - from,
      'content-range': `bytes ${from}-${file.length - 1}/${file.length}`,
    });
    response.write(file.subarray(from));
    response.end();
  } else {
    response.writeHead(200, { ...headers, 'content-length': file.length });
    response.write(file);
    response.end();
  }
}

/** Sends `count` bytes of what the server would send from where it is asked, then closes the connection. */
export function cutAfter(rig: FileServer, request: IncomingMessage, response: ServerResponse, count: number, more: object = {}): true {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = from > 0 ? { 'content-range': `bytes ${from}-${rig.file.length - 1}/${rig.file.length}` } : {};
  response.writeHead(from > 0 ? 206 : 200, { etag: etagOf(rig.file), 'content-length': rig.file.length - from, ...range, ...more });
  response.write(rig.file.subarray(from, from + count));
  // What was written arrives before the connection goes.
  setImmediate(() => response.socket?.end(() => response.destroy()));
  return true;
}

/** Bytes of a file with no pattern. */
export { sampleBytes };

/** `sha256:…` of bytes. */
export function digestText(bytes: Buffer): string {
  return formatDigest(digestOf(bytes));
}

/** A store and a way to download into it. */
export interface DownloadRig {
  readonly cache: string;
  readonly cas: FetchContext['cas'];
  readonly events: BuildEvent[];
  readonly clock: ReturnType<typeof testClock>;
  readonly download: (file: FileDownload, signal?: AbortSignal) => Promise<Digest>;
  /** Whether the store has exactly these bytes. */
  readonly has: (bytes: Buffer) => Promise<boolean>;
}

/** An empty store on disk, and downloads without waiting; `cache` shares one. */
export function downloadRig(options: Partial<HttpTransportOptions> = {}, cache = join(temporaryFolder(), 'cache')): DownloadRig {
  const events: BuildEvent[] = [];
  const clock = testClock();
  const { cas } = openDiskStore({ directory: cache });
  const environment = options.environment ?? {};
  const context: FetchContext = {
    cas,
    registry: () => Promise.reject(new Error('no registry here')),
    environment,
    cacheDirectory: cache,
    emit: (event) => void events.push(event),
  };
  const transport = createHttpTransport({ clock, ...options, environment });
  return {
    cache,
    cas,
    events,
    clock,
    download: (file, signal = new AbortController().signal) => downloadFile(file, context, signal, transport),
    has: async (bytes) => (await cas.readBytes(digestOf(bytes))).equals(bytes),
  };
}
