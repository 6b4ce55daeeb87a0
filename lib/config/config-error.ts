// What a config's evaluation threw, as an error of ours with the user's place.
import { isOcidslError, OcidslError, type SourceLocation } from '../base/errors.ts';
import { locateCallSite, type FrameLocator } from '../graph/call-site.ts';
import { describeValue } from '../graph/describe-value.ts';
import { Escaped, ExitCalled, NeverSettled } from './guard-evaluation.ts';

/** What is known of the config that was evaluated. */
export interface EvaluatedConfig {
  /** Its path as users know it: relative to the workspace root. */
  readonly name: string;
  /** Its top-level awaits. */
  readonly awaits: readonly SourceLocation[];
}

/** Turns a thrown value into an expected failure; one that has its place already is returned as it is. */
export function configError(thrown: unknown, config: EvaluatedConfig, locate: FrameLocator): OcidslError {
  if (thrown instanceof NeverSettled) {
    return new OcidslError({
      code: 'OCIDSL_CONFIG_NEVER_SETTLED',
      message: `Cannot load ${config.name}: its evaluation never ends, an await at its top level waits for something that nothing will do`,
      locations: config.awaits,
      hint: 'Look at the promise that is awaited there: nothing is left that could resolve it',
      cause: thrown,
    });
  }
  if (thrown instanceof ExitCalled) {
    return new OcidslError({
      code: 'OCIDSL_CONFIG_THREW',
      message: `Cannot load ${config.name}: it called ${thrown.message}, expected it to return or to throw`,
      locations: placesOf(thrown, locate),
      hint: 'Throw an Error instead: it is reported with its place',
      cause: thrown,
    });
  }
  const reason: unknown = thrown instanceof Escaped ? thrown.reason : thrown;
  const places = placesOf(reason, locate);
  if (isOcidslError(reason)) return reason.locations.length > 0 || reason.errors.length > 0 ? reason : fromLibrary(reason, places);
  const how = thrown instanceof Escaped ? 'a promise was rejected and nobody awaited it' : 'it threw';
  const isError = isErrorLike(reason);
  return new OcidslError({
    code: 'OCIDSL_CONFIG_THREW',
    message: `Cannot load ${config.name}: ${how}${thrown instanceof Escaped ? ':' : ''} ${isError ? bounded(textOf(reason)) : describeValue(reason)}`,
    locations: places,
    hint: isError ? undefined : 'Throw an Error: only Errors know their place',
    cause: reason,
  });
}

// OcidslError.at(), for an error that another copy of the library may have made.
function fromLibrary(error: OcidslError, locations: readonly SourceLocation[]): OcidslError {
  const { code, kind, label, hint, output, cause } = error;
  return new OcidslError({ code, kind, message: error.message, label, locations, hint, output, cause });
}

function isErrorLike(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

function textOf(error: Error): string {
  try {
    const { cause } = error;
    const because =
      cause === undefined ? '' : `, because of ${isErrorLike(cause) ? `${cause.name}: ${cause.message}` : describeValue(cause)}`;
    return `${error.name}: ${error.message}${because}`;
  } catch {
    return 'an Error that cannot be shown';
  }
}

function placesOf(error: unknown, locate: FrameLocator): SourceLocation[] {
  if (!isErrorLike(error)) return [];
  const stack = typeof error.stack === 'string' ? error.stack : '';
  // The message comes first and may look like frames.
  const at = stack.indexOf(error.message);
  return locateCallSite({ stack: at < 0 ? stack : stack.slice(at + error.message.length) }, locate);
}

// A message of user code may hold anything: it is cut, and control characters are shown, not sent to the terminal.
function bounded(text: string): string {
  const cut = text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
  return cut.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for; tab and line feed stay
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
