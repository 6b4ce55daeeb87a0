// The innermost transport: one request on the wire through undici's dispatchers, no retries, no redirects, no credentials.
import { setImmediate } from 'node:timers/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Transform } from 'node:stream';
import type { Dispatcher } from 'undici';
import { OcidslError } from '../base/errors.ts';
import { isPrivateHost } from './address-rules.ts';
import type { ResolveHost } from './address-rules.ts';
import { connectionError } from './connection-error.ts';
import type { Dispatchers } from './dispatcher.ts';
import type { HttpRequest, HttpResponse, Transport } from './http.ts';
import { printable } from '../base/printable.ts';
import { printableUrl } from './printable-url.ts';

/** Longest silences, in milliseconds: not totals, since a blob may take hours as long as bytes keep coming. */
export interface WireTimeouts {
  /** From the last byte sent to the response's headers, unless the request allows more. Default: 60 s. */
  readonly headersMs: number;
  /** Between two pieces of a response's body. Default: 60 s. */
  readonly bodyMs: number;
}

/** The defaults. */
export const DEFAULT_TIMEOUTS: WireTimeouts = { headersMs: 60_000, bodyMs: 60_000 };

/** A transport over `dispatchers`. URLs that a public registry named are connected to on public addresses only. */
export function createWireTransport(
  dispatchers: Dispatchers,
  userAgent: string,
  resolve: ResolveHost,
  timeouts = DEFAULT_TIMEOUTS,
): Transport {
  return async (request) => {
    request.signal?.throwIfAborted();
    const body = request.body === undefined ? undefined : watch(request.body.open());
    const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': userAgent, ...request.headers };
    if (request.body !== undefined) headers['content-length'] = String(request.body.sizeBytes);
    else if (request.method === 'POST' || request.method === 'PUT') headers['content-length'] = '0';
    const { foreignTo } = request;
    const publicOnly =
      foreignTo !== undefined && foreignTo.hostname !== request.url.hostname && !(await isPrivateHost(foreignTo.hostname, resolve));
    try {
      const data = await dispatchers.request(
        request.url,
        {
          method: request.method,
          headers,
          body: (body?.bytes ?? null) as NonNullable<Dispatcher.RequestOptions['body']> | null,
          signal: request.signal ?? null,
          headersTimeout: Math.max(request.headersTimeoutMs ?? 0, timeouts.headersMs),
          bodyTimeout: timeouts.bodyMs,
          highWaterMark: 512 * 1024,
          // By itself undici closes the connection after each HEAD, which a push asks for every blob.
          ...(request.method === 'HEAD' ? { reset: false } : undefined),
        },
        publicOnly,
      );
      return toResponse(request, data);
    } catch (error) {
      request.signal?.throwIfAborted();
      throw body?.failure() ?? connectionError(request.method, request.url, error);
    }
  };
}

// What the source of a body throws (a corrupt blob, an unreadable file) must not come out as a network failure.
function watch(bytes: Uint8Array | AsyncIterable<Uint8Array>) {
  if (bytes instanceof Uint8Array) return { bytes, failure: () => undefined };
  let failure: unknown;
  async function* watched() {
    try {
      yield* bytes as AsyncIterable<Uint8Array>;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  return { bytes: watched(), failure: () => failure };
}

function toResponse(request: HttpRequest, data: Dispatcher.ResponseData): HttpResponse {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(data.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const decoder = createDecoder(request, headers.get('content-encoding'));
  return {
    status: data.statusCode,
    headers,
    url: request.url,
    body: readBody(request, data.body, decoder),
    dispose: async () => {
      // A short rest is read so that the connection can be used again; a long one costs less to cut.
      await data.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
      await connectionIsFree();
    },
  };
}

async function* readBody(request: HttpRequest, body: Dispatcher.ResponseData['body'], decoder: Transform | undefined) {
  try {
    if (decoder === undefined) {
      yield* body as AsyncIterable<Uint8Array>;
    } else {
      body.on('error', (error) => decoder.destroy(error));
      yield* body.pipe(decoder) as AsyncIterable<Uint8Array>;
    }
  } catch (error) {
    request.signal?.throwIfAborted();
    throw connectionError(request.method, request.url, error);
  } finally {
    body.on('error', () => undefined).destroy();
    await connectionIsFree();
  }
}

// undici takes a connection back a turn of the event loop after an answer has ended, and listens to it for another one. Whoever asks
// before that gets a new connection, so one request after the other would open one each.
async function connectionIsFree(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

// `identity` was asked for; some proxies and CDNs compress nevertheless, and then the digest is that of the decoded bytes.
function createDecoder(request: HttpRequest, encoding: string | undefined): Transform | undefined {
  switch (encoding?.trim().toLowerCase() ?? '') {
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw new OcidslError({
        code: 'OCIDSL_RESPONSE_UNREADABLE',
        kind: 'network',
        message: `Cannot read ${printableUrl(request.url)}: its Content-Encoding is "${printable(encoding!, 40)}", expected identity or gzip`,
      });
  }
}
