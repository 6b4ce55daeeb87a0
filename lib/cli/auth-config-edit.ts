// Sets and removes one credential helper in the text of a docker config. All else stays byte for byte: order, indentation, numbers.
import { OcidslError } from '../base/errors.ts';
import { scanObject, type JsonMember, type JsonObjectSpan } from './auth-json-spans.ts';

/** A config after an edit. */
export interface EditedConfig {
  readonly text: string;
  /** The helper that was set before. */
  readonly previous: string | undefined;
}

const SECTION = 'credHelpers';

/**
 * The config with `credHelpers[registry]` set to `helper`, or without that entry where `helper` is undefined; the same text where it is
 * so already. A section that gets empty is removed, so that removing undoes setting.
 * @param text may be empty
 * @param file its path, for messages
 * @throws OCIDSL_AUTH_FILE_SYNTAX where the text is not a docker config; nothing of it is shown
 */
export function editCredHelper(text: string, registry: string, helper: string | undefined, file: string): EditedConfig {
  const source = text.replace(/^\uFEFF/, '').trim() === '' ? '{}\n' : text;
  const root = readRoot(source, file);
  const section = lastMember(root, SECTION);
  const entries = section && readSection(source, section, file);
  const entry = entries && lastMember(entries, registry);
  const previous = entry && readHelper(source, entry, file);
  if (previous === helper) return { text, previous };
  if (helper === undefined) {
    if (section === undefined || entries === undefined || entry === undefined) return { text, previous };
    return { text: entries.members.length > 1 ? without(source, entries, entry) : without(source, root, section), previous };
  }
  const value = JSON.stringify(helper);
  if (entry !== undefined) return { text: splice(source, entry.valueStart, entry.valueEnd, value), previous };
  // White space in front of each member: of the root's, then one level deeper.
  const outer = separatorOf(source, root) ?? '\n\t';
  const inner = outer.includes('\n') ? outer + outer.slice(outer.lastIndexOf('\n') + 1) : outer;
  if (entries !== undefined) return { text: withMember(source, entries, registry, value, inner, outer), previous };
  const colon = colonOf(source, root) ?? ': ';
  const block = outer.includes('\n')
    ? `{${inner}${JSON.stringify(registry)}${colon}${value}${outer}}`
    : `{${JSON.stringify(registry)}${colon}${value}}`;
  const edited =
    section === undefined
      ? withMember(source, root, SECTION, block, outer, '\n')
      : splice(source, section.valueStart, section.valueEnd, block);
  return { text: edited, previous };
}

function readRoot(text: string, file: string): JsonObjectSpan {
  let isJson = true;
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    isJson = false; // The parser's message would quote the file.
  }
  const root = isJson ? scanObject(text, 0) : undefined;
  if (root === undefined) throw notAConfig(file, 'it is not a JSON object');
  return root;
}

/** The object of the section; undefined where it is null, which docker takes as none. */
function readSection(text: string, section: JsonMember, file: string): JsonObjectSpan | undefined {
  const entries = scanObject(text, section.valueStart);
  if (entries === undefined && text.slice(section.valueStart, section.valueEnd) !== 'null')
    throw notAConfig(file, `its "${SECTION}" is not an object`);
  return entries;
}

function readHelper(text: string, entry: JsonMember, file: string): string {
  const value: unknown = JSON.parse(text.slice(entry.valueStart, entry.valueEnd));
  if (typeof value !== 'string') throw notAConfig(file, `its "${SECTION}" have a value that is not a string`);
  return value;
}

// Of equal keys the last one counts, for docker and for us.
function lastMember(object: JsonObjectSpan, key: string): JsonMember | undefined {
  return object.members.filter((member) => member.key === key).at(-1);
}

function separatorOf(text: string, object: JsonObjectSpan): string | undefined {
  const [before, last] = object.members.slice(-2);
  if (before === undefined) return undefined;
  if (last === undefined) return text.slice(object.start + 1, before.keyStart);
  return text.slice(text.indexOf(',', before.valueEnd) + 1, last.keyStart);
}

function colonOf(text: string, object: JsonObjectSpan): string | undefined {
  const last = object.members.at(-1);
  return last && text.slice(last.keyEnd, last.valueStart);
}

function withMember(text: string, object: JsonObjectSpan, key: string, value: string, separator: string, end: string): string {
  const last = object.members.at(-1);
  const member = `${JSON.stringify(key)}${colonOf(text, object) ?? ': '}${value}`;
  if (last === undefined) return splice(text, object.start + 1, object.end, `${separator}${member}${separator.includes('\n') ? end : ''}`);
  return splice(text, last.valueEnd, last.valueEnd, `,${separatorOf(text, object) ?? separator}${member}`);
}

function without(text: string, object: JsonObjectSpan, member: JsonMember): string {
  const index = object.members.indexOf(member);
  const before = object.members[index - 1];
  const after = object.members[index + 1];
  if (before !== undefined) return splice(text, before.valueEnd, member.valueEnd, '');
  if (after !== undefined) return splice(text, member.keyStart, after.keyStart, '');
  return splice(text, object.start + 1, object.end, '');
}

function splice(text: string, start: number, end: number, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

function notAConfig(file: string, is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_AUTH_FILE_SYNTAX',
    kind: 'credentials',
    message: `Cannot edit "${file}": ${is}, expected docker's config.json`,
    hint: 'Nothing was changed',
  });
}
