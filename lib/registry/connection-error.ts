// Failures to get an answer at all, from system, TLS and HTTP-parser errors to messages that name host and cause.
import { OcidslError, isOcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { printableUrl } from './printable-url.ts';
import { isLoopbackHost } from './registry-host.ts';

const TLS_CODES: Record<string, string> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is signed by an unknown authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  CERT_REVOKED: 'its certificate is revoked',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'its TLS version is too old',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'its TLS version is too old',
  EPROTO: 'the TLS handshake failed',
};

const NETWORK_CODES: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_CLOSED: 'the connection was closed',
  UND_ERR_DESTROYED: 'the connection was closed',
  UND_ERR_ABORTED: 'the connection was closed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer is shorter or longer than its Content-Length',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'the network is unreachable',
  ENETDOWN: 'the network is unreachable',
  // What Linux says of IPv6 addresses on a machine without any.
  EADDRNOTAVAIL: 'the network is unreachable',
  EAI_AGAIN: 'the name could not be resolved for now',
};

const TIMEOUT_CODES: Record<string, string> = {
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'no connection was made in 30 seconds',
  UND_ERR_HEADERS_TIMEOUT: 'the server did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'the server stopped sending',
};

const ADD_CA = 'Add the authority with SSL_CERT_FILE or /etc/docker/certs.d/<host>/ca.crt';

/** Turns what undici threw into a network failure; what is already one, or is not of the network, stays as it is. */
export function connectionError(method: string, url: URL, thrown: unknown): unknown {
  if (isOcidslError(thrown)) return thrown;
  const error = rootCause(thrown);
  const code = error.code ?? '';
  const fail = (ours: `OCIDSL_${string}`, why: string, hint?: string) =>
    new OcidslError({
      code: ours,
      kind: 'network',
      message: `Cannot ${method} ${printableUrl(url)}: ${why}`,
      hint,
      cause: thrown,
    });
  if (code === 'OCIDSL_PRIVATE_ADDRESS') return fail('OCIDSL_ADDRESS_REFUSED', printable(error.message));
  if (code === 'ENOTFOUND')
    return fail('OCIDSL_HOST_UNKNOWN', `there is no host named "${url.hostname}"`, 'Check the name and the network connection');
  const tls =
    TLS_CODES[code] ??
    (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || /CERT/.test(code) ? printable(error.message) : undefined);
  if (tls !== undefined) {
    return fail('OCIDSL_TLS_REJECTED', tls, /unknown authority|self-signed/.test(tls) ? ADD_CA : plainHttpHint(tls, url));
  }
  const timeout = TIMEOUT_CODES[code];
  if (timeout !== undefined) return fail('OCIDSL_CONNECTION_TIMEOUT', timeout);
  // Nothing listens on this machine: waiting does not help, unlike with a registry behind a restarting balancer.
  if (code === 'ECONNREFUSED' && isLoopbackHost(url.hostname)) {
    return fail('OCIDSL_CONNECTION_REFUSED', `nothing listens on ${url.host}`, 'Start the server, or check the port');
  }
  if (/Proxy response/.test(error.message ?? '')) return fail('OCIDSL_PROXY_REFUSED', printable(error.message));
  if (code.startsWith('Z_') || code.startsWith('ERR_BROTLI'))
    return fail('OCIDSL_CONNECTION_FAILED', 'its compressed answer is damaged or cut short');
  const why = NETWORK_CODES[code];
  if (why !== undefined) return fail('OCIDSL_CONNECTION_FAILED', why);
  if (error.name === 'HTTPParserError' || code.startsWith('UND_ERR_'))
    return fail('OCIDSL_CONNECTION_FAILED', `the answer is not HTTP (${printable(error.message)})`);
  // Every other failure of a system call on a socket: EHOSTDOWN, ENOTCONN, EAI_FAIL and what other systems add.
  if (/^(?:connect|read|write|shutdown|getaddrinfo)$/.test(error.syscall ?? '') && code !== '')
    return fail('OCIDSL_CONNECTION_FAILED', printable(error.message));
  return thrown;
}

/** The failure of a connection that is open and on which nothing moves. */
export function timeoutError(method: string, url: URL, why: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_CONNECTION_TIMEOUT',
    kind: 'network',
    message: `Cannot ${method} ${printableUrl(url)}: ${why}`,
  });
}

/** Whether the same request may succeed when it is sent again later. */
export function isTransient(error: unknown): boolean {
  return isOcidslError(error) && (error.code === 'OCIDSL_CONNECTION_FAILED' || error.code === 'OCIDSL_CONNECTION_TIMEOUT');
}

function plainHttpHint(why: string, url: URL): string | undefined {
  return why === 'it does not speak TLS' ? `If ${url.host} serves plain HTTP, list it as insecure` : undefined;
}

// Happy eyeballs gives an AggregateError with one error an address; undici wraps some causes.
function rootCause(thrown: unknown): NodeJS.ErrnoException {
  let error = thrown as NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] };
  for (let depth = 0; depth < 5; depth++) {
    const inner = error.errors?.[0] ?? (error.cause as NodeJS.ErrnoException | undefined);
    const isSpecific = error.code !== undefined && error.code !== 'UND_ERR_SOCKET' && error.code !== 'UND_ERR';
    if (isSpecific || inner === undefined || typeof inner !== 'object' || inner === null) break;
    error = inner;
  }
  return error;
}
