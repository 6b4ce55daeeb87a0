// GOPROXY: which module proxies are asked, and when the next one is. https://go.dev/ref/mod#goproxy-protocol
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { FetchContext } from './fetch-context.ts';
import { goSetting } from './go-settings.ts';

/** One proxy of the list. */
export interface GoProxy {
  /** Ends with `/`: http, https or file. */
  readonly url: URL;
  /** Whether any failure leads to the next proxy, and not only the answer that something is not there. */
  readonly fallsBackOnError: boolean;
  /** Whether this is `direct`: no proxy, but the server of the Go team. */
  readonly isOrigin: boolean;
}

// What the origin server of golang.org/toolchain names as its own proxy: `go-import` content of https://golang.org/toolchain?go-get=1.
const TOOLCHAIN_ORIGIN = 'https://go.dev/dl/mod';

/**
 * The proxies of GOPROXY's value in their order; `direct` is the server that the Go team runs for toolchains, `off` ends the list.
 * @throws OCIDSL_GO_PROXY for what is no list of proxies
 */
export function parseGoProxies(value: string): GoProxy[] {
  const proxies: GoProxy[] = [];
  for (const [, entry = '', separator] of value.matchAll(/([^,|]+)([,|]|$)/g)) {
    const text = entry.trim();
    if (text === '') continue;
    if (text === 'off') return proxies;
    const fallsBackOnError = separator === '|';
    if (text === 'direct') return [...proxies, { url: new URL(`${TOOLCHAIN_ORIGIN}/`), fallsBackOnError, isOrigin: true }];
    proxies.push({ url: proxyUrl(text), fallsBackOnError, isOrigin: false });
  }
  if (proxies.length === 0) throw notAList('it names no proxy');
  return proxies;
}

/**
 * The proxies of a command.
 * @throws OCIDSL_GO_PROXY, and for GOPROXY=off OCIDSL_GO_PROXY_OFF
 */
export function goProxiesOf({ environment }: FetchContext): readonly GoProxy[] {
  const proxies = parseGoProxies(goSetting('GOPROXY', environment));
  if (proxies.length > 0) return proxies;
  throw new OcidslError({
    code: 'OCIDSL_GO_PROXY_OFF',
    kind: 'network',
    message: 'Cannot download Go: GOPROXY=off forbids it, expected a module proxy',
    hint: 'Build once where the network is allowed, or give goToolchain urls',
  });
}

/**
 * What the first proxy gives that has it; undefined where none has.
 * @throws the failure of the last proxy that could not be asked
 */
export async function tryGoProxies<T>(proxies: readonly GoProxy[], ask: (base: URL) => Promise<T | undefined>): Promise<T | undefined> {
  let failure: unknown;
  for (const { url, fallsBackOnError } of proxies) {
    try {
      const found = await ask(url);
      if (found !== undefined) return found;
    } catch (error) {
      failure = error;
      if (!fallsBackOnError) break;
    }
  }
  if (failure !== undefined) throw failure as Error;
  return undefined;
}

function proxyUrl(text: string): URL {
  // Single words are reserved for meanings of their own; everything else without a scheme is a host.
  if (!/[.:/]/.test(text)) throw notAList(`"${printable(text, 60)}" is no proxy`);
  const url = parseUrl(text.includes(':/') ? text : `https://${text}`);
  if (url === undefined || !['http:', 'https:', 'file:'].includes(url.protocol)) throw notAList('an entry is no URL of a proxy');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

// The value may hold a password, so it is not shown.
function notAList(is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GO_PROXY',
    kind: 'environment',
    message: `Cannot use GOPROXY: ${is}, expected URLs separated by "," or "|", "direct" or "off"`,
  });
}
