// Serialisation of documents: known fields in the order of the spec's Go types, then unknown ones and the keys of
// maps by UTF-8, no white space. A document is serialised once, and those bytes are what is hashed.
import { compareUtf8 } from '../base/bytes.ts';
import { canonicalJson, type Json } from '../base/json.ts';

/** A field in its place, with the encoding of its value where that has an order of its own. */
export type OrderedField = readonly [name: string, encode?: (value: never) => string];

/** JSON text of `value`: `order` first, then whatever else it has. Undefined fields are left out. */
export function encodeObject(value: object, order: readonly OrderedField[]): string {
  const object = value as { readonly [key: string]: Json | undefined };
  const parts: string[] = [];
  const ordered = new Set<string>();
  for (const [name, encode] of order) {
    ordered.add(name);
    const item = Object.hasOwn(object, name) ? object[name] : undefined;
    if (item === undefined) continue;
    parts.push(`${JSON.stringify(name)}:${encode && item !== null ? encode(item as never) : canonicalJson(item)}`);
  }
  for (const name of Object.keys(object).sort(compareUtf8)) {
    if (ordered.has(name) || object[name] === undefined) continue;
    parts.push(`${JSON.stringify(name)}:${canonicalJson(object[name])}`);
  }
  return `{${parts.join(',')}}`;
}

/** An encoder of lists whose items are encoded by `encode`. */
export function encodeList<T>(encode: (item: T) => string): (items: readonly T[]) => string {
  return (items) => `[${items.map(encode).join(',')}]`;
}
