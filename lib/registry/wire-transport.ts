// The innermost transport: one request on the wire through undici's dispatchers, no retries, no redirects, no credentials.
import { setImmediate } from 'node:timers/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Readable } from 'node:stream';
import type { Transform } from 'node:stream';
import { OcidslError } from '../base/errors.ts';
import { isPrivateHost } from './address-rules.ts';
import type { ResolveHost } from './address-rules.ts';
import { connectionError, timeoutError } from './connection-error.ts';
import type { DispatchRequest, Dispatchers } from './dispatcher.ts';
import type { ByteStream, HttpRequest, HttpResponse, Transport } from './http.ts';
import { printable } from '../base/printable.ts';
import { printableUrl } from './printable-url.ts';
import { ResponseReceiver } from './response-receiver.ts';
import type { ResponseHead } from './response-receiver.ts';

/** Longest silences, in milliseconds: not totals, since a blob may take hours as long as bytes keep coming. */
export interface WireTimeouts {
  /** From the last byte sent to the response's headers, unless the request allows more. Default: 60 s. */
  readonly headersMs: number;
  /** Between two pieces of a body: of the response's until it comes, of the request's until the connection takes it. Default: 60 s. */
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
    const body = request.body === undefined ? undefined : watch(request, request.body.open(), timeouts.bodyMs);
    const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': userAgent, ...request.headers };
    if (request.body !== undefined) headers['content-length'] = String(request.body.sizeBytes);
    else if (request.method === 'POST' || request.method === 'PUT') headers['content-length'] = '0';
    const { foreignTo } = request;
    const publicOnly =
      foreignTo !== undefined && foreignTo.hostname !== request.url.hostname && !(await isPrivateHost(foreignTo.hostname, resolve));
    const receiver = new ResponseReceiver(body?.signal ?? request.signal);
    const options: DispatchRequest = {
      method: request.method,
      headers,
      body: (body?.bytes ?? null) as NonNullable<DispatchRequest['body']> | null,
      headersTimeout: Math.max(request.headersTimeoutMs ?? 0, timeouts.headersMs),
      bodyTimeout: timeouts.bodyMs,
      // By itself undici closes the connection after each HEAD, which a push asks for every blob.
      ...(request.method === 'HEAD' ? { reset: false } : undefined),
    };
    try {
      await dispatchers.dispatch(request.url, options, receiver, publicOnly);
      return toResponse(request, await receiver.head, receiver);
    } catch (error) {
      request.signal?.throwIfAborted();
      throw body?.failure() ?? connectionError(request.method, request.url, error);
    }
  };
}

/** A body on its way, and why it went wrong. */
interface WatchedBody {
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal | undefined;
  failure(): unknown;
}

// A receiver that is as fast as we are would keep timers and signals waiting as long as bytes are at hand.
const BREATH_BYTES = 4 << 20;

// A silence is noticed after its length and as much of it again as one of so many parts, at most.
const RINGS = 4;

// What the source of a body throws (a corrupt blob, an unreadable file) must not come out as a network failure. And undici times the
// answer only, for which a large blob is given a long time: a server that takes no more bytes is noticed here.
function watch(request: HttpRequest, bytes: Uint8Array | ByteStream, silenceMs: number): WatchedBody {
  if (bytes instanceof Uint8Array) return { bytes, signal: request.signal, failure: () => undefined };
  const stream: ByteStream = bytes;
  let failure: unknown;
  const stalled = new AbortController();
  const giveUp = () => {
    failure = timeoutError(request.method, request.url, 'the server takes no more of what is sent');
    stalled.abort(failure);
  };
  // One timer for all pieces: one for each would take a tenth of the time that sending them does. It counts how often it rang for one piece.
  let rings = 0;
  let isHandedOut = false;
  let sinceBreath = 0;
  const handOut = (piece: Uint8Array) => {
    rings = 0;
    isHandedOut = true;
    return piece;
  };
  // Returns whether it is time to breathe.
  const noteTaken = (piece: Uint8Array) => {
    isHandedOut = false;
    sinceBreath += piece.byteLength;
    if (sinceBreath < BREATH_BYTES) return false;
    sinceBreath = 0;
    return true;
  };
  async function* watched() {
    const timer = setInterval(() => {
      if (isHandedOut && rings++ === RINGS) giveUp();
    }, silenceMs / RINGS);
    try {
      // Not one loop for both: `for await` makes a promise also of each piece that is at hand.
      if (Symbol.iterator in stream) {
        for (const piece of stream) {
          yield handOut(piece);
          if (noteTaken(piece)) await setImmediate();
        }
      } else {
        for await (const piece of stream) {
          yield handOut(piece);
          if (noteTaken(piece)) await setImmediate();
        }
      }
    } catch (error) {
      failure ??= error;
      throw error;
    } finally {
      clearInterval(timer);
    }
  }
  const signal = request.signal === undefined ? stalled.signal : AbortSignal.any([request.signal, stalled.signal]);
  return { bytes: watched(), signal, failure: () => failure };
}

function toResponse(request: HttpRequest, head: ResponseHead, receiver: ResponseReceiver): HttpResponse {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(head.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const decoder = request.keepsEncoding === true ? undefined : createDecoder(request, headers.get('content-encoding'));
  const bytes = receiver.body();
  return {
    status: head.status,
    headers,
    url: request.url,
    body: readBody(request, decoder === undefined ? bytes : decode(bytes, decoder)),
    dispose: async () => {
      await receiver.dump(64 * 1024);
      await connectionIsFree();
    },
  };
}

async function* readBody(request: HttpRequest, bytes: AsyncIterable<Uint8Array>) {
  try {
    yield* bytes;
  } catch (error) {
    request.signal?.throwIfAborted();
    throw connectionError(request.method, request.url, error);
  } finally {
    await connectionIsFree();
  }
}

async function* decode(bytes: AsyncIterable<Uint8Array>, decoder: Transform): AsyncGenerator<Uint8Array> {
  const source = Readable.from(bytes, { objectMode: false }).on('error', (error) => decoder.destroy(error));
  try {
    yield* source.pipe(decoder) as AsyncIterable<Uint8Array>;
  } finally {
    source.on('error', () => undefined).destroy();
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
