// HTTP to an engine's socket, which the global fetch knows nothing of. undici is loaded when the first engine is asked.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { loadUndici } from '../registry/dispatcher.ts';
import type { EngineAddress } from './engine-address.ts';

/** Connections to one engine. */
export interface EngineHttp {
  /** Sends one request and reads the whole response; throws what the connection or the request's body threw. */
  request(request: EngineRequest): Promise<EngineResponse>;
  /** Ends the connections and what is under way on them. */
  close(): Promise<void>;
}

/** One request. */
export interface EngineRequest {
  readonly method: 'GET' | 'POST';
  /** Starts with a slash. */
  readonly path: string;
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the response's header must be there. Default: no limit, since a load answers when it is done. */
  readonly timeoutMs?: number;
}

/** A response, read to its end. */
export interface EngineResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body; of a body above 4 MiB the end, which in a stream of progress is what matters. */
  readonly text: string;
}

const CONNECT_MS = 5_000;
const TEXT_LIMIT = 4 * 1024 * 1024;

/** Prepares connections; nothing is sent yet. Throws where a TLS file cannot be read. */
export async function openEngineHttp(address: Exclude<EngineAddress, { type: 'command' }>): Promise<EngineHttp> {
  const { Agent, request } = await loadUndici();
  const isTls = address.type === 'tcp' && address.tlsDirectory !== undefined;
  const agent = new Agent({
    connections: 4,
    connect: {
      timeout: CONNECT_MS,
      ...(address.type === 'socket' ? { socketPath: address.path } : {}),
      ...(isTls ? await tlsFiles(address.tlsDirectory) : {}),
    },
  });
  const origin = address.type === 'socket' ? 'http://engine' : `${isTls ? 'https' : 'http'}://${address.host}:${address.port}`;
  return { request: (options) => send(request.bind(agent), origin, options), close: () => agent.destroy() };
}

async function tlsFiles(directory: string): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> {
  const read = (name: string) => readFile(join(directory, name));
  const [ca, cert, key] = await Promise.all([read('ca.pem'), read('cert.pem'), read('key.pem')]);
  return { ca, cert, key };
}

async function send(
  request: (options: Dispatcher.RequestOptions) => Promise<Dispatcher.ResponseData>,
  origin: string,
  { method, path, body, signal, timeoutMs = 0 }: EngineRequest,
): Promise<EngineResponse> {
  const response = await request({
    origin,
    method,
    path,
    headers: body === undefined ? {} : { 'content-type': 'application/x-tar' },
    body: body === undefined ? null : Readable.from(body, { objectMode: false }),
    headersTimeout: timeoutMs,
    bodyTimeout: 0,
    ...(signal === undefined ? {} : { signal }),
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    while (size - chunks[0]!.length >= TEXT_LIMIT) size -= chunks.shift()!.length;
  }
  return { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') };
}
