// What the user calls inputs of an action, in its failures: labels must not enter its key, so its tool does not know them.
import { OcidslError } from '../base/errors.ts';

/** The error with the quoted input paths of `names` replaced by the names. */
export function withInputNames(error: OcidslError, names: ReadonlyMap<string, string>): OcidslError {
  const named = (text: string) =>
    text.replace(/"([^"]*)"/g, (quoted, path: string) => (names.has(path) ? `"${names.get(path)!}"` : quoted));
  const { code, kind, label, locations, hint, output, cause, errors } = error;
  return new OcidslError({
    code,
    kind,
    message: named(error.message),
    label,
    locations,
    hint: hint === undefined ? undefined : named(hint),
    output,
    cause,
    errors: errors.map((each) => withInputNames(each, names)),
  });
}
