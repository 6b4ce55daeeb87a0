// Repeats requests that may be repeated: exponential backoff with full jitter, Retry-After in both its forms, and one
// pause per host that all requests to it share.
import { OcidslError } from '../base/errors.ts';
import { isTransient } from './connection-error.ts';
import type { Clock, HttpResponse, Transport } from './http.ts';
import { printableUrl } from './printable-url.ts';

/** When and how often to try again. */
export interface RetryPolicy {
  /** Tries in all, without progress in between. Default: 5. */
  readonly attempts: number;
  /** Upper bound of the first pause; it doubles each time. Default: 500 ms. */
  readonly firstDelayMs: number;
  /** Upper bound of a pause that the server did not ask for. Default: 30 s. */
  readonly maxDelayMs: number;
  /** Longest Retry-After that is honoured; above, the request fails and says so. Default: 10 min. */
  readonly maxRetryAfterMs: number;
}

/** The defaults. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { attempts: 5, firstDelayMs: 500, maxDelayMs: 30_000, maxRetryAfterMs: 600_000 };

// 499 and 522 come from nginx and Cloudflare in front of a registry that did not answer them in time.
const RETRYABLE_STATUS = new Set([408, 429, 499, 500, 502, 503, 504, 522]);

/** Whether an answer means "later". */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE_STATUS.has(status);
}

/** Pauses between attempts. */
export interface Backoff {
  /**
   * Waits before attempt number `next` (1 = the second try).
   * @throws OCIDSL_REGISTRY_BUSY where the server asks for more than the policy allows
   */
  pause(next: number, url: URL, response: HttpResponse | undefined, signal?: AbortSignal): Promise<void>;
  /** Waits until the host of `url` takes requests again. */
  ready(url: URL, signal?: AbortSignal): Promise<void>;
  readonly attempts: number;
}

/** Pauses by `policy`, in the time of `clock`. */
export function createBackoff(policy: RetryPolicy, clock: Clock): Backoff {
  const notBefore = new Map<string, number>();
  return {
    attempts: policy.attempts,
    async pause(next, url, response, signal) {
      const asked = response && parseRetryAfter(response.headers.get('retry-after'), clock.now());
      if (asked !== undefined) {
        if (asked > policy.maxRetryAfterMs) throw busyError(url, asked);
        notBefore.set(url.origin, clock.now() + asked);
        await clock.sleep(asked, signal);
        return;
      }
      const bound = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (next - 1));
      await clock.sleep(Math.floor(clock.random() * bound), signal);
    },
    async ready(url, signal) {
      const wait = (notBefore.get(url.origin) ?? 0) - clock.now();
      if (wait > 0) await clock.sleep(wait, signal);
    },
  };
}

/**
 * A Retry-After header in milliseconds from `nowMs`: seconds or an HTTP-date; undefined where absent or unreadable.
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse takes nearly anything; the three date forms of HTTP all have a time and begin with a day's name.
  const date = /^[A-Za-z]{3,9},? .*\d\d:\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** Sends again what `inner` could not get an answer to, unless the request says `retry: false`. */
export function createRetryingTransport(inner: Transport, backoff: Backoff): Transport {
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      await backoff.ready(request.url, request.signal);
      const isLast = request.retry === false || attempt >= backoff.attempts;
      let response: HttpResponse | undefined;
      try {
        response = await inner(request);
        if (isLast || !isRetryableStatus(response.status)) return response;
      } catch (error) {
        if (isLast || !isTransient(error)) throw error;
      }
      await response?.dispose();
      await backoff.pause(attempt, request.url, response, request.signal);
    }
  };
}

function busyError(url: URL, askedMs: number): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_REGISTRY_BUSY',
    kind: 'network',
    message: `Cannot reach ${printableUrl(new URL('/', url))}: it asks to come back in ${Math.ceil(askedMs / 1000)} seconds`,
  });
}
