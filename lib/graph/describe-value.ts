// A short, safe description of a value that a user wrote, for messages.
import { hideUserInfo } from '../base/hide-user-info.ts';
import { isGlob } from './glob.ts';
import { isHandle, labelOf } from './handle.ts';
import { isSelect } from './select.ts';

/** `"text"`, `12`, `an array`, `the target "x"`: at most about 100 characters, never an exception. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (isHandle(value)) return `the target "${labelOf(value)}"`;
  if (isGlob(value)) return 'glob(…)';
  if (isSelect(value)) return 'select(…)';
  switch (typeof value) {
    case 'string': {
      const shown = hideUserInfo(value);
      return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown);
    }
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    default:
  }
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return value instanceof Promise ? 'a promise (is an await missing?)' : 'an object';
}
