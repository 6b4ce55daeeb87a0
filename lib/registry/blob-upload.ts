// Uploads one blob: POST and PUT in one piece by default, in chunks where the registry wants them, continued after a cut
// where the registry's own count can be believed, from zero where not. The registry checks the digest at the end.
import { OcidslError } from '../base/errors.ts';
import { createByteCursor } from './byte-cursor.ts';
import type { ByteCursor, OpenBlob } from './byte-cursor.ts';
import { isTransient } from './connection-error.ts';
import type { HttpResponse } from './http.ts';
import { failureError, readFailure } from './registry-failure.ts';
import type { RegistryFailure } from './registry-failure.ts';
import { quoted, sendTo } from './repository-context.ts';
import type { BlobIdentity, RepositoryContext } from './repository-context.ts';
import { isRetryableStatus } from './retrying-transport.ts';
import { cancelUpload, foreignTo, nextSession, parseRangeEnd, startUpload, uploadOffset } from './upload-session.ts';
import type { UploadSession } from './upload-session.ts';

/** A blob and how to read it. */
export interface BlobUpload extends BlobIdentity {
  /** Opens the bytes from an offset; called again for every retry. */
  readonly open: OpenBlob;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that the registry is known to have. */
  readonly onProgress?: (bytes: number) => void;
  /** Called with the position behind the last byte that was given to the connection; it goes back where an upload starts again. */
  readonly onSent?: (position: number) => void;
}

/** What one request did to an upload. */
type Step =
  | { readonly is: 'done' }
  | { readonly is: 'advanced'; readonly session: UploadSession; readonly offset: number }
  | { readonly is: 'too large'; readonly failure: RegistryFailure }
  | { readonly is: 'lost'; readonly failure: RegistryFailure }
  | { readonly is: 'unsure'; readonly cause: unknown; readonly response?: HttpResponse };

/** Uploads `blob` in an already started session or in a new one. What breaks off is cancelled at the registry. */
export async function uploadBlob(context: RepositoryContext, blob: BlobUpload, started?: UploadSession): Promise<void> {
  const upload = new Upload(context, blob, started ?? (await startUpload(context)));
  try {
    await upload.run();
  } catch (error) {
    await cancelUpload(context, upload.session);
    throw error;
  } finally {
    upload.close();
  }
}

class Upload {
  readonly #context: RepositoryContext;
  readonly #blob: BlobUpload;
  readonly #cursor: ByteCursor;
  /** The newest session. */
  session: UploadSession;
  #offset = 0;
  /** Undefined: everything that is left in one request. */
  #chunkBytes: number | undefined;
  /** The offset that counts as progress the next time it is passed. */
  #milestone: number;
  #failures = 0;
  #resumable = true;

  constructor(context: RepositoryContext, blob: BlobUpload, session: UploadSession) {
    this.#context = context;
    this.#blob = blob;
    this.#cursor = createByteCursor(blob.open, blob.onSent);
    this.session = session;
    this.#milestone = context.limits.progressBytes;
  }

  close(): void {
    this.#cursor.close();
  }

  async run(): Promise<void> {
    for (;;) {
      const step = await this.#send();
      switch (step.is) {
        case 'done':
          this.#blob.onProgress?.(this.#blob.size);
          return;
        case 'advanced':
          this.#advance(step.session, step.offset);
          break;
        case 'too large':
          this.#shrink(step.failure);
          await this.#restart();
          break;
        case 'lost':
          this.#countFailure(() => failureError(this.#doing(), step.failure));
          await this.#restart();
          break;
        case 'unsure':
          this.#countFailure(() => step.cause);
          this.#cutLargeBody();
          await this.#context.backoff.pause(this.#failures, this.session.location, step.response, this.#blob.signal);
          await this.#recover();
      }
    }
  }

  /** One request: the whole rest by PUT, the next chunk by PATCH, or the closing PUT. */
  async #send(): Promise<Step> {
    const { size } = this.#blob;
    if (this.#offset === 0 && this.#chunkBytes === undefined) return this.#put(0);
    if (this.#offset === size) return this.#put(size);
    const chunk = this.#chunkBytes === undefined ? size : Math.max(this.#chunkBytes, this.session.minChunkBytes);
    return this.#patch(Math.min(size, this.#offset + chunk));
  }

  async #put(from: number): Promise<Step> {
    const { digest, size } = this.#blob;
    const url = withDigest(this.session.location, digest);
    // The registry may read the whole blob again before it answers: allow for 10 MB/s.
    const response = await this.#request('PUT', url, from, size, { headersTimeoutMs: 60_000 + Math.ceil(size / 10_000) });
    if (!('status' in response)) return response;
    if (response.status >= 200 && response.status <= 204) {
      checkStored(this.#doing(), digest, response.headers.get('docker-content-digest'));
      await response.dispose();
      return { is: 'done' };
    }
    return this.#refused(response);
  }

  async #patch(end: number): Promise<Step> {
    const start = this.#offset;
    const headers = { 'content-range': `${start}-${end - 1}` };
    const response = await this.#request('PATCH', this.session.location, start, end, { headers });
    if (!('status' in response)) return response;
    if (response.status >= 200 && response.status <= 204) {
      const session = await nextSession(this.#context, response, this.session);
      await response.dispose();
      const last = parseRangeEnd(response.headers.get('range'));
      // `0-0` and what lies outside of this chunk says nothing; a smaller end means that the rest was not taken.
      const isTold = last !== undefined && last > start && last < end;
      return { is: 'advanced', session, offset: isTold ? last + 1 : end };
    }
    if (response.status === 416) {
      const failure = await readFailure(response);
      return { is: 'unsure', cause: failureError(this.#doing(), failure) };
    }
    return this.#refused(response);
  }

  /** Sends bytes; failures that leave the session's state open come back as a step. */
  async #request(
    method: 'PUT' | 'PATCH',
    url: URL,
    start: number,
    end: number,
    options: { readonly headers?: Record<string, string>; readonly headersTimeoutMs?: number },
  ): Promise<HttpResponse | Step> {
    const sizeBytes = end - start;
    try {
      return await sendTo(this.#context, 'pull,push', {
        method,
        url,
        ...foreignTo(this.#context, url),
        ...options,
        headers: { 'content-type': 'application/octet-stream', ...options.headers },
        body: { sizeBytes, open: () => (sizeBytes === 0 ? new Uint8Array() : this.#cursor.slice(start, end)) },
        retry: false,
        signal: this.#blob.signal,
      });
    } catch (error) {
      if (!isTransient(error)) throw error;
      return { is: 'unsure', cause: error };
    }
  }

  async #refused(response: HttpResponse): Promise<Step> {
    const failure = await readFailure(response);
    if (failure.status === 413) return { is: 'too large', failure };
    const error = failureError(this.#doing(), failure);
    if (isRetryableStatus(failure.status)) return { is: 'unsure', cause: error, response };
    // docker-registry 2.8 says INVALID for a session that it does not know. A wrong digest after a resumed upload means that
    // its count was wrong; without, that bytes were damaged on the way: once more from the start settles it.
    const isLost = failure.status === 404 || failure.codes.some((code) => code.startsWith('BLOB_UPLOAD_'));
    if (!isLost && !(failure.codes.includes('DIGEST_INVALID') && this.#resumable)) throw error;
    if (!isLost) this.#resumable = false;
    return { is: 'lost', failure };
  }

  /** After a cut: go on from the registry's own count where it can be right, else from zero in a new session. */
  async #recover(): Promise<void> {
    const { limits } = this.#context;
    if (this.#resumable && this.#cursor.furthest >= limits.resumeFromBytes) {
      const found = await uploadOffset(this.#context, this.session).catch(() => undefined);
      const isPossible = found !== undefined && found.offset > 0 && found.offset <= this.#cursor.furthest;
      if (isPossible && found.offset >= limits.resumeFromBytes) {
        this.#advance(found.session, found.offset);
        return;
      }
    }
    await this.#restart();
  }

  async #restart(): Promise<void> {
    await cancelUpload(this.#context, this.session);
    this.session = await startUpload(this.#context);
    this.#offset = 0;
  }

  #advance(session: UploadSession, offset: number): void {
    this.session = session;
    this.#offset = offset;
    this.#blob.onProgress?.(offset);
    if (offset >= this.#milestone) {
      this.#failures = 0;
      this.#milestone = offset + this.#context.limits.progressBytes;
    }
  }

  #shrink(failure: RegistryFailure): void {
    const { chunkBytes, minChunkBytes } = this.#context.limits;
    const least = Math.max(minChunkBytes, this.session.minChunkBytes);
    const current = this.#chunkBytes ?? this.#blob.size;
    if (current <= least) throw failureError(this.#doing(), failure);
    const next = this.#chunkBytes === undefined ? Math.min(chunkBytes, current / 2) : current / 2;
    this.#chunkBytes = Math.max(least, Math.floor(next));
  }

  // Some proxies answer a large body by closing the connection, and their 413 is never seen (buildkit #4320).
  #cutLargeBody(): void {
    const { chunkBytes } = this.#context.limits;
    if (this.#failures >= 2 && this.#chunkBytes === undefined && this.#blob.size > chunkBytes) this.#chunkBytes = chunkBytes;
  }

  #countFailure(cause: () => unknown): void {
    this.#failures++;
    if (this.#failures >= this.#context.backoff.attempts) throw cause();
  }

  #doing(): string {
    return `upload blob "${this.#blob.digest}" to ${quoted(this.#context)}`;
  }
}

/** Adds the digest to a session's location, whose own query stays byte for byte. */
export function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

/**
 * Compares the digest that a registry reports with the one that was sent. Another algorithm says nothing.
 * @throws OCIDSL_DIGEST_MISMATCH
 */
export function checkStored(doing: string, sent: string, reported: string | undefined): void {
  if (reported === undefined || reported === sent) return;
  if (reported.split(':', 1)[0] !== sent.split(':', 1)[0]) return;
  throw new OcidslError({
    code: 'OCIDSL_DIGEST_MISMATCH',
    kind: 'integrity',
    message: `Cannot ${doing}: the registry stored ${reported.slice(0, 100)}, expected ${sent}`,
  });
}
