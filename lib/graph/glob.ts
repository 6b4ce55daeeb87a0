// glob(): a set of source files by pattern. The pattern is recorded while loading and matched while executing.

const BRAND = Symbol.for('ocidsl.glob');

/** What was asked for. Patterns are relative to the folder of the package that called glob(). */
export interface GlobPattern {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Whether matching nothing is all right. */
  readonly allowEmpty: boolean;
  /** Whether names that start with a dot match wildcards. */
  readonly dot: boolean;
}

/** Source files by pattern: goes wherever an attribute takes source files. */
export interface Glob {
  readonly '~glob': true;
}

/** Makes a glob value. */
export function createGlob(pattern: GlobPattern): Glob {
  const glob = {};
  Object.defineProperty(glob, BRAND, { value: pattern });
  return Object.freeze(glob) as Glob;
}

/** Whether a value is a glob, from this or another copy of the library. */
export function isGlob(value: unknown): value is Glob {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] !== undefined;
}

/** The pattern of a glob. */
export function patternOf(glob: Glob): GlobPattern {
  return (glob as unknown as Record<symbol, GlobPattern>)[BRAND]!;
}
