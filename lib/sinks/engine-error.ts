// Failures of container engines.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

const LINE_LIMIT = 300;

/**
 * An engine that did not do what it was asked. The message has what it said, escaped and bounded; `output` has all of it
 * where that is more than a line. The cause's message is what it said alone, for lists of several failures.
 */
export function engineError(doing: string, engine: string, said: string, cause?: unknown): OcidslError {
  const text = said.trim();
  const line = printable(text, LINE_LIMIT);
  return new OcidslError({
    code: 'OCIDSL_ENGINE_FAILED',
    kind: 'environment',
    message: `Cannot ${doing} with ${engine}: ${line === '' ? 'it gave no reason' : `it said "${line}"`}, expected success`,
    hint: hintFor(text),
    output: line === text || text === '' ? undefined : text,
    cause: new Error(line, { cause }),
  });
}

/** What to do about failures that engines report often. */
export function hintFor(said: string): string | undefined {
  if (/EACCES|permission denied/i.test(said)) {
    return 'Add yourself to the group that owns the socket (sudo usermod -aG docker $USER, then log in again), or use podman';
  }
  if (/no space left on device|ENOSPC/i.test(said)) return "Free space on the engine's disk, for example with docker system prune";
  if (/max depth exceeded/i.test(said)) return 'The image has more layers than the engine takes: flatten some of them';
  return undefined;
}
