// What a registry answers when it refuses: distribution-spec error bodies, read with a bound and never trusted, and their
// translation to OcidslErrors.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
import { OcidslError, isOcidslError } from '../base/errors.ts';
import type { ErrorKind } from '../base/errors.ts';
import { readBounded } from './http.ts';
import type { HttpResponse } from './http.ts';
import { printable } from '../base/printable.ts';

/** The error codes of the distribution spec (UNSUPPORTED etc. included), and Docker's MANIFEST_UNVERIFIED. */
const SPEC_CODES = new Set(
  `BLOB_UNKNOWN BLOB_UPLOAD_INVALID BLOB_UPLOAD_UNKNOWN DIGEST_INVALID MANIFEST_BLOB_UNKNOWN MANIFEST_INVALID MANIFEST_UNKNOWN
   MANIFEST_UNVERIFIED NAME_INVALID NAME_UNKNOWN SIZE_INVALID TAG_INVALID UNAUTHORIZED DENIED UNSUPPORTED TOOMANYREQUESTS`.split(/\s+/),
);

const MAX_BODY_BYTES = 64 * 1024;

/** A refusal: an answer that is not what the request asked for. */
export interface RegistryFailure {
  readonly status: number;
  /** The known codes of the body, in order. */
  readonly codes: readonly string[];
  /** The registry's own words: escaped, bounded; empty where it has none. */
  readonly message: string;
  /** Digests that the body's details name, as with MANIFEST_BLOB_UNKNOWN. */
  readonly digests: readonly string[];
}

/** Reads at most 64 KiB of a refusal. Bodies that are not the spec's JSON only give their first line. */
export async function readFailure(response: HttpResponse): Promise<RegistryFailure> {
  let text = '';
  try {
    text = (await readBounded(response, MAX_BODY_BYTES))?.toString('utf8') ?? '';
  } catch {
    // The status says enough where the rest of the answer was cut off.
  }
  return { status: response.status, ...parseFailureBody(text, response.headers.get('content-type')) };
}

/** The codes and words of an error body. */
export function parseFailureBody(text: string, contentType?: string): Omit<RegistryFailure, 'status'> {
  const errors = parseErrors(text);
  if (errors === undefined) {
    // HTML pages of proxies say nothing that the status does not.
    const isProse = !/html/i.test(contentType ?? '') && !/^\s*</.test(text);
    return { codes: [], message: isProse ? printable(text.trim(), 200) : '', digests: [] };
  }
  const codes = errors.map((error) => String(error['code'])).filter((code) => SPEC_CODES.has(code));
  const message = errors
    .map((error) => [error['code'], error['message']].filter((part) => typeof part === 'string').join(': '))
    .filter((part) => part !== '')
    .slice(0, 5)
    .map((part) => printable(part, 300))
    .join('; ');
  const digests = new Set(JSON.stringify(errors).match(/sha256:[a-f0-9]{64}/g));
  return { codes, message, digests: [...digests] };
}

function parseErrors(text: string): Record<string, unknown>[] | undefined {
  try {
    const body = JSON.parse(text) as { errors?: unknown } | null;
    const errors = typeof body === 'object' && body !== null ? body.errors : undefined;
    if (!Array.isArray(errors) || errors.length === 0) return undefined;
    const objects = errors.filter((error): error is Record<string, unknown> => typeof error === 'object' && error !== null);
    return objects.length > 0 ? objects : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The error of a refusal: code `OCIDSL_REGISTRY_<spec code>`, or `OCIDSL_REGISTRY_HTTP_<status>` where the registry gave none.
 * @param doing what was attempted, as in `push manifest "ghcr.io/acme/hello:1"`
 */
export function failureError(doing: string, failure: RegistryFailure): OcidslError {
  const code = failure.codes[0];
  const words = failure.message === '' ? '' : ` (${failure.message})`;
  return new OcidslError({
    code: `OCIDSL_REGISTRY_${code ?? `HTTP_${failure.status}`}`,
    kind: kindOf(failure),
    message: `Cannot ${doing}: the registry answered ${failure.status}${STATUS[failure.status] ?? ''}${words}`,
    hint: hintFor(failure),
    cause: failure,
  });
}

/** The blobs that a registry misses below a manifest that it refused with MANIFEST_BLOB_UNKNOWN; undefined for other errors. */
export function missingBlobs(error: unknown): readonly string[] | undefined {
  if (!isOcidslError(error) || error.code !== 'OCIDSL_REGISTRY_MANIFEST_BLOB_UNKNOWN') return undefined;
  return (error.cause as RegistryFailure).digests;
}

const STATUS: Record<number, string> = {
  401: ' Unauthorized',
  403: ' Forbidden',
  404: ' Not Found',
  405: ' Method Not Allowed',
  413: ' Content Too Large',
  429: ' Too Many Requests',
  500: ' Internal Server Error',
  502: ' Bad Gateway',
  503: ' Service Unavailable',
  504: ' Gateway Timeout',
};

function kindOf(failure: RegistryFailure): ErrorKind {
  if (failure.status === 401 || failure.status === 403) return 'credentials';
  return failure.codes.some((code) => code === 'DIGEST_INVALID' || code === 'SIZE_INVALID') ? 'integrity' : 'network';
}

function hintFor(failure: RegistryFailure): string | undefined {
  if (failure.codes.includes('NAME_UNKNOWN')) return 'Check the repository, and whether it has to be created first';
  if (failure.status === 403) return 'These credentials do not allow it: check the permissions of the account or token';
  // The words of Go's servers, net/http/server.go.
  if (failure.status === 400 && failure.message.includes('an HTTP request to an HTTPS server')) {
    return 'Registries of this machine, and those that are named insecure, are spoken to by plain HTTP: reach this one at port 443, by a name that is not localhost, or without --insecure';
  }
  if (failure.status === 413) return 'Raise the size limit of the registry or of the proxy in front of it';
  return undefined;
}
