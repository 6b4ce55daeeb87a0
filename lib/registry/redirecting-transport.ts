// Follows redirects by hand, because every HTTP library's own following has leaked credentials at some time: another origin
// (scheme, host or port) never gets them, nor does the registry again after a detour.
import { OcidslError } from '../base/errors.ts';
import { whyNotFollow } from './address-rules.ts';
import type { ResolveHost } from './address-rules.ts';
import type { HttpRequest, Transport } from './http.ts';
import { printable } from '../base/printable.ts';
import { printableUrl } from './printable-url.ts';
import { sameOrigin } from './registry-host.ts';

const MAX_REDIRECTS = 10;
// Everything else, above all Authorization, stays with the origin it was made for.
const PORTABLE_HEADERS = new Set(['accept', 'range', 'if-range', 'content-type', 'content-range']);

/** Follows 301, 302 and 303 of GET and HEAD, and 307 and 308 of any request. */
export function createRedirectingTransport(inner: Transport, resolve: ResolveHost): Transport {
  return async (request) => {
    const start = request.url;
    let current = request;
    for (let hops = 0; ; hops++) {
      const response = await inner(current);
      const location = response.headers.get('location');
      if (location === undefined || !mayFollow(response.status, current.method)) return response;
      await response.dispose();
      if (request.redirect === false) throw redirectError(current, 'it redirects a request that holds a secret');
      if (hops === MAX_REDIRECTS) throw redirectError(current, `it redirects more than ${MAX_REDIRECTS} times`);
      const target = parseLocation(location, response.url);
      if (target === undefined) throw redirectError(current, `it redirects to "${printable(location, 100)}"`);
      const why = await whyNotFollow(start, target, resolve);
      if (why !== undefined) throw redirectError(current, `it redirects to ${printableUrl(target)}, but ${why}`);
      current = sameOrigin(target, current.url) ? { ...current, url: target } : withoutSecrets(current, target, start);
    }
  };
}

/** Resolves a Location header against the URL of its response; undefined where it is not a URL. */
export function parseLocation(location: string, base: URL): URL | undefined {
  try {
    const url = new URL(location, base);
    url.hash = '';
    url.username = '';
    url.password = '';
    return url;
  } catch {
    return undefined;
  }
}

function mayFollow(status: number, method: HttpRequest['method']): boolean {
  if (status === 307 || status === 308) return true;
  return (status === 301 || status === 302 || status === 303) && (method === 'GET' || method === 'HEAD');
}

function withoutSecrets(request: HttpRequest, url: URL, registry: URL): HttpRequest {
  const headers = Object.fromEntries(Object.entries(request.headers ?? {}).filter(([name]) => PORTABLE_HEADERS.has(name)));
  return { ...request, url, headers, foreignTo: registry };
}

function redirectError(request: HttpRequest, is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_REDIRECT_REFUSED',
    kind: 'network',
    message: `Cannot ${request.method} ${printableUrl(request.url)}: ${is}`,
  });
}
