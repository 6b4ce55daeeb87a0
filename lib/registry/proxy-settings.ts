// HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, as curl and Go read them.
import { BlockList, isIP } from 'node:net';
import { OcidslError } from '../base/errors.ts';
import { isLoopbackHost } from './registry-host.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a URL, or undefined for a direct connection. Lower-case names win, loopback hosts are always direct.
 * @throws OCIDSL_PROXY_SYNTAX
 */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  if (isLoopbackHost(url.hostname)) return undefined;
  const names = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const name = [...names, 'all_proxy', 'ALL_PROXY'].find((key) => (environment[key] ?? '') !== '');
  if (name === undefined) return undefined;
  const exceptions = environment['no_proxy'] || environment['NO_PROXY'] || '';
  if (exceptions.split(/[\s,]+/).some((entry) => entry !== '' && isException(entry, url))) return undefined;
  const text = environment[name]!;
  const proxy = parseUrl(text);
  if (proxy === undefined || !/^(?:https?|socks5?):$/.test(proxy.protocol)) {
    // The value may hold a password, so it is not shown.
    throw new OcidslError({
      code: 'OCIDSL_PROXY_SYNTAX',
      kind: 'environment',
      message: `Cannot use the proxy in ${name}: it is not a URL of a proxy, expected http://HOST:PORT`,
    });
  }
  return proxy;
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(/^[a-z0-9+.-]+:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    return undefined;
  }
}

function isException(entry: string, url: URL): boolean {
  if (entry === '*') return true;
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (entry.includes('/')) return inNetwork(entry, host);
  const port = /^(.*[^:]):(\d+)$/.exec(entry);
  const name = (port === null ? entry : port[1]!).toLowerCase().replace(/^\*?\./, '');
  if (port !== null && port[2] !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false;
  return host === name.replace(/^\[|\]$/g, '') || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

function inNetwork(entry: string, host: string): boolean {
  const [network = '', prefix = ''] = entry.split('/');
  const family = isIP(host) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(host) === 0 || isIP(network) !== isIP(host) || !/^\d{1,3}$/.test(prefix)) return false;
  const list = new BlockList();
  try {
    list.addSubnet(network, Number(prefix), family);
  } catch {
    return false;
  }
  return list.check(host, family);
}
