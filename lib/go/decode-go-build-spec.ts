// Reads a GoBuildSpec strictly: a property that nobody knows is an error, because it would be silently without effect.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { GO_BUILD_MODES, type GoBuildSpec } from './go-build-spec.ts';

const isString = (value: unknown): boolean => typeof value === 'string' && value !== '' && !value.includes('\0');
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every(isString);
const isRecord = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((item) => typeof item === 'string' && !item.includes('\0'));

// `satisfies` ties the list to the interface: a property added there and not here does not compile.
const FIELDS = {
  package: [isString, 'an import path'],
  goVersion: [isString, 'a version such as go1.26.8'],
  environment: [isRecord, 'an object of strings'],
  tags: [isStrings, 'an array of strings'],
  ldflags: [isStrings, 'an array of strings'],
  gcflags: [isStrings, 'an array of strings'],
  xDefs: [isRecord, 'an object of strings'],
  buildmode: [(value: unknown) => (GO_BUILD_MODES as readonly unknown[]).includes(value), GO_BUILD_MODES.join(', ')],
  race: [isBoolean, 'true or false'],
  strip: [isBoolean, 'true or false'],
  output: [isString, 'a path'],
} as const satisfies Readonly<Record<keyof GoBuildSpec, readonly [(value: unknown) => boolean, string]>>;

/**
 * The spec in `bytes`.
 * @throws OCIDSL_GO_SPEC naming the property that is wrong
 */
export function decodeGoBuildSpec(bytes: Uint8Array): GoBuildSpec {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw wrong('', 'not JSON in UTF-8', 'what encodeGoBuildSpec() writes', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('', 'not an object', 'an object');
  const spec = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(spec))
    if (!Object.hasOwn(FIELDS, name)) throw wrong(name, 'unknown', `only ${Object.keys(FIELDS).join(', ')}`);
  for (const [name, [isRight, expected]] of Object.entries(FIELDS)) {
    if (!isRight(spec[name])) throw wrong(name, spec[name] === undefined ? 'missing' : printable(JSON.stringify(spec[name]), 80), expected);
  }
  return value as GoBuildSpec;
}

function wrong(property: string, is: string, expected: string, cause?: unknown): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GO_SPEC',
    message: `Cannot read Go build spec${property === '' ? '' : ` property "${printable(property, 60)}"`}: it is ${is}, expected ${expected}`,
    cause,
  });
}
