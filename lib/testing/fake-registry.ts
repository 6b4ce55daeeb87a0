// A registry of the distribution spec in memory, on a real socket, with faults on demand. It passes the same conformance
// suite as real registries and keeps a log of what it was asked, so a test can say what a client did and what it sent along.
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { FakeAuthority } from './fake-registry-auth.ts';
import type { FakeAuth } from './fake-registry-auth.ts';
import { answer, parsePath } from './fake-registry-routes.ts';
import type { FakeQuirks, FakeResponse } from './fake-registry-routes.ts';
import { FakeStorage } from './fake-registry-storage.ts';

/** How a fake registry behaves. */
export interface FakeRegistryOptions extends FakeQuirks {
  /** Default: nobody is asked for credentials. */
  readonly auth?: FakeAuth;
  /** Milliseconds before each answer. Default: 0. */
  readonly latencyMs?: number;
  /** Asked for every `METHOD /path?query` that failNext() does not make fail. Default: nothing fails. */
  readonly fault?: (line: string) => FakeFault | undefined;
}

/** A fault, for one request. */
export type FakeFault =
  /** The connection is cut before anything is read. */
  | 'reset'
  /** Another answer, and the request has no effect. */
  | FakeResponse
  /** The request's body is read up to here and kept in the upload, then the connection is cut. */
  | { readonly cutRequestAfter: number }
  /** The request has its effect, the answer's body is cut here. `quietly`: as the end of a body without length. */
  | { readonly cutResponseAfter: number; readonly quietly?: boolean }
  /** The answer is changed on its way. */
  | { readonly change: (response: FakeResponse) => FakeResponse }
  /** The request has its effect, the answer never comes. */
  | 'lost answer';

/** One request that arrived. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Bytes of the body that arrived. */
  readonly bodyBytes: number;
  /** Undefined where the connection was cut instead. */
  readonly status: number | undefined;
}

/** A running fake registry. `await using` closes it. */
export interface FakeRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`, as used in image references. */
  readonly host: string;
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** What is stored; may be read and changed. */
  readonly storage: FakeStorage;
  /** Everything that was asked so far, in order of the answers. */
  readonly requests: readonly RecordedRequest[];
  /** Tokens that were issued so far. */
  readonly tokens: readonly string[];
  /** Makes the next `times` (1) requests whose `METHOD /path?query` contains or matches `pattern` fail. */
  failNext(pattern: string | RegExp, fault: FakeFault, times?: number): void;
  /** Makes all issued tokens invalid. */
  expireTokens(): void;
  /** `METHOD path` of every request so far, without queries. */
  log(): string[];
  close(): Promise<void>;
}

/** Starts a fake registry on a free port of 127.0.0.1. */
export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const storage = new FakeStorage();
  const authority = new FakeAuthority(options.auth);
  const requests: RecordedRequest[] = [];
  const faults: { readonly pattern: string | RegExp; readonly fault: FakeFault; left: number }[] = [];
  const sockets = new Set<Socket>();

  const takeFault = (line: string): FakeFault | undefined => {
    const found = faults.find(
      ({ pattern, left }) => left > 0 && (typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line)),
    );
    if (found === undefined) return options.fault?.(line);
    found.left--;
    return found.fault;
  };

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const method = incoming.method ?? 'GET';
    const path = incoming.url ?? '/';
    const { socket } = incoming;
    const fault = takeFault(`${method} ${path}`);
    const record = (bodyBytes: number, status: number | undefined) => {
      requests.push({ method, path, headers: incoming.headers, bodyBytes, status });
    };
    const cut = (bodyBytes: number) => {
      record(bodyBytes, undefined);
      socket.destroy();
    };
    if (fault === 'reset') return cut(0);
    const limit = isRequestCut(fault) ? fault.cutRequestAfter : undefined;
    const body = await readBody(incoming, limit);
    const url = new URL(path, origin);
    if (limit !== undefined) {
      keepPart(storage, url, body);
      return cut(body.byteLength);
    }
    if (options.latencyMs) await new Promise((resolve) => setTimeout(resolve, options.latencyMs));
    let response = isAnswer(fault) ? fault : respond(incoming, method, url, body);
    if (fault === 'lost answer') return cut(body.byteLength);
    if (isChange(fault)) response = fault.change(response);
    record(body.byteLength, response.status);
    write(outgoing, method, response, isResponseCut(fault) ? fault : undefined);
    return undefined;
  };

  const respond = (incoming: IncomingMessage, method: string, url: URL, body: Buffer): FakeResponse => {
    if (url.pathname === '/token') {
      const { status, body: text } = authority.token(incoming, url, new URLSearchParams(body.toString('utf8')));
      return { status, headers: { 'content-type': 'application/json' }, body: text };
    }
    const action = method === 'GET' || method === 'HEAD' ? 'pull' : 'push';
    const challenges = authority.challenge(incoming, parsePath(url.pathname)?.name, action, origin);
    if (challenges !== undefined) {
      const headers = challenges.length > 0 ? { 'www-authenticate': challenges as unknown as string } : {};
      return { status: 401, headers, body: JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }) };
    }
    return answer(storage, options, { method, url, headers: incoming.headers, body });
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => incoming.socket.destroy(error instanceof Error ? error : undefined));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const origin = `http://${host}`;

  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    host,
    origin,
    storage,
    requests,
    tokens: authority.issued,
    failNext: (pattern, fault, times = 1) => void faults.push({ pattern, fault, left: times }),
    expireTokens: () => authority.expireTokens(),
    log: () => requests.map(({ method, path }) => `${method} ${path.split('?', 1)[0]}`),
    close,
    [Symbol.asyncDispose]: close,
  };
}

// Not by `for await`: leaving such a loop destroys the connection before the test's cut does.
function readBody(incoming: IncomingMessage, limit = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    const done = () => resolve(Buffer.concat(chunks));
    if (limit === 0) return done();
    incoming.on('data', (chunk: Buffer) => {
      if (size >= limit) return;
      chunks.push(chunk.subarray(0, limit - size));
      size += chunk.byteLength;
      if (size >= limit) done();
    });
    // A client that goes away ends the body too: what came is what there is.
    return incoming.on('end', done).on('error', done).on('close', done);
  });
}

// A real registry has written what came before a cut, and an interrupted PUT leaves its bytes in the session too.
function keepPart(storage: FakeStorage, url: URL, body: Buffer): void {
  const path = parsePath(url.pathname);
  const session = path?.rest.replace(/^uploads\//, '');
  if (path !== undefined && session !== undefined) storage.repository(path.name).uploads.get(session)?.push(body);
}

function write(
  outgoing: ServerResponse,
  method: string,
  response: FakeResponse,
  cut: { cutResponseAfter: number; quietly?: boolean } | undefined,
) {
  // Not copied: it may be a layer of a gigabyte.
  const body = typeof response.body === 'object' ? response.body : Buffer.from(response.body ?? '');
  for (const [name, value] of Object.entries(response.headers ?? {})) outgoing.setHeader(name, value);
  if (cut?.quietly) {
    outgoing.useChunkedEncodingByDefault = false;
    outgoing.setHeader('connection', 'close');
  } else if (response.status !== 204) {
    outgoing.setHeader('content-length', body.byteLength);
  }
  outgoing.writeHead(response.status);
  if (cut === undefined) {
    outgoing.end(method === 'HEAD' ? undefined : body);
    return;
  }
  outgoing.write(body.subarray(0, cut.cutResponseAfter), () => {
    if (cut.quietly) outgoing.end();
    else outgoing.socket?.destroy();
  });
}

const isObject = (fault: FakeFault | undefined): fault is Exclude<FakeFault, string> => typeof fault === 'object';
const isAnswer = (fault: FakeFault | undefined): fault is FakeResponse => isObject(fault) && 'status' in fault;
const isRequestCut = (fault: FakeFault | undefined): fault is { cutRequestAfter: number } => isObject(fault) && 'cutRequestAfter' in fault;
const isResponseCut = (fault: FakeFault | undefined): fault is { cutResponseAfter: number; quietly?: boolean } =>
  isObject(fault) && 'cutResponseAfter' in fault;
const isChange = (fault: FakeFault | undefined): fault is { change: (response: FakeResponse) => FakeResponse } =>
  isObject(fault) && 'change' in fault;
