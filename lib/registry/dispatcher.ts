// The one place that loads undici. Its index costs ~3 times the import of the file that a plain connection needs (measured: +170
// against +50 ms wall on a slow machine), so that is imported alone; a proxy needs the whole package.
import { isIP } from 'node:net';
import { lookup as dnsLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { isPrivateAddress } from './address-rules.ts';
import { proxyFor } from './proxy-settings.ts';
import { readCertificates } from './certificates.ts';

/** Options of a request, as undici takes them. */
export type DispatchRequest = Omit<Dispatcher.DispatchOptions, 'origin' | 'path'>;

/** A set of connection pools, made when a host is first asked. */
export interface Dispatchers {
  /**
   * Sends one request, whose answer or failure `handler` gets.
   * @param publicOnly connect only to addresses on the public internet, whatever the name resolves to
   * @throws where no pool can be made for `url`: a certificate file that cannot be read
   */
  dispatch(url: URL, options: DispatchRequest, handler: Dispatcher.DispatchHandler, publicOnly: boolean): Promise<void>;
  /** Closes every connection; running requests fail. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 30_000;
// The limiters above decide how much runs at once; this only bounds a runaway.
const CONNECTIONS_PER_ORIGIN = 32;

/** Pools that follow the proxy and certificate settings of `environment`. Nothing is loaded before the first request. */
export function createDispatchers(environment: Readonly<Record<string, string | undefined>>): Dispatchers {
  const pools = new Map<string, Promise<Dispatcher>>();

  const openPool = async (url: URL, publicOnly: boolean): Promise<Dispatcher> => {
    const certificates = url.protocol === 'https:' ? await readCertificates(url.host, environment) : undefined;
    const tls = { timeout: CONNECT_TIMEOUT_MS, ...certificates };
    const proxy = proxyFor(url, environment);
    if (proxy !== undefined) {
      const { ProxyAgent } = await import('undici');
      return new ProxyAgent({ uri: proxy.href, requestTls: tls, connections: CONNECTIONS_PER_ORIGIN });
    }
    const { Agent } = await loadAgent();
    return new Agent({
      connections: CONNECTIONS_PER_ORIGIN,
      connect: publicOnly ? { ...tls, lookup: lookupPublic } : tls,
    });
  };

  return {
    async dispatch(url, options, handler, publicOnly) {
      const key = `${publicOnly ? 'public ' : ''}${url.origin}`;
      let pool = pools.get(key);
      if (pool === undefined) {
        pool = openPool(url, publicOnly);
        pools.set(key, pool);
      }
      (await pool).dispatch({ ...options, origin: url.origin, path: url.pathname + url.search }, handler);
    },
    async close() {
      const opened = await Promise.allSettled(pools.values());
      pools.clear();
      const dispatchers = opened.flatMap((pool) => (pool.status === 'fulfilled' ? [pool.value] : []));
      await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()));
    },
  };
}

/** The part of undici that a direct connection needs; from the index where the file has moved. */
export async function loadAgent() {
  try {
    const agent = await import('undici/lib/dispatcher/agent.js');
    return { Agent: agent.default, partial: true };
  } catch {
    const { Agent } = await import('undici');
    return { Agent, partial: false };
  }
}

/** The same, and a function that sends whole requests. */
export async function loadUndici() {
  try {
    const [agent, request] = await Promise.all([loadAgent(), import('undici/lib/api/api-request.js')]);
    return { ...agent, request: request.default };
  } catch {
    const { Agent, Dispatcher: Undici } = await import('undici');
    const request = function (this: Dispatcher, options: Dispatcher.RequestOptions) {
      return Undici.prototype.request.call(this, options) as Promise<Dispatcher.ResponseData>;
    };
    return { Agent, request, partial: false };
  }
}

// DNS answers are checked where they are used, so that a second answer cannot differ from the one that was judged.
const lookupPublic: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    const refused = addresses.find((entry) => isPrivateAddress(entry.address));
    if (refused !== undefined) {
      const why = new Error(`${hostname} resolves to the private address ${refused.address}`) as NodeJS.ErrnoException;
      why.code = 'OCIDSL_PRIVATE_ADDRESS';
      return callback(why, []);
    }
    const first = addresses[0]!;
    return options.all ? callback(null, addresses) : callback(null, first.address, isIP(first.address));
  });
};
