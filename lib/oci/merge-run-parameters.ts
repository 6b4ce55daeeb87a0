// The run parameters of an image: its own attributes over those of its base.
import type { Json } from '../base/json.ts';
import { checkStringMap } from './annotations.ts';
import { checkContainerPath } from './container-path.ts';
import { mergeEnvironment } from './environment.ts';
import { parsePort } from './port.ts';
import { RUN_PARAMETER_NAMES, type JsonSet, type RunParameters } from './run-parameters.ts';
import { checkStopSignal } from './stop-signal.ts';
import { parseUser } from './user.ts';
import { isPlainText, valueError } from './value-error.ts';

/** Attributes of an image that say how it runs. See ImageSpec. */
export interface RunAttributes {
  readonly entrypoint?: readonly string[] | null;
  readonly cmd?: readonly string[] | null;
  readonly keepCmd?: boolean;
  readonly env?: readonly (readonly [name: string, value: string])[];
  readonly user?: string;
  readonly workdir?: string;
  readonly exposedPorts?: readonly string[];
  readonly volumes?: readonly string[];
  /** In order of precedence, lowest first. */
  readonly labels?: readonly (readonly [key: string, value: string])[];
  readonly stopSignal?: string;
  readonly extraConfig?: Readonly<Record<string, Json>>;
}

/**
 * Merges attributes into the base's parameters. Lists are replaced, sets and maps are united, the environment is merged in
 * place; an entrypoint resets the inherited command, which was written for another program.
 * @param os the image's
 * @throws OCIDSL_IMAGE_VALUE, OCIDSL_ENVIRONMENT_REFERENCE
 */
export function mergeRunParameters(base: RunParameters, attributes: RunAttributes, os: string): RunParameters {
  const { entrypoint, cmd, user, workdir, stopSignal } = attributes;
  if (user !== undefined) parseUser(user, os);
  if (workdir !== undefined) checkContainerPath(workdir, 'working directory', os);
  if (stopSignal !== undefined) checkStopSignal(stopSignal);
  checkStringMap(attributes.labels ?? [], 'label');
  const env = mergeEnvironment(base.Env ?? [], attributes.env ?? []);
  const inheritsCmd = entrypoint === undefined || attributes.keepCmd === true;
  const merged: { [K in keyof RunParameters]: RunParameters[K] | undefined } = {
    ...base,
    ...extraConfig(attributes.extraConfig),
    User: user ?? base.User,
    ExposedPorts: mergeSet(base.ExposedPorts, (attributes.exposedPorts ?? []).map(parsePort)),
    Env: env.length > 0 ? env : undefined,
    Entrypoint: entrypoint === undefined ? base.Entrypoint : argumentList('entrypoint', entrypoint),
    Cmd: cmd !== undefined ? argumentList('cmd', cmd) : inheritsCmd ? base.Cmd : undefined,
    Volumes: mergeSet(
      base.Volumes,
      (attributes.volumes ?? []).map((path) => checkContainerPath(path, 'volume', os)),
    ),
    WorkingDir: workdir ?? base.WorkingDir,
    Labels: mergeLabels(base.Labels, attributes.labels ?? []),
    StopSignal: stopSignal ?? base.StopSignal,
    // It says that the base's own first argument is a whole command line.
    ArgsEscaped: entrypoint === undefined && cmd === undefined ? base.ArgsEscaped : undefined,
  };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}

function argumentList(thing: string, list: readonly string[] | null): readonly string[] | undefined {
  if (list === null) return undefined;
  for (const [i, argument] of (list as readonly unknown[]).entries()) {
    if (typeof argument !== 'string' || !isPlainText(argument))
      throw valueError(thing, `[${i}]`, 'it is not plain text', 'strings without NUL');
  }
  if (thing === 'entrypoint' && list[0] === '') throw valueError(thing, '', 'its program is empty', 'a path');
  return list;
}

function mergeSet(base: JsonSet | undefined, additions: readonly string[]): JsonSet | undefined {
  if (additions.length === 0) return base;
  const set = Object.create(null) as Record<string, Record<string, never>>;
  for (const [key, value] of Object.entries(base ?? {})) set[key] = value;
  for (const key of additions) set[key] ??= {};
  return set;
}

function mergeLabels(base: RunParameters['Labels'], additions: readonly (readonly [string, string])[]): RunParameters['Labels'] {
  if (additions.length === 0) return base;
  const labels = Object.create(null) as Record<string, string>;
  for (const [key, value] of [...Object.entries(base ?? {}), ...additions]) labels[key] = value;
  return labels;
}

function extraConfig(extra: RunAttributes['extraConfig']): Readonly<Record<string, Json>> {
  for (const name of Object.keys(extra ?? {})) {
    if (RUN_PARAMETER_NAMES.has(name))
      throw valueError('further config field', name, 'it has an attribute of its own', 'a field that the image-spec does not define');
  }
  return extra ?? {};
}
