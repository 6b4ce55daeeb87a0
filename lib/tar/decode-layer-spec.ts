// Reads a LayerSpec strictly: a property that nobody knows is an error, because it would be silently without effect.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { LAYER_SPEC_KEYS } from './layer-spec.ts';
import type { LayerEntry, LayerSpec } from './layer-spec.ts';

/** The largest uid or gid: 4294967295 means "no change" to chown(2). */
const MAX_ID = 0xffff_fffe;
/** The range of a JavaScript date, in seconds. */
const MAX_MTIME = 8.64e12;
const MAX_MODE = 0o7777;

/**
 * The spec in `bytes`.
 * @throws OCIDSL_LAYER_SPEC naming the property that is wrong; paths and links are checked by planEntries()
 */
export function decodeLayerSpec(bytes: Uint8Array): LayerSpec {
  const value = parse(bytes);
  const spec = fields('', value, LAYER_SPEC_KEYS.spec);
  checkDefaults(spec['defaults']);
  const entries = list('entries', spec['entries']);
  for (let i = 0; i < entries.length; i++) checkEntry(i, entries[i]);
  const archives = list('archives', spec['archives']);
  for (let i = 0; i < archives.length; i++) checkArchive(`archives[${i}]`, archives[i]);
  if (spec['overrides'] !== undefined) list('overrides', spec['overrides']).forEach(checkOverride);
  boolean('createParents', spec['createParents']);
  const policy = fields('allowDuplicates', spec['allowDuplicates'], LAYER_SPEC_KEYS.policy);
  boolean('allowDuplicates.differentContent', policy['differentContent']);
  boolean('allowDuplicates.fromArchives', policy['fromArchives']);
  checkCompression(spec['compression']);
  return value as LayerSpec;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OcidslError({
      code: 'OCIDSL_LAYER_SPEC',
      message: `Cannot read layer spec: it is not JSON in UTF-8, expected what encodeLayerSpec() writes`,
      cause,
    });
  }
}

type Fields = Readonly<Record<string, unknown>>;

const ENTRY_TYPES: ReadonlySet<unknown> = new Set<LayerEntry['type']>(['file', 'directory', 'symlink', 'hardlink', 'tree', 'files']);

function checkDefaults(value: unknown): void {
  const defaults = fields('defaults', value, LAYER_SPEC_KEYS.defaults);
  integer('defaults.uid', defaults['uid'], 0, MAX_ID);
  integer('defaults.gid', defaults['gid'], 0, MAX_ID);
  string('defaults.uname', defaults['uname']);
  string('defaults.gname', defaults['gname']);
  seconds('defaults.mtime', defaults['mtime']);
  integer('defaults.fileMode', defaults['fileMode'], 0, MAX_MODE);
  if (defaults['executableMode'] !== undefined) integer('defaults.executableMode', defaults['executableMode'], 0, MAX_MODE);
  integer('defaults.directoryMode', defaults['directoryMode'], 0, MAX_MODE);
}

// Called for each of 100,000 entries, so the property's name is only put together when something is wrong.
function checkEntry(index: number, value: unknown): void {
  const at = (key: string) => `entries[${index}].${key}`;
  const entry = fields(() => `entries[${index}]`, value, LAYER_SPEC_KEYS.entry);
  const { type } = entry;
  string(() => at('path'), entry['path']);
  if (!ENTRY_TYPES.has(type)) throw wrong(at('type'), type, [...ENTRY_TYPES].join(', '));
  for (const key in entry) {
    const item = entry[key];
    switch (key) {
      case 'uid':
      case 'gid':
        integer(() => at(key), item, 0, MAX_ID);
        break;
      case 'mode':
        integer(() => at(key), item, 0, MAX_MODE);
        break;
      case 'mtime':
        seconds(() => at(key), item);
        break;
      case 'implicit':
        if (item !== true || type !== 'directory') throw wrong(at(key), item, 'true, and only for a directory');
        break;
      case 'type':
      case 'names':
        break;
      default:
        string(() => at(key), item);
    }
  }
  const isLink = type === 'symlink' || type === 'hardlink';
  if (isLink !== (entry['linkTarget'] !== undefined))
    throw wrong(at('linkTarget'), entry['linkTarget'], isLink ? 'the target of the link' : 'none');
  if (type === 'tree' && entry['input'] === undefined) throw wrong(at('input'), undefined, 'the folder of the tree');
  if (type === 'files') checkNames(index, entry);
  else if (entry['names'] !== undefined) throw wrong(at('names'), entry['names'], 'none');
  if (type !== 'tree' && type !== 'file' && type !== 'files' && entry['input'] !== undefined)
    throw wrong(at('input'), entry['input'], 'none');
}

const FILES_KEYS: ReadonlySet<string> = new Set<keyof LayerEntry>(['path', 'type', 'input', 'origin', 'names']);

function checkNames(index: number, entry: Fields): void {
  const at = (key: string) => `entries[${index}].${key}`;
  for (const key of ['input', 'origin']) string(at(key), entry[key]);
  for (const key in entry) if (!FILES_KEYS.has(key)) throw wrong(at(key), entry[key], 'none, as files differ in their names only');
  const names = list(at('names'), entry['names']);
  for (let i = 0; i < names.length; i++) {
    string(() => at(`names[${i}]`), names[i]);
    if (names[i] === '') throw wrong(at(`names[${i}]`), '', 'a name');
  }
}

function checkArchive(name: string, value: unknown): void {
  const archive = fields(name, value, LAYER_SPEC_KEYS.archive);
  string(`${name}.input`, archive['input']);
  for (const key of ['origin', 'folder']) if (archive[key] !== undefined) string(`${name}.${key}`, archive[key]);
}

function checkOverride(value: unknown, index: number): void {
  const at = (key: string) => `overrides[${index}].${key}`;
  const override = fields(`overrides[${index}]`, value, LAYER_SPEC_KEYS.override);
  string(at('path'), override['path']);
  if (override['mode'] !== undefined) integer(at('mode'), override['mode'], 0, MAX_MODE);
  for (const key of ['uid', 'gid']) if (override[key] !== undefined) integer(at(key), override[key], 0, MAX_ID);
  for (const key of ['uname', 'gname']) if (override[key] !== undefined) string(at(key), override[key]);
}

function checkCompression(value: unknown): void {
  const compression = fields('compression', value, LAYER_SPEC_KEYS.compression);
  const { format, level } = compression;
  if (format !== 'gzip' && format !== 'none') throw wrong('compression.format', format, '"gzip" or "none"');
  if (level === undefined) return;
  if (format === 'none') throw wrong('compression.level', level, 'none without compression');
  integer('compression.level', level, 1, 9);
}

type Name = string | (() => string);

function fields(name: Name, value: unknown, keys: ReadonlySet<string>): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, value, 'an object');
  for (const key in value) {
    if (!keys.has(key)) throw wrong(name, value, `only ${[...keys].join(', ')} and not "${printable(key)}"`);
  }
  return value as Fields;
}

function list(name: Name, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(name, value, 'an array');
  return value;
}

function string(name: Name, value: unknown): void {
  if (typeof value !== 'string') throw wrong(name, value, 'a string');
  if (value.includes('\0')) throw wrong(name, value, 'a string without NUL');
}

function boolean(name: Name, value: unknown): void {
  if (typeof value !== 'boolean') throw wrong(name, value, 'true or false');
}

function integer(name: Name, value: unknown, min: number, max: number): void {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    throw wrong(name, value, `an integer from ${min} to ${max}`);
  }
}

function seconds(name: Name, value: unknown): void {
  if (typeof value !== 'number' || !(Math.abs(value) <= MAX_MTIME)) {
    throw wrong(name, value, `seconds since 1970, at most ${MAX_MTIME} before or after`);
  }
}

function wrong(name: Name, value: unknown, expected: string): OcidslError {
  const property = typeof name === 'string' ? name : name();
  return new OcidslError({
    code: 'OCIDSL_LAYER_SPEC',
    message: `Cannot read layer spec${property === '' ? '' : ` property "${property}"`}: it is ${shown(value)}, expected ${expected}`,
  });
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return `"${printable(value)}"`;
  if (Array.isArray(value)) return 'an array';
  // Whatever else JSON has: null, a boolean or a number.
  return typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value);
}
