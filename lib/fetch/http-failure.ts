// Why a file could not be downloaded.
import { formatDigest, type Digest } from '../base/digest.ts';
import { isOcidslError, OcidslError, type ErrorKind } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { HttpResponse } from '../registry/http.ts';
import { printableUrl } from '../registry/printable-url.ts';

const STATUS: Readonly<Record<number, string>> = {
  400: ' Bad Request',
  401: ' Unauthorized',
  403: ' Forbidden',
  404: ' Not Found',
  407: ' Proxy Authentication Required',
  410: ' Gone',
  429: ' Too Many Requests',
  451: ' Unavailable For Legal Reasons',
  500: ' Internal Server Error',
  502: ' Bad Gateway',
  503: ' Service Unavailable',
  504: ' Gateway Timeout',
};

/** OCIDSL_DOWNLOAD_STATUS: the server does not give the file. */
export function statusError({ url, status }: HttpResponse): OcidslError {
  const asksForCredentials = status === 401 || status === 403;
  return new OcidslError({
    code: 'OCIDSL_DOWNLOAD_STATUS',
    kind: asksForCredentials ? 'credentials' : 'network',
    message: `Cannot download "${printableUrl(url)}": the server answered ${status}${STATUS[status] ?? ''}, expected the file`,
    hint: asksForCredentials ? 'Files are asked for without credentials: use a URL that needs none' : undefined,
  });
}

/** OCIDSL_DOWNLOAD_CUT: the connection ended before the file did. Of kind `network`. */
export function cutError(url: URL, bytes: number, expected: number | undefined): OcidslError {
  const wanted = expected === undefined ? 'the whole file' : `${expected} bytes`;
  return new OcidslError({
    code: 'OCIDSL_DOWNLOAD_CUT',
    kind: 'network',
    message: `Cannot download "${printableUrl(url)}": the connection ended after ${bytes} bytes, expected ${wanted}`,
  });
}

/** OCIDSL_DOWNLOAD_MISMATCH: the bytes are not those of the pinned file. */
export function mismatchError(url: URL, is: string, expected: string, response?: HttpResponse): OcidslError {
  const isPage = /^text\/html\b/i.test(response?.headers.get('content-type') ?? '');
  return new OcidslError({
    code: 'OCIDSL_DOWNLOAD_MISMATCH',
    kind: 'integrity',
    message: `Cannot download "${printableUrl(url)}": ${is}, expected ${expected}`,
    hint: isPage
      ? 'The server sent a web page: open the URL in a browser'
      : 'Find out why the file changed before you change the digest: publishers do not change files that they have released',
  });
}

/** What a digest and size say in such an error. */
export function describeBytes(digest: Digest): string {
  return `its ${digest.sizeBytes} bytes have the digest ${formatDigest(digest)}`;
}

/** OCIDSL_DOWNLOAD_UNBOUNDED: nothing says where the file ends, and no digest tells a cut one from a whole one. */
export function unboundedError(url: URL): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_DOWNLOAD_UNBOUNDED',
    kind: 'network',
    message: `Cannot download "${printableUrl(url)}": the server does not say how long it is, expected a Content-Length`,
    hint: 'Set digest, so that a whole file can be told from a cut one',
  });
}

/** OCIDSL_DOWNLOAD_TOO_LARGE: the file has more bytes than the limit. */
export function tooLargeError(url: URL, limitBytes: number): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_DOWNLOAD_TOO_LARGE',
    kind: 'integrity',
    message: `Cannot download "${printableUrl(url)}": it is too large, expected at most ${limitBytes} bytes`,
  });
}

const GRAVITY: readonly ErrorKind[] = ['integrity', 'credentials'];

/** One error for what went wrong at each URL: the only one, or a list in the order in which they were tried. */
export function combineFailures(failures: readonly OcidslError[]): OcidslError {
  const [first] = failures;
  if (first === undefined || failures.length === 1) return first ?? unreachable();
  const kind = GRAVITY.find((each) => failures.some((failure) => failure.kind === each)) ?? 'network';
  const worst = failures.find((failure) => failure.kind === kind) ?? first;
  return new OcidslError({
    code: worst.code,
    kind,
    message: `Cannot download a file: none of its ${failures.length} URLs gave it`,
    output: failures.map(({ message }) => `  ${message}`).join('\n'),
    hint: worst.hint,
    cause: failures,
  });
}

/** The failure to try the next URL after; anything else ends the download at once. */
export function asUrlFailure(error: unknown): OcidslError {
  if (isOcidslError(error) && error.kind !== 'environment' && error.kind !== 'interrupted') return error;
  throw error;
}

/** OCIDSL_DOWNLOAD_URL: a URL that is not asked. `is` does not repeat it. */
export function urlError(text: string, is: string): OcidslError {
  const shown = printable(text.replace(/\/\/[^/]*@/, '//***@'));
  return new OcidslError({ code: 'OCIDSL_DOWNLOAD_URL', message: `Cannot download "${shown}": ${is}, expected an https URL` });
}

function unreachable(): never {
  throw new RangeError('Cannot combine no failures');
}
