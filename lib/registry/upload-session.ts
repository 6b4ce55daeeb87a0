// Upload sessions of the distribution spec: start, mount, ask for the offset, cancel. A session is its newest Location.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
import { OcidslError } from '../base/errors.ts';
import { whyNotFollow } from './address-rules.ts';
import type { HttpResponse } from './http.ts';
import { printable } from '../base/printable.ts';
import { printableUrl } from './printable-url.ts';
import { parseLocation } from './redirecting-transport.ts';
import { sameOrigin } from './registry-host.ts';
import { quoted, refusal, repositoryUrl, scopeOf, sendTo } from './repository-context.ts';
import type { RepositoryContext } from './repository-context.ts';

// A command that was interrupted has to end soon, whatever the registry does.
const CANCEL_TIMEOUT_MS = 1_000;

/** An open upload. */
export interface UploadSession {
  /** Where to send bytes next: opaque, query included, renewed by every answer. */
  readonly location: URL;
  /** The smallest chunk that the registry takes, 0 where it does not say (OCI-Chunk-Min-Length). */
  readonly minChunkBytes: number;
}

/** Starts an upload. */
export async function startUpload(context: RepositoryContext): Promise<UploadSession> {
  const response = await sendTo(context, 'pull,push', { method: 'POST', url: repositoryUrl(context, 'blobs/uploads/') });
  if (response.status !== 202 && response.status !== 201 && response.status !== 200) {
    throw await refusal(`start an upload to ${quoted(context)}`, response);
  }
  const session = await nextSession(context, response);
  await response.dispose();
  return session;
}

/**
 * Asks the registry to take a blob over from another repository of it.
 * @returns `mounted`, a session that was opened instead, or undefined where mounting is refused
 */
export async function tryMount(context: RepositoryContext, digest: string, from: string): Promise<'mounted' | UploadSession | undefined> {
  const url = repositoryUrl(context, 'blobs/uploads/');
  url.search = `?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
  const response = await sendTo(context, 'pull,push', { method: 'POST', url, moreScopes: [scopeOf(from, 'pull')] });
  try {
    if (response.status === 201) return 'mounted';
    // 401 and 403 only say that the other repository may not be read (containerd #11709); the blob is then uploaded.
    if (response.status !== 202) return undefined;
    return await nextSession(context, response);
  } finally {
    await response.dispose();
  }
}

/**
 * How many bytes of an upload the registry has.
 * @returns undefined where the session is gone, or where the answer does not say
 */
export async function uploadOffset(
  context: RepositoryContext,
  session: UploadSession,
): Promise<{ readonly offset: number; readonly session: UploadSession } | undefined> {
  const response = await sendTo(context, 'pull,push', { method: 'GET', url: session.location, ...foreignTo(context, session.location) });
  try {
    if (response.status !== 204 && response.status !== 202 && response.status !== 200) return undefined;
    const end = parseRangeEnd(response.headers.get('range'));
    if (end === undefined) return undefined;
    // `0-0` means one byte in a session with bytes, and none in a fresh one: both are cheaper sent again than guessed.
    return { offset: end === 0 ? 0 : end + 1, session: await nextSession(context, response, session) };
  } finally {
    await response.dispose();
  }
}

/** Tells the registry that an upload will not be finished. Failures do not matter: sessions expire. */
export async function cancelUpload(context: RepositoryContext, session: UploadSession): Promise<void> {
  try {
    const request = { method: 'DELETE', url: session.location, retry: false, signal: AbortSignal.timeout(CANCEL_TIMEOUT_MS) } as const;
    const response = await sendTo(context, 'pull,push', { ...request, ...foreignTo(context, session.location) });
    await response.dispose();
  } catch {
    // See above.
  }
}

/**
 * The session after an answer: its Location, checked, or the previous one where it has none.
 * @throws OCIDSL_UPLOAD_LOCATION_REFUSED
 */
export async function nextSession(context: RepositoryContext, response: HttpResponse, previous?: UploadSession): Promise<UploadSession> {
  const header = response.headers.get('location');
  const stated = Number(response.headers.get('oci-chunk-min-length') ?? previous?.minChunkBytes ?? 0);
  const minChunkBytes = Number.isSafeInteger(stated) && stated > 0 ? stated : 0;
  if (header === undefined && previous !== undefined) return { location: previous.location, minChunkBytes };
  const location = header === undefined ? undefined : parseLocation(header, response.url);
  if (location === undefined) {
    throw locationError(context, header === undefined ? 'it sent no Location' : `it sent the Location "${printable(header, 100)}"`);
  }
  const why = await whyNotFollow(context.origin, location, context.resolve);
  if (why !== undefined) throw locationError(context, `it sent the Location ${printableUrl(location)}, but ${why}`);
  return { location, minChunkBytes };
}

/** `foreignTo` for a request to a location of another origin: it gets no credentials. */
export function foreignTo(context: RepositoryContext, location: URL): { readonly foreignTo?: URL } {
  return sameOrigin(location, context.origin) ? {} : { foreignTo: context.origin };
}

/** The end of `0-<end>`, also in the form `bytes=0-<end>`. */
export function parseRangeEnd(header: string | undefined): number | undefined {
  const match = /^(?:bytes[= ])?0-(\d{1,15})$/.exec(header?.trim() ?? '');
  return match === null ? undefined : Number(match[1]);
}

function locationError(context: RepositoryContext, is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_UPLOAD_LOCATION_REFUSED',
    kind: 'network',
    message: `Cannot upload a blob to ${quoted(context)}: ${is}, expected a URL to upload to`,
    hint: context.origin.protocol === 'https:' ? 'A proxy in front of the registry has to send X-Forwarded-Proto: https' : undefined,
  });
}
