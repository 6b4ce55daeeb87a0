// How files are asked for: the registry client's transport without its credentials. Proxies and certificates come from the environment.
import { resolveHost, type ResolveHost } from '../registry/address-rules.ts';
import { createDispatchers } from '../registry/dispatcher.ts';
import { systemClock, type Clock, type Transport } from '../registry/http.ts';
import { createRedirectingTransport } from '../registry/redirecting-transport.ts';
import {
  createBackoff,
  createRetryingTransport,
  DEFAULT_RETRY_POLICY,
  type Backoff,
  type RetryPolicy,
} from '../registry/retrying-transport.ts';
import { createWireTransport, DEFAULT_TIMEOUTS, type WireTimeouts } from '../registry/wire-transport.ts';
import type { FetchContext } from './fetch-context.ts';

/** Sends requests for files. A process ends by itself though its connections are open. */
export interface HttpTransport {
  /** Follows redirects, and repeats what failed for now. */
  readonly send: Transport;
  readonly backoff: Backoff;
  readonly clock: Clock;
}

/** How to make one. */
export interface HttpTransportOptions {
  /** Proxies and certificates; HOME for certificates of single hosts. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly retry?: Partial<RetryPolicy>;
  readonly timeouts?: Partial<WireTimeouts>;
  /** Replaced in tests. */
  readonly clock?: Clock;
  /** Replaced in tests. */
  readonly resolveHost?: ResolveHost;
}

/** Makes a transport. Nothing is loaded before its first request. */
export function createHttpTransport(options: HttpTransportOptions): HttpTransport {
  const clock = options.clock ?? systemClock;
  const resolve = options.resolveHost ?? resolveHost;
  const backoff = createBackoff({ ...DEFAULT_RETRY_POLICY, ...options.retry }, clock);
  const wire = createWireTransport(createDispatchers(options.environment), 'ocidsl', resolve, { ...DEFAULT_TIMEOUTS, ...options.timeouts });
  return { send: createRedirectingTransport(createRetryingTransport(wire, backoff), resolve), backoff, clock };
}

const transports = new WeakMap<FetchContext['environment'], HttpTransport>();

/** The one transport of a command, so that connections and the pauses that servers ask for are shared. */
export function httpTransportOf({ environment }: FetchContext): HttpTransport {
  let transport = transports.get(environment);
  if (transport === undefined) transports.set(environment, (transport = createHttpTransport({ environment })));
  return transport;
}
