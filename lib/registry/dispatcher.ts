// The one place that loads undici. Its index costs ~3 times the import of the two files that a plain connection needs (measured:
// +170 against +55 ms wall on a slow machine), so those are imported alone; a proxy needs the whole package.
import { isIP } from 'node:net';
import { lookup as dnsLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { isPrivateAddress } from './address-rules.ts';
import { proxyFor } from './proxy-settings.ts';
import { readCertificates } from './certificates.ts';

/** Options of a request, as undici takes them. */
export type DispatchRequest = Omit<Dispatcher.RequestOptions, 'origin' | 'path'>;

/** A set of connection pools, made when a host is first asked. */
export interface Dispatchers {
  /**
   * Sends one request.
   * @param publicOnly connect only to addresses on the public internet, whatever the name resolves to
   */
  request(url: URL, options: DispatchRequest, publicOnly: boolean): Promise<Dispatcher.ResponseData>;
  /** Closes every connection; running requests fail. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 30_000;
// The limiters above decide how much runs at once; this only bounds a runaway.
const CONNECTIONS_PER_ORIGIN = 32;

/** Pools that follow the proxy and certificate settings of `environment`. Nothing is loaded before the first request. */
export function createDispatchers(environment: Readonly<Record<string, string | undefined>>): Dispatchers {
  const pools = new Map<string, Promise<Pool>>();

  const openPool = async (url: URL, publicOnly: boolean): Promise<Pool> => {
    const certificates = url.protocol === 'https:' ? await readCertificates(url.host, environment) : undefined;
    const tls = { timeout: CONNECT_TIMEOUT_MS, ...certificates };
    const proxy = proxyFor(url, environment);
    if (proxy !== undefined) {
      const { ProxyAgent } = await import('undici');
      const agent = new ProxyAgent({ uri: proxy.href, requestTls: tls, connections: CONNECTIONS_PER_ORIGIN });
      return { dispatcher: agent, send: (options) => agent.request(options) };
    }
    const { Agent, request } = await loadUndici();
    const agent = new Agent({
      connections: CONNECTIONS_PER_ORIGIN,
      connect: publicOnly ? { ...tls, lookup: lookupPublic } : tls,
    });
    return { dispatcher: agent, send: (options) => request.call(agent, options) };
  };

  return {
    async request(url, options, publicOnly) {
      const key = `${publicOnly ? 'public ' : ''}${url.origin}`;
      let pool = pools.get(key);
      if (pool === undefined) {
        pool = openPool(url, publicOnly);
        pools.set(key, pool);
      }
      const { send } = await pool;
      return send({ ...options, origin: url.origin, path: url.pathname + url.search });
    },
    async close() {
      const opened = await Promise.allSettled(pools.values());
      pools.clear();
      const dispatchers = opened.flatMap((pool) => (pool.status === 'fulfilled' ? [pool.value.dispatcher] : []));
      await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()));
    },
  };
}

interface Pool {
  readonly dispatcher: Dispatcher;
  readonly send: (options: Dispatcher.RequestOptions) => Promise<Dispatcher.ResponseData>;
}

/** The parts of undici that a direct connection needs; from the index where the files have moved. */
export async function loadUndici() {
  try {
    const [agent, request] = await Promise.all([import('undici/lib/dispatcher/agent.js'), import('undici/lib/api/api-request.js')]);
    return { Agent: agent.default, request: request.default, partial: true };
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
