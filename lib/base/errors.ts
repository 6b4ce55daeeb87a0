// Expected failures: values with a code, a place in the user's config and a hint. Bugs are plain exceptions.
// Errors are recognised by a brand, never by instanceof: a config may load a second copy of this library.

/** A position in a source file of the user: 1-based line and column. */
export interface SourceLocation {
  /** Path relative to the workspace root where the file lies below it, else absolute. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The class of a failure. It alone decides the exit code of the command. */
export type ErrorKind =
  | 'build' // an action or the user's code failed
  | 'config' // wrong usage, configuration or attribute
  | 'network' // network or registry
  | 'credentials'
  | 'integrity' // a digest or signature does not match
  | 'environment' // disk, permission, missing engine or toolchain
  | 'interrupted';

/** What is wrong with a value, for whoever says it about something that the value is a part of. */
export interface Fault {
  /** As it reads after a colon: `its port is "0"`. */
  readonly is: string;
  /** As it reads after "expected": `a number from 1 to 65535`. */
  readonly expected: string;
}

/** What an error carries. */
export interface ErrorInit {
  /** Stable, machine-readable: `OCIDSL_<THING>_<WHAT>`. */
  readonly code: `OCIDSL_${string}`;
  /** `Cannot <verb> <thing> "<value>": <what is>, expected <what was wanted>`; no final period, no secret. */
  readonly message: string;
  /** Defaults to `config`. */
  readonly kind?: ErrorKind;
  /** Label of the target that the failure belongs to. */
  readonly label?: string | undefined;
  /** Calls that led here, innermost first; the first is where to look. */
  readonly locations?: readonly SourceLocation[] | undefined;
  /** What to do about it: one sentence. */
  readonly hint?: string | undefined;
  /** The second half of the message in its parts. */
  readonly fault?: Fault | undefined;
  /** Verbatim output to show below the message, such as a compiler's. */
  readonly output?: string | undefined;
  readonly cause?: unknown;
  /** Several failures reported as one; the message then only counts them. */
  readonly errors?: readonly OcidslError[];
}

const BRAND = Symbol.for('ocidsl.error');

/** An expected failure. */
export class OcidslError extends Error {
  readonly code: `OCIDSL_${string}`;
  readonly kind: ErrorKind;
  readonly label: string | undefined;
  readonly locations: readonly SourceLocation[];
  readonly hint: string | undefined;
  readonly fault: Fault | undefined;
  readonly output: string | undefined;
  readonly errors: readonly OcidslError[];

  constructor(init: ErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.kind = init.kind ?? 'config';
    this.label = init.label;
    this.locations = init.locations ?? [];
    this.hint = init.hint;
    this.fault = init.fault;
    this.output = init.output;
    this.errors = init.errors ?? [];
    Object.defineProperty(this, BRAND, { value: true });
  }

  override get name(): string {
    return 'OcidslError';
  }

  /** The same failure with the target and places that the thrower could not know; what is set already stays. */
  at(place: { label?: string | undefined; locations?: readonly SourceLocation[] | undefined }): OcidslError {
    return new OcidslError({
      code: this.code,
      message: this.message,
      kind: this.kind,
      label: this.label ?? place.label,
      locations: this.locations.length > 0 ? this.locations : place.locations,
      hint: this.hint,
      fault: this.fault,
      output: this.output,
      cause: this.cause,
      errors: this.errors,
    });
  }
}

/** Whether a thrown value is an expected failure, from this or another copy of the library. */
export function isOcidslError(value: unknown): value is OcidslError {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}

/** One error for several: itself when there is one, else a counting parent. */
export function combineErrors(errors: readonly OcidslError[]): OcidslError {
  const [first] = errors;
  if (first === undefined) throw new Error('combineErrors() needs at least one error');
  if (errors.length === 1) return first;
  return new OcidslError({
    code: 'OCIDSL_SEVERAL',
    kind: first.kind,
    message: `${errors.length} errors`,
    errors,
  });
}

/** Turns a system error (`ENOSPC`, `EACCES`, …) into an environment failure naming what was being done. */
export function environmentError(doing: string, cause: unknown, hint?: string): OcidslError {
  const errno = cause as NodeJS.ErrnoException;
  const why = WHY[errno.code ?? ''] ?? errno.message ?? String(cause);
  return new OcidslError({
    code: `OCIDSL_SYSTEM_${errno.code ?? 'FAILURE'}`,
    kind: 'environment',
    message: `Cannot ${doing}: ${why}`,
    hint: hint ?? HINT[errno.code ?? ''],
    cause,
  });
}

const WHY: Record<string, string> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'no such file or directory',
  EIO: 'the device reported an input/output error',
  EMFILE: 'too many files are open',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
};

const HINT: Record<string, string> = {
  ENOSPC: 'Free some space, or point --cache-dir to another disk',
  EACCES: 'Check the owner and mode of that path',
  EROFS: 'Choose another folder with --cache-dir or --output-dir',
  EMFILE: 'Raise the limit with ulimit -n',
};

/** A broken assumption of this program, not of its user. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${what}. Please report this as a bug of ocidsl`);
}
