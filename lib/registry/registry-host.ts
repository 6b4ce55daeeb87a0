// Which origin a registry name stands for, and what counts as loopback: exact matches, because `127.0.0.1.evil.com` and
// `localhost.evil.com` are ordinary hosts (ggcr #2314).
import { isIPv4 } from 'node:net';

/** Whether a host (no port; IPv6 in brackets or bare) is this machine: `localhost`, 127.0.0.0/8 or `::1`. */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase();
  if (host === 'localhost' || host === '[::1]' || host === '::1') return true;
  return isIPv4(host) && host.startsWith('127.');
}

/**
 * The origin that serves a registry. Plain HTTP only for this machine (except on port 443) and for registries that the
 * user listed as insecure, compared exactly, with their port.
 */
export function originOfRegistry(registry: string, insecure: ReadonlySet<string>): URL {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const secure = new URL(`https://${host}/`);
  // URL drops the default port, so `:443` has to be looked for in the text.
  const plain = insecure.has(registry) || (isLoopbackHost(secure.hostname) && !host.endsWith(':443'));
  return plain ? new URL(`http://${host}/`) : secure;
}

/** Whether two URLs have the same scheme, host and port, default ports counted. */
export function sameOrigin(a: URL, b: URL): boolean {
  return a.protocol === b.protocol && a.host === b.host;
}
