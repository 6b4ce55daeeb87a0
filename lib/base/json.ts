// Canonical JSON of plain data: keys sorted by UTF-8 bytes, no white space, undefined properties left out. Used for
// spec files and identities, where equal values must be equal bytes.
import { compareUtf8 } from './bytes.ts';

/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Canonical JSON text of `value`. Throws on numbers that JSON cannot carry. */
export function canonicalJson(value: Json | undefined): string {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`Cannot write ${value} as JSON: expected a finite number`);
      return JSON.stringify(value);
    default:
  }
  if (Array.isArray(value)) {
    let text = '[';
    for (let i = 0; i < value.length; i++) text += (i === 0 ? '' : ',') + canonicalJson(value[i] as Json);
    return `${text}]`;
  }
  const object = value as { readonly [key: string]: Json | undefined };
  let text = '{';
  let first = true;
  for (const key of Object.keys(object).sort(compareUtf8)) {
    const item = object[key];
    if (item === undefined) continue;
    text += `${first ? '' : ','}${JSON.stringify(key)}:${canonicalJson(item)}`;
    first = false;
  }
  return `${text}}`;
}
