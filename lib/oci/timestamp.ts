// Points in time in configs and annotations.
import { valueError } from './value-error.ts';

/** `created` of an image whose time is not set: the start of Unix time, so that the same inputs give the same bytes. */
export const EPOCH = '1970-01-01T00:00:00Z';

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:Z|[+-](\d{2}):(\d{2}))$/;

/**
 * Checks a time in RFC 3339, as `2024-05-01T12:00:00Z`, and returns it unchanged.
 * @throws OCIDSL_IMAGE_VALUE
 */
export function checkTimestamp(text: string, thing = 'time'): string {
  const match = RFC3339.exec(text);
  const expected = 'a time in RFC 3339 as 2024-05-01T12:00:00Z';
  if (!match) throw valueError(thing, text, 'it has another form', expected);
  const [year, month, day, hour, minute, second, offsetHour = 0, offsetMinute = 0] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number?,
    number?,
  ];
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const isTime =
    month >= 1 && month <= 12 && day >= 1 && day <= days && hour < 24 && minute < 60 && second < 60 && offsetHour < 24 && offsetMinute < 60;
  if (!isTime) throw valueError(thing, text, 'there is no such time', expected);
  return text;
}

/** A number of seconds since the start of 1970, as SOURCE_DATE_EPOCH has, in RFC 3339. */
export function timestampOfSeconds(seconds: number): string {
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > 253_402_300_799) {
    throw valueError('time', String(seconds), 'it is out of range', 'whole seconds from 1970 to 9999');
  }
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}
