// Typed reading of the fields of a parsed JSON document. Each reader names the field that is wrong, by its path.
import type { Json } from '../base/json.ts';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** A JSON object with a place: `what` is the document in messages, `path` where in it the object is. */
export interface JsonObject {
  readonly what: string;
  /** `layers[0]`; empty for the document itself. */
  readonly path: string;
  readonly value: { readonly [key: string]: Json | undefined };
}

/** An error about one field of a document. */
export function fieldError(what: string, path: string, is: string, expected: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_DOCUMENT_FIELD',
    kind: 'integrity',
    message: `Cannot read ${what}: ${path === '' ? 'it' : path} is ${is}, expected ${expected}`,
  });
}

/** The value as an object. @throws OCIDSL_DOCUMENT_FIELD */
export function asObject(value: Json | undefined, what: string, path = ''): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fieldError(what, path, describe(value), 'an object');
  }
  return { what, path, value: value as { readonly [key: string]: Json | undefined } };
}

/** Path of a field or an item below an object. */
export function fieldPath(object: JsonObject, key: string): string {
  const shown = /^[A-Za-z_][\w.]*$/.test(key) ? key : JSON.stringify(printable(key, 60));
  return object.path === '' ? shown : `${object.path}.${shown}`;
}

/** Null and absent are the same for every reader of an optional field: Docker writes null where OCI leaves out. */
function field(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object.value, key) ? (object.value[key] ?? undefined) : undefined;
}

/** An optional string. */
export function optionalString(object: JsonObject, key: string): string | undefined {
  const value = field(object, key);
  if (value === undefined || typeof value === 'string') return value;
  throw fieldError(object.what, fieldPath(object, key), describe(value), 'a string');
}

/** A string that must be there. */
export function requiredString(object: JsonObject, key: string): string {
  const value = optionalString(object, key);
  if (value === undefined) throw fieldError(object.what, fieldPath(object, key), 'absent', 'a string');
  return value;
}

/** An optional boolean. */
export function optionalBoolean(object: JsonObject, key: string): boolean | undefined {
  const value = field(object, key);
  if (value === undefined || typeof value === 'boolean') return value;
  throw fieldError(object.what, fieldPath(object, key), describe(value), 'true or false');
}

/** An integer from 0 on that must be there. */
export function requiredCount(object: JsonObject, key: string): number {
  const value = field(object, key);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw fieldError(object.what, fieldPath(object, key), describe(value), 'an integer from 0 on');
}

/** An optional object. */
export function optionalObject(object: JsonObject, key: string): JsonObject | undefined {
  const value = field(object, key);
  return value === undefined ? undefined : asObject(value, object.what, fieldPath(object, key));
}

/** An object that must be there. */
export function requiredObject(object: JsonObject, key: string): JsonObject {
  return asObject(field(object, key), object.what, fieldPath(object, key));
}

/** An optional list of strings. */
export function optionalStrings(object: JsonObject, key: string): readonly string[] | undefined {
  const items = optionalList(object, key);
  return items?.map((item, i) => {
    if (typeof item === 'string') return item;
    throw fieldError(object.what, `${fieldPath(object, key)}[${i}]`, describe(item), 'a string');
  });
}

/** An optional list of objects. */
export function optionalObjects(object: JsonObject, key: string): readonly JsonObject[] | undefined {
  return optionalList(object, key)?.map((item, i) => asObject(item, object.what, `${fieldPath(object, key)}[${i}]`));
}

/** An optional list. */
export function optionalList(object: JsonObject, key: string): readonly Json[] | undefined {
  const value = field(object, key);
  if (value === undefined || Array.isArray(value)) return value as readonly Json[] | undefined;
  throw fieldError(object.what, fieldPath(object, key), describe(value), 'a list');
}

/** An optional map of strings. The result has no prototype. */
export function optionalStringMap(object: JsonObject, key: string): Readonly<Record<string, string>> | undefined {
  const map = optionalObject(object, key);
  if (!map) return undefined;
  const result = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(map.value)) {
    if (typeof value !== 'string') throw fieldError(object.what, fieldPath(map, name), describe(value), 'a string');
    result[name] = value;
  }
  return result;
}

/** The object with its known fields replaced: unknown fields stay, undefined ones go. The result has no prototype. */
export function withFields<T extends object>(object: JsonObject, known: { readonly [K in keyof T]: T[K] | undefined }): T {
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(object.value)) {
    if (!Object.hasOwn(known, key)) result[key] = value;
  }
  for (const [key, value] of Object.entries(known)) {
    if (value !== undefined) result[key] = value;
  }
  return result as T;
}

function describe(value: Json | undefined): string {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  if (typeof value === 'string') return `"${printable(value, 60)}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}
