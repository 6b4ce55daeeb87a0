// Files with names and values, for the environment, labels and annotations of an image: `NAME=VALUE` lines, or a map in
// JSON or YAML.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { asObject } from '../oci/fields.ts';
import { parseStrictJson } from '../oci/strict-json.ts';

/** One name with its value. */
export type NamedValue = readonly [name: string, value: string];

/**
 * Reads the values of a file, in its order. The name's ending decides the format:
 * - `.json`: an object of strings;
 * - `.yaml`, `.yml`: a map; every scalar is the text that stands there, so `1.10` and `yes` stay what they are;
 * - otherwise lines `NAME=VALUE`, split at the first `=` and taken literally, without quoting; empty lines and lines that begin
 *   with `#` are skipped.
 * @param file the file's path, for its ending and for messages
 * @throws OCIDSL_VALUE_FILE with the line, OCIDSL_JSON_SYNTAX
 */
export async function parseValueFile(bytes: Uint8Array, file: string): Promise<NamedValue[]> {
  if (/\.json$/i.test(file)) return parseJson(bytes, file);
  if (/\.ya?ml$/i.test(file)) return await parseYaml(bytes, file);
  return parseLines(bytes, file);
}

function fileError(file: string, is: string, expected: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_VALUE_FILE',
    message: `Cannot read value file "${printable(file)}": ${is}, expected ${expected}`,
  });
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fileError(file, 'it is not UTF-8', 'text in UTF-8');
  }
}

function parseLines(bytes: Uint8Array, file: string): NamedValue[] {
  const values: NamedValue[] = [];
  for (const [i, line] of decode(bytes, file).split('\n').entries()) {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text.trim() === '' || text.trimStart().startsWith('#')) continue;
    const equals = text.indexOf('=');
    // The line is not shown: it may be a secret without its name.
    if (equals < 0) throw fileError(file, `line ${i + 1} has no "="`, 'NAME=VALUE');
    const name = text.slice(0, equals).trim();
    if (name === '') throw fileError(file, `line ${i + 1} has no name`, 'NAME=VALUE');
    values.push([name, text.slice(equals + 1)]);
  }
  return values;
}

function parseJson(bytes: Uint8Array, file: string): NamedValue[] {
  const what = `value file "${printable(file)}"`;
  return entriesOf(Object.entries(asObject(parseStrictJson(bytes, { what }), what).value), file);
}

async function parseYaml(bytes: Uint8Array, file: string): Promise<NamedValue[]> {
  // Loaded here because few images have such a file, and every command would pay for it.
  const { parseDocument } = await import('yaml');
  const document = parseDocument(decode(bytes, file), { schema: 'failsafe', uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw fileError(file, printable(error.message.split('\n')[0] ?? '', 200), 'YAML');
  const map: unknown = document.toJS({ mapAsMap: true, maxAliasCount: 100 });
  if (map === null || map === undefined) return [];
  if (!(map instanceof Map)) throw fileError(file, 'it is no map', 'a map of strings');
  return entriesOf(map, file);
}

function entriesOf(entries: Iterable<readonly [unknown, unknown]>, file: string): NamedValue[] {
  return Array.from(entries, ([name, value]) => {
    if (typeof name !== 'string' || name === '') throw fileError(file, 'it has an empty key or one that is no text', 'a map of strings');
    if (typeof value !== 'string') throw fileError(file, `the value of "${printable(name, 80)}" is no string`, 'a map of strings');
    return [name, value];
  });
}
