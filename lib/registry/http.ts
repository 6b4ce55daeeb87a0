// The values that travel between the layers of the registry client. Each layer is a Transport around another one:
// authorizing(redirecting(retrying(wire))).

/**
 * Bytes in order, in pieces. A piece is valid only until the one after the next is asked for, so that its buffer can be used again.
 * Synchronous where the bytes are at hand: a promise for each piece of 64 KiB would cost as much as sending it.
 */
export type ByteStream = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** A request body that can be sent again. */
export interface RequestBody {
  /** Exact length; sent as Content-Length. */
  readonly sizeBytes: number;
  /** The bytes from the start; called once per attempt. */
  open(): Uint8Array | ByteStream;
}

/** One HTTP request. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** The token scopes that the request needs, the most important one first. */
  readonly scopes?: readonly string[];
  /** False for requests that must not simply be sent again, such as a PATCH. Default: true. */
  readonly retry?: boolean;
  /** False for requests whose body must not go to another URL; an answer with a redirect is then an error. Default: true. */
  readonly redirect?: boolean;
  /** The registry's origin, where that server named this URL and it is of another origin: it gets no credentials then. */
  readonly foreignTo?: URL;
  /** True for files, whose bytes are wanted as they are sent: no Content-Encoding is undone. Default: false. */
  readonly keepsEncoding?: boolean;
  /** Longest silence before the response's headers, where that is more than the client's own. */
  readonly headersTimeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A response whose body must be read to its end or disposed of. */
export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated headers joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** Where the response came from, after redirects. */
  readonly url: URL;
  /** The body, with any Content-Encoding undone unless the request keeps it. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the connection back without the caller reading the body. Never throws. */
  dispose(): Promise<void>;
}

/** Sends requests. Every answer with a status is a response; only failures to get one are thrown. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse>;

/** Time and chance, injected so that tests can hold them. */
export interface Clock {
  /** Milliseconds of wall-clock time, as Date.now(). */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 <= number < 1. */
  random(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const abort = () => {
        clearTimeout(timer);
        reject(signal!.reason as Error);
      };
      if (signal?.aborted) return reject(signal.reason as Error);
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', abort, { once: true });
      return undefined;
    }),
  random: () => Math.random(),
};

/**
 * Reads a body of at most `limitBytes` into memory.
 * @returns undefined where the body is longer; the rest is then dropped
 */
export async function readBounded(response: HttpResponse, limitBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > limitBytes) {
      await response.dispose();
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
