// The one shape of errors about a value that a user wrote into an image's configuration.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** `Cannot use <thing> "<value>": <is>, expected <expected>`. */
export function valueError(thing: string, value: string, is: string, expected: string, hint?: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_IMAGE_VALUE',
    message: `Cannot use ${thing} "${printable(value, 100)}": ${is}, expected ${expected}`,
    hint,
    fault: { is, expected },
  });
}

/** Whether text survives JSON and C strings: no NUL, no lone surrogate. */
export function isPlainText(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text);
}
