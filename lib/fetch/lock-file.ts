// The lock file: read strictly, so that a damaged one is never taken for an empty one, and written in one form, so that it
// changes in the lines of the pins that moved.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareUtf8 } from '../base/bytes.ts';
import { environmentError, isOcidslError, OcidslError, type SourceLocation } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { checkDigest } from '../oci/descriptor.ts';
import {
  asObject,
  fieldError,
  fieldPath,
  optionalObject,
  optionalString,
  requiredCount,
  requiredObject,
  requiredString,
  type JsonObject,
} from '../oci/fields.ts';
import { isIndexMediaType, isManifestMediaType } from '../oci/media-types.ts';
import { parseStrictJson } from '../oci/strict-json.ts';
import { LOCK_FILE, type Lock, type LockedDescriptor, type LockedFile, type LockedGoArchive, type LockedImage } from '../plan/lock.ts';

const VERSION = 1;
const MERGE_MARKER = /^(?:<{7}|\|{7}|={7}|>{7})(?=[ \r\n]|$)/m;
const GO_SUM = /^h1:[A-Za-z0-9+/]{43}=$/;

/**
 * The pins of the workspace at `root`. None where it has no lock file, or one that only marks the root: `{}` or `{ "version": 1 }`.
 * Its records have no prototype.
 * @throws OCIDSL_LOCK_SYNTAX for anything that encodeLock() would not write, white space and order aside; environment failures
 */
export function readLock(root: string): Lock {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(root, LOCK_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return decodeLock(Buffer.from('{}'));
    throw environmentError(`read "${join(root, LOCK_FILE)}"`, error);
  }
  return decodeLock(bytes);
}

function decodeLock(bytes: Uint8Array): Lock {
  const text = Buffer.from(bytes).toString('utf8');
  const conflict = MERGE_MARKER.exec(text);
  if (conflict !== null) {
    throw syntaxError(
      `Cannot read ${LOCK_FILE}: it has a conflict marker of a merge, expected JSON`,
      'Keep one side of each conflict, either will do, then run "ocidsl lock"',
      [{ file: LOCK_FILE, line: text.slice(0, conflict.index).split('\n').length, column: 1 }],
    );
  }
  if (text.trim() === '') throw syntaxError(`Cannot read ${LOCK_FILE}: it is empty, expected JSON`, BEGIN_AGAIN);
  try {
    return lockOf(asObject(parseStrictJson(bytes, { what: LOCK_FILE, file: LOCK_FILE }), LOCK_FILE));
  } catch (error) {
    // The readers of JSON documents speak of what came from a registry; this is a file of the user's.
    if (!isOcidslError(error) || error.code === 'OCIDSL_LOCK_SYNTAX') throw error;
    throw syntaxError(error.message, BEGIN_AGAIN, error.locations, error);
  }
}

const BEGIN_AGAIN = 'Restore it from version control; or delete it and run "ocidsl lock", which pins everything anew';

function lockOf(object: JsonObject): Lock {
  const version = object.value['version'];
  if (version !== VERSION && Object.keys(object.value).length > 0) {
    throw syntaxError(
      `Cannot read ${LOCK_FILE}: its version is ${printable(JSON.stringify(version) ?? 'absent', 40)}, expected ${VERSION}`,
      typeof version === 'number' && version > VERSION ? 'It is of a newer ocidsl: install the version that the project uses' : BEGIN_AGAIN,
    );
  }
  onlyFields(object, ['version', 'images', 'files', 'goToolchains']);
  return {
    images: mapOf(object, 'images', lockedImage),
    files: mapOf(object, 'files', lockedFile),
    goToolchains: mapOf(object, 'goToolchains', (archives) => mapObject(archives, lockedGoArchive)),
  };
}

function lockedImage(object: JsonObject): LockedImage {
  const { platforms, ...rest } = { platforms: requiredObject(object, 'platforms'), ...descriptorOf(object, ['platforms']) };
  if (!isIndexMediaType(rest.mediaType) && !isManifestMediaType(rest.mediaType)) {
    throw fieldError(LOCK_FILE, fieldPath(object, 'mediaType'), `"${rest.mediaType}"`, 'the media type of an index or a manifest');
  }
  return { ...rest, platforms: mapObject(platforms, lockedManifest) };
}

function lockedManifest(object: JsonObject): LockedDescriptor {
  const descriptor = descriptorOf(object, []);
  if (isManifestMediaType(descriptor.mediaType)) return descriptor;
  throw fieldError(LOCK_FILE, fieldPath(object, 'mediaType'), `"${descriptor.mediaType}"`, 'the media type of a manifest');
}

function descriptorOf(object: JsonObject, further: readonly string[]): LockedDescriptor {
  onlyFields(object, ['mediaType', 'digest', 'size', ...further]);
  return { mediaType: requiredString(object, 'mediaType'), digest: digestOf(object), size: requiredCount(object, 'size') };
}

function lockedFile(object: JsonObject): LockedFile {
  onlyFields(object, ['digest', 'size']);
  return { digest: digestOf(object), size: requiredCount(object, 'size') };
}

function lockedGoArchive(object: JsonObject): LockedGoArchive {
  onlyFields(object, ['h1', 'digest']);
  const h1 = optionalString(object, 'h1');
  if (h1 === undefined) return { digest: digestOf(object) };
  if (!GO_SUM.test(h1)) throw fieldError(LOCK_FILE, fieldPath(object, 'h1'), 'no checksum of go.sum', 'h1:<44 characters of base64>');
  return optionalString(object, 'digest') === undefined ? { h1 } : { h1, digest: digestOf(object) };
}

function digestOf(object: JsonObject): string {
  const digest = requiredString(object, 'digest');
  checkDigest(LOCK_FILE, fieldPath(object, 'digest'), digest);
  return digest;
}

// Writing the file again would lose a field that is not understood.
function onlyFields(object: JsonObject, known: readonly string[]): void {
  for (const key of Object.keys(object.value)) {
    if (!known.includes(key)) throw fieldError(LOCK_FILE, fieldPath(object, key), 'an unknown field', `only ${known.join(', ')}`);
  }
}

function mapOf<T>(object: JsonObject, key: string, read: (item: JsonObject) => T): Readonly<Record<string, T>> {
  const items = optionalObject(object, key);
  return items === undefined ? (Object.create(null) as Record<string, T>) : mapObject(items, read);
}

function mapObject<T>(object: JsonObject, read: (item: JsonObject) => T): Readonly<Record<string, T>> {
  const result = Object.create(null) as Record<string, T>;
  for (const [key, value] of Object.entries(object.value)) result[key] = read(asObject(value, LOCK_FILE, fieldPath(object, key)));
  return result;
}

function syntaxError(message: string, hint: string, locations: readonly SourceLocation[] = [], cause?: unknown): OcidslError {
  return new OcidslError({ code: 'OCIDSL_LOCK_SYNTAX', message, hint, locations, cause });
}

/**
 * The text of the lock file for these pins: equal pins are equal text. One value a line, keys sorted by UTF-8 bytes except for the version, which
 * comes first, and sections without pins left out.
 */
export function encodeLock(lock: Lock): string {
  const sections = Object.entries(sorted(lock)).filter(([, pins]) => Object.keys(pins as object).length > 0);
  return `${JSON.stringify({ version: VERSION, ...Object.fromEntries(sections) }, undefined, 2)}\n`;
}

// No key looks like an index of an array, which JSON.stringify() would put first: names of images and URLs have a slash, versions of Go a dot.
function sorted<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => compareUtf8(a, b)).map(([key, item]) => [key, sorted(item as unknown)])) as T;
}
