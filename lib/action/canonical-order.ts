// Order and form of what REAPI messages list. The encoders refuse what is not canonical instead of repairing it: a list
// that somebody sorts wrongly would otherwise be a second key for the same action.
import { compareUtf8 } from '../base/bytes.ts';

/**
 * Checks that `values` ascend strictly by UTF-8 bytes of `key`.
 * @throws RangeError naming the first pair that does not; `what` names the list.
 */
export function requireSorted<T>(what: string, values: readonly T[], key: (value: T) => string): void {
  for (let i = 1; i < values.length; i++) {
    const previous = key(values[i - 1] as T);
    const next = key(values[i] as T);
    const order = compareUtf8(previous, next);
    if (order >= 0) {
      const is = order === 0 ? 'it is there twice' : `it comes after ${quote(previous)}`;
      throw new RangeError(`Cannot encode ${what} with ${quote(next)}: ${is}, expected unique values in UTF-8 order`);
    }
  }
}

/** What is wrong with a path of an action (relative, `/` between segments, no `.` or `..`), or undefined. */
export function pathFault(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (path.includes('\0')) return 'it has a NUL';
  if (path.startsWith('/')) return 'it is absolute';
  // One look at the text, no split: this runs for each of 200,000 files.
  if (path.endsWith('/') || path.includes('//')) return 'it has an empty segment';
  if (DOTS.test(path)) return 'it has a "." or ".." segment';
  return undefined;
}

const DOTS = /(?:^|\/)\.\.?(?:\/|$)/;

/**
 * Checks a path of an action.
 * @throws RangeError saying what is wrong; `what` names the thing that has the path.
 */
export function requirePath(what: string, path: string): void {
  const fault = pathFault(path);
  if (fault !== undefined) throw new RangeError(`Cannot encode ${what} ${quote(path)}: ${fault}, expected a relative path`);
}

/** Checks the name of one directory entry: a path of one segment. */
export function requireName(what: string, name: string): void {
  requirePath(what, name);
  if (name.includes('/')) throw new RangeError(`Cannot encode ${what} ${quote(name)}: it has a slash, expected one segment`);
}

/** A text for a message: escaped and cut to 200 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
