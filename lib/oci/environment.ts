// Environment entries of an image: an ordered list of `NAME=VALUE`, and the expansion of references in new values.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { isPlainText, valueError } from './value-error.ts';

/**
 * Checks the name of an environment variable: not empty, no `=`, no white space or control characters. Dots, dashes and
 * parentheses are legal in a container.
 * @throws OCIDSL_IMAGE_VALUE
 */
export function checkEnvironmentName(name: string): void {
  if (name === '') throw valueError('environment variable', name, 'its name is empty', 'a name');
  if (name.includes('=')) throw valueError('environment variable', name, 'its name has a "="', 'a name without "="');
  if (/[\s\p{Cc}]|\p{Surrogate}/u.test(name)) {
    throw valueError('environment variable', name, 'its name has white space or control characters', 'a name without');
  }
}

/** Name and value of an entry, split at the first `=`; an entry without one has no value. */
export function splitEnvironmentEntry(entry: string): readonly [name: string, value: string | undefined] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, undefined] : [entry.slice(0, equals), entry.slice(equals + 1)];
}

/**
 * The base's entries with `additions` merged in: an entry of the same name is replaced where it stands, others are appended.
 * `$NAME` and `${NAME}` in a new value stand for the value of an earlier entry, the base's included; `$$` is a dollar sign.
 * @throws OCIDSL_IMAGE_VALUE; OCIDSL_ENVIRONMENT_REFERENCE for a name without a value: Docker and rules_oci leave it
 * silently empty, which breaks a PATH without a word
 */
export function mergeEnvironment(base: readonly string[], additions: readonly (readonly [name: string, value: string])[]): string[] {
  const entries = base.map((entry) => splitEnvironmentEntry(entry));
  const places = new Map(entries.map(([name], i) => [name, i]));
  const result = [...base];
  const values = new Map(entries.map(([name, value]) => [name, value ?? '']));
  for (const [name, text] of additions) {
    checkEnvironmentName(name);
    if (!isPlainText(text)) throw valueError(`value of environment variable ${name}`, text, 'it has a NUL or half a character', 'text');
    const value = expand(name, text, values);
    values.set(name, value);
    const place = places.get(name);
    if (place === undefined) {
      places.set(name, result.length);
      result.push(`${name}=${value}`);
    } else {
      result[place] = `${name}=${value}`;
    }
  }
  return result;
}

const REFERENCE = /\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([^{}$]*)\})?/g;

function expand(name: string, text: string, values: ReadonlyMap<string, string>): string {
  if (!text.includes('$')) return text;
  return text.replace(REFERENCE, (match: string, plain: string | undefined, braced: string | undefined) => {
    if (match === '$$') return '$';
    const wanted = plain ?? braced;
    if (wanted === undefined || wanted === '') {
      throw new OcidslError({
        code: 'OCIDSL_ENVIRONMENT_REFERENCE',
        message: `Cannot expand environment variable "${printable(name, 80)}": a "$" stands alone in "${printable(text, 100)}", expected $NAME, \${NAME} or $$`,
        hint: 'Write $$ for a dollar sign',
      });
    }
    const value = values.get(wanted);
    if (value !== undefined) return value;
    throw new OcidslError({
      code: 'OCIDSL_ENVIRONMENT_REFERENCE',
      message: `Cannot expand environment variable "${printable(name, 80)}": "${printable(wanted, 80)}" has no value, expected a variable of the base image or an earlier entry`,
      hint: `Set ${printable(wanted, 80)} before it, or write $$ for a dollar sign`,
    });
  });
}
