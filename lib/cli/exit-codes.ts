// Exit codes of the command line, by the kind of failure.
import { isOcidslError, type ErrorKind } from '../base/errors.ts';

const CODES: Readonly<Record<ErrorKind, number>> = {
  build: 1,
  config: 2,
  network: 3,
  credentials: 4,
  integrity: 5,
  environment: 6,
  interrupted: 130,
};

/** The exit code for a thrown value; what is no expected failure is a bug, and counts as a failed build. */
export function exitCodeOf(error: unknown): number {
  return isOcidslError(error) ? CODES[error.kind] : 1;
}
