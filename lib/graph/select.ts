// select(): an attribute value that depends on the platform. Resolved during analysis, never while loading.

const BRAND = Symbol.for('ocidsl.select');

/** A value that depends on the platform being built. */
export interface Select<T> {
  readonly '~select': T;
}

/** An attribute value, or a `select()` of such values. */
export type Configurable<T> = T | Select<T>;

/** The key of the case that is taken when no other matches. */
export const DEFAULT_CASE = 'default';

/** Makes a select from cases whose keys have been checked. */
export function createSelect<T>(cases: Readonly<Record<string, T>>): Select<T> {
  const select = {};
  Object.defineProperty(select, BRAND, { value: new Map(Object.entries(cases)) });
  return Object.freeze(select) as Select<T>;
}

/** Whether a value is a select, from this or another copy of the library. */
export function isSelect(value: unknown): value is Select<unknown> {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] !== undefined;
}

/** The cases of a select, in the order written. */
export function casesOf(select: Select<unknown>): ReadonlyMap<string, unknown> {
  return (select as unknown as Record<symbol, ReadonlyMap<string, unknown>>)[BRAND]!;
}
