// The normal form of attribute values: plain JSON, with three tagged objects. It is what analysis reads and what a
// build's snapshot compares, so equal configs have equal normal forms.

/** A target, by absolute label. */
export interface TargetReference {
  readonly $target: string;
}

/** A source file or folder, by path relative to the workspace root. */
export interface FileReference {
  readonly $file: string;
}

/** Source files by pattern; `package` is the folder that the patterns are relative to. */
export interface GlobReference {
  readonly $glob: {
    readonly package: string;
    readonly include: readonly string[];
    readonly exclude: readonly string[];
    readonly allowEmpty: boolean;
    readonly dot: boolean;
  };
}

/** Where an action's input comes from, as written in a config. */
export type SourceReference = TargetReference | FileReference | GlobReference;

/**
 * A function of the config, for a sink to call. The function itself is no part of the normal form, and so of no key: what it returns must
 * not matter to analysis.
 */
export interface FunctionReference<F = unknown> {
  readonly $function: true;
  /** Type-level only. */
  readonly '~type'?: F;
}

/** A value by platform, resolved during analysis. */
export interface SelectValue {
  readonly $select: { readonly [platform: string]: AttributeValue };
}

/** An attribute's normal form. */
export type AttributeValue =
  | null
  | boolean
  | number
  | string
  | TargetReference
  | FileReference
  | GlobReference
  | FunctionReference
  | SelectValue
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue | undefined };

/** Whether a normal form is a target. */
export function isTargetReference(value: unknown): value is TargetReference {
  return typeof value === 'object' && value !== null && '$target' in value;
}

/** Whether a normal form is a source file. */
export function isFileReference(value: unknown): value is FileReference {
  return typeof value === 'object' && value !== null && '$file' in value;
}

/** Whether a normal form is a glob. */
export function isGlobReference(value: unknown): value is GlobReference {
  return typeof value === 'object' && value !== null && '$glob' in value;
}

const CALLED = Symbol.for('ocidsl.function');

/** The normal form of a function. Two functions have equal ones. */
export function createFunctionReference<F>(called: F): FunctionReference<F> {
  const reference: FunctionReference<F> = { $function: true };
  Object.defineProperty(reference, CALLED, { value: called });
  return reference;
}

/** Whether a normal form is a function. */
export function isFunctionReference(value: unknown): value is FunctionReference {
  return typeof value === 'object' && value !== null && '$function' in value;
}

/** The function behind its normal form. */
export function functionOf<F>(reference: FunctionReference<F>): F {
  return (reference as unknown as Record<symbol, F>)[CALLED]!;
}

/** Whether a normal form depends on the platform. */
export function isSelectValue(value: unknown): value is SelectValue {
  return typeof value === 'object' && value !== null && '$select' in value;
}
