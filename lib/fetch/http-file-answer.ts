// What an answer to a request for a file, or for the rest of one, says about it.
// https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
import type { HttpResponse } from '../registry/http.ts';

/** Where an answer begins and how long the whole file is. */
export interface FileAnswer {
  /** Offset of the first byte of the body. */
  readonly start: number;
  /** Bytes of the whole file; undefined where the answer does not say. */
  readonly totalBytes: number | undefined;
  /** What says in If-Range that it is still the same file: a strong ETag, or the time of the last change. */
  readonly validator: string | undefined;
}

/** Reads an answer; undefined where it is none that has bytes of the file from `offset` or from its start. */
export function readFileAnswer(response: HttpResponse, offset: number): FileAnswer | undefined {
  const validator = validatorOf(response.headers);
  if (response.status === 200) return { start: 0, totalBytes: count(response.headers.get('content-length')), validator };
  if (response.status !== 206 || offset === 0) return undefined;
  const [, start, total] = /^bytes (\d{1,16})-\d{1,16}\/(\d{1,16}|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  return Number(start) === offset ? { start: offset, totalBytes: count(total), validator } : undefined;
}

/** Whether the body is framed so that its end is known to be the file's, where no length is given. */
export function endsVisibly(response: HttpResponse): boolean {
  return /\bchunked\b/i.test(response.headers.get('transfer-encoding') ?? '');
}

// A weak ETag is of no use, and a date only without any. A file that changed in the second before it was sent may have changed after, too.
function validatorOf(headers: HttpResponse['headers']): string | undefined {
  const etag = headers.get('etag');
  if (etag !== undefined) return etag.startsWith('"') ? etag : undefined;
  const modified = headers.get('last-modified');
  const age = Date.parse(headers.get('date') ?? '') - Date.parse(modified ?? '');
  return age >= 1000 ? modified : undefined;
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}
