// Reads one blob: size and digest checked, and continued by Range where the connection breaks off.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
import { createHash } from 'node:crypto';
import { OcidslError } from '../base/errors.ts';
import { isTransient } from './connection-error.ts';
import type { HttpResponse } from './http.ts';
import { printableUrl } from './printable-url.ts';
import { quoted, refusal, repositoryUrl, sendTo } from './repository-context.ts';
import type { BlobIdentity, RepositoryContext } from './repository-context.ts';

/**
 * The bytes of a blob, in order. A reader that got to the end has the right bytes; until then they are not vouched for, and neither are those
 * from a `start` above 0 on, since what comes before is not seen.
 * @throws OCIDSL_BLOB_NOT_FOUND, OCIDSL_DIGEST_MISMATCH, OCIDSL_REGISTRY_…, OCIDSL_CONNECTION_…
 */
export async function* readBlob(
  context: RepositoryContext,
  blob: BlobIdentity,
  signal?: AbortSignal,
  start = 0,
): AsyncGenerator<Uint8Array> {
  const { backoff, limits } = context;
  const hash = createHash(blob.digest.split(':', 1)[0] === 'sha512' ? 'sha512' : 'sha256');
  let offset = start;
  let failures = 0;
  let milestone = start + limits.progressBytes;
  let etag: string | undefined;
  let from = repositoryUrl(context, `blobs/${blob.digest}`);

  for (;;) {
    let response: HttpResponse | undefined;
    try {
      response = await request(context, blob, offset, etag, signal);
      from = response.url;
      etag = strongEtag(response) ?? etag;
      // A 200 to a range is the whole blob again: what is known already is passed over, not hashed twice.
      let skip = response.status === 200 ? offset : 0;
      for await (let chunk of response.body) {
        if (skip >= chunk.byteLength) {
          skip -= chunk.byteLength;
          continue;
        }
        if (skip > 0) chunk = chunk.subarray(skip);
        skip = 0;
        if (offset + chunk.byteLength > blob.size) throw mismatch(context, blob, from, `more than ${offset} bytes`, `${blob.size} bytes`);
        offset += chunk.byteLength;
        hash.update(chunk);
        if (offset >= milestone) {
          failures = 0;
          milestone = offset + limits.progressBytes;
        }
        yield chunk;
      }
      // The end of a body without length looks like this too when it was cut.
      if (offset === blob.size) break;
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (++failures >= backoff.attempts) throw error;
      await backoff.pause(failures, from, undefined, signal);
      continue;
    } finally {
      await response?.dispose();
    }
    if (++failures >= backoff.attempts) throw mismatch(context, blob, from, `${offset} bytes`, `${blob.size} bytes`);
    await backoff.pause(failures, from, undefined, signal);
  }
  if (start > 0) return;
  const digest = `${blob.digest.split(':', 1)[0]}:${hash.digest('hex')}`;
  if (digest !== blob.digest) throw mismatch(context, blob, from, digest, blob.digest);
}

async function request(
  context: RepositoryContext,
  blob: BlobIdentity,
  offset: number,
  etag: string | undefined,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  const headers: Record<string, string> = {};
  if (offset > 0) headers['range'] = `bytes=${offset}-`;
  if (offset > 0 && etag !== undefined) headers['if-range'] = etag;
  const response = await sendTo(context, 'pull', { method: 'GET', url: repositoryUrl(context, `blobs/${blob.digest}`), headers, signal });
  if (response.status === 200) return response;
  if (response.status === 206 && offset > 0) {
    if (response.headers.get('content-range')?.startsWith(`bytes ${offset}-`)) return response;
    await response.dispose();
    throw mismatch(context, blob, response.url, 'another part than was asked for', `bytes from ${offset}`);
  }
  const doing = `download blob "${blob.digest}" from ${quoted(context)}`;
  if (response.status !== 404) throw await refusal(doing, response);
  await response.dispose();
  throw new OcidslError({ code: 'OCIDSL_BLOB_NOT_FOUND', kind: 'network', message: `Cannot ${doing}: the registry does not have it` });
}

function strongEtag(response: HttpResponse): string | undefined {
  const etag = response.headers.get('etag');
  return etag?.startsWith('"') ? etag : undefined;
}

function mismatch(context: RepositoryContext, blob: BlobIdentity, from: URL, is: string, expected: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_DIGEST_MISMATCH',
    kind: 'integrity',
    message: `Cannot download blob "${blob.digest}" from ${quoted(context)}: ${printableUrl(from)} sent ${is}, expected ${expected}`,
  });
}
