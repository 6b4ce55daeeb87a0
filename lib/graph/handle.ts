// Handles: what a rule call returns. Opaque on purpose: a target has no value while the config is evaluated, so every use
// as a string, number, JSON or promise throws and names the right alternative.
import { OcidslError } from '../base/errors.ts';

const BRAND = Symbol.for('ocidsl.handle');

/**
 * A target, as returned by a rule or macro: pass it to attributes that take targets. `Provides` are the names of the
 * providers that the target has, so that a `goBinary` cannot be given where a tar is wanted.
 */
export interface Handle<Provides extends string = never> {
  /** Type-level only: which providers the target has. */
  readonly '~provides': { readonly [P in Provides]: true };
}

/** Makes the handle of the target with this label. */
export function createHandle<Provides extends string>(label: string): Handle<Provides> {
  const handle = Object.create(PROTOTYPE) as object;
  Object.defineProperty(handle, BRAND, { value: label });
  return Object.freeze(handle) as Handle<Provides>;
}

/** Whether a value is a handle, from this or another copy of the library. */
export function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] !== undefined;
}

/** The absolute label that a handle stands for. */
export function labelOf(handle: Handle): string {
  return (handle as unknown as Record<symbol, string>)[BRAND]!;
}

function refuse(use: string, instead: string) {
  return function (this: object): never {
    const label = labelOf(this as Handle);
    throw new OcidslError({
      code: 'OCIDSL_HANDLE_USED_AS_VALUE',
      message: `Cannot use the target "${label}" as ${use}: a target has no value while the config is evaluated`,
      hint: instead,
    });
  };
}

const AS_TEXT = 'Pass the handle itself to an attribute that takes targets, or write its label as a string literal';
const PROTOTYPE = Object.create(null, {
  toString: { value: refuse('a string', AS_TEXT) },
  valueOf: { value: refuse('a value', AS_TEXT) },
  toJSON: { value: refuse('JSON', AS_TEXT) },
  [Symbol.toPrimitive]: { value: refuse('a string', AS_TEXT) },
  // oxlint-disable-next-line unicorn/no-thenable -- the point is that awaiting a handle is an error, not a no-op
  then: { get: refuse('a promise', 'Use it without await: rule calls return at once and nothing is built yet') },
  [Symbol.iterator]: { get: refuse('a list', 'Put it into an array: [handle]') },
  [Symbol.for('nodejs.util.inspect.custom')]: {
    value(this: object) {
      return `[target ${labelOf(this as Handle)}]`;
    },
  },
}) as object;
