// The `config` object of an image config: how a container of the image is run by default.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
import { encodeObject, type OrderedField } from './encode-document.ts';
import {
  asObject,
  fieldPath,
  optionalBoolean,
  optionalObject,
  optionalString,
  optionalStringMap,
  optionalStrings,
  withFields,
  type JsonObject,
} from './fields.ts';

/** A set in the notation of Go's encoder: the members are keys. */
export type JsonSet = Readonly<Record<string, Readonly<Record<string, never>>>>;

/** Execution parameters. Docker's own fields (`Healthcheck`, `OnBuild`, `Shell`, …) survive as further properties. */
export interface RunParameters {
  /** `user`, `uid`, `user:group`, `uid:gid`, … */
  readonly User?: string;
  /** Keys are `port/protocol`. */
  readonly ExposedPorts?: JsonSet;
  /** `NAME=VALUE`, in order. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** Keys are absolute paths. */
  readonly Volumes?: JsonSet;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly ArgsEscaped?: boolean;
}

const ORDER: readonly OrderedField[] = [
  ['User'],
  ['ExposedPorts'],
  ['Env'],
  ['Entrypoint'],
  ['Cmd'],
  ['Volumes'],
  ['WorkingDir'],
  ['Labels'],
  ['StopSignal'],
  ['ArgsEscaped'],
];

/** Names of the fields that the image-spec defines. */
export const RUN_PARAMETER_NAMES: ReadonlySet<string> = new Set(ORDER.map(([name]) => name));

/** Reads the parameters; null counts as absent. @throws OCIDSL_DOCUMENT_FIELD */
export function parseRunParameters(object: JsonObject): RunParameters {
  return withFields<RunParameters>(object, {
    User: optionalString(object, 'User'),
    ExposedPorts: optionalSet(object, 'ExposedPorts'),
    Env: optionalStrings(object, 'Env'),
    Entrypoint: optionalStrings(object, 'Entrypoint'),
    Cmd: optionalStrings(object, 'Cmd'),
    Volumes: optionalSet(object, 'Volumes'),
    WorkingDir: optionalString(object, 'WorkingDir'),
    Labels: optionalStringMap(object, 'Labels'),
    StopSignal: optionalString(object, 'StopSignal'),
    ArgsEscaped: optionalBoolean(object, 'ArgsEscaped'),
  });
}

// Values are kept as they are: an object in which some builder wrote more than {} is still a set to every engine.
function optionalSet(object: JsonObject, key: string): JsonSet | undefined {
  const set = optionalObject(object, key);
  for (const [name, value] of Object.entries(set?.value ?? {})) asObject(value, object.what, fieldPath(set!, name));
  return set?.value as JsonSet | undefined;
}

/** JSON text of the parameters. */
export function encodeRunParameters(parameters: RunParameters): string {
  return encodeObject(parameters, ORDER);
}
