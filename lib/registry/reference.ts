// Image references, by the grammar of distribution/reference: parsed once at the edge, never with a regular
// expression that can backtrack. Docker's short names are expanded here and nowhere else.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** A repository in a registry. */
export interface RepositoryName {
  /** Host with optional port, as in `ghcr.io` or `localhost:5000`. Docker Hub is always `docker.io`. */
  readonly registry: string;
  /** Path in the registry without a leading slash, as in `library/debian`. */
  readonly repository: string;
}

/** A parsed image reference. */
export interface ImageReference extends RepositoryName {
  /** Tag; absent where the text has none. */
  readonly tag?: string;
  /** `sha256:…` or `sha512:…`; absent where the text has none. */
  readonly digest?: string;
}

// Domain 255 + path 255 + tag 128 + a sha512 digest 135, and separators.
const MAX_LENGTH = 800;
const HOST = /^(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST_LENGTHS: Record<string, number> = { sha256: 64, sha512: 128 };

/**
 * Reads `[registry[:port]/]path[:tag][@digest]`. A first component without `.` and `:` that is not
 * `localhost` belongs to Docker Hub's path, and a single component there gets `library/`.
 * @see https://github.com/distribution/reference/blob/main/reference.go
 * @throws OCIDSL_REFERENCE_SYNTAX; `output` shows the text with a caret below the fault
 */
export function parseReference(text: string): ImageReference {
  const fail = syntaxError('image reference', text);
  if (text.length > MAX_LENGTH) throw fail(MAX_LENGTH, `it has ${text.length} characters`, `at most ${MAX_LENGTH}`);
  if (text === '') throw fail(0, 'it is empty', 'a name such as ghcr.io/acme/hello:1.0');
  if (/^[a-z]+:\/\//i.test(text)) throw fail(0, 'it is a URL', 'a name without a scheme, such as ghcr.io/acme/hello:1.0');

  const at = text.indexOf('@');
  // No digest has a slash, but user:password@host/path does: nothing of that is shown.
  if (at >= 0 && text.includes('/', at)) {
    const shown = `…${text.slice(text.lastIndexOf('@'))}`;
    throw syntaxError('image reference', shown)(0, 'it has a user or a password before "@"', 'a name; credentials come from docker login');
  }
  const digest = at < 0 ? undefined : checkDigest(text.slice(at + 1), at + 1, fail);
  const named = at < 0 ? text : text.slice(0, at);
  const lastSlash = named.lastIndexOf('/');
  const colon = named.indexOf(':', lastSlash + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !isTag(tag)) {
    throw fail(colon + 1, describeTag(tag), 'a tag of 1 to 128 letters, digits, `_`, `.` and `-`, not starting with `.` or `-`');
  }
  const name = parseName(colon < 0 ? named : named.slice(0, colon), fail);
  return { ...name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/**
 * Reads a repository name without tag or digest.
 * @throws OCIDSL_REFERENCE_SYNTAX
 */
export function parseRepository(text: string): RepositoryName {
  const reference = parseReference(text);
  const fail = syntaxError('repository', text);
  const without = 'a repository without tag and digest, such as ghcr.io/acme/hello';
  if (reference.digest !== undefined) throw fail(text.indexOf('@'), 'it has a digest', without);
  if (reference.tag !== undefined) throw fail(text.lastIndexOf(':'), `it has the tag "${reference.tag}"`, without);
  return reference;
}

/** Whether `text` may be a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** `registry/path`, without tag and digest. */
export function formatRepository(name: RepositoryName): string {
  return `${name.registry}/${name.repository}`;
}

/** The full form: `registry/path[:tag][@digest]`. */
export function formatReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${formatRepository(reference)}${tag}${digest}`;
}

type Fail = (position: number, is: string, expected: string) => OcidslError;

function parseName(name: string, fail: Fail): RepositoryName {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const registry = isHost ? checkHost(first, fail) : 'docker.io';
  const start = isHost ? slash + 1 : 0;
  const path = name.slice(start);
  if (path.length > 255) throw fail(start + 255, `its path has ${path.length} characters`, 'at most 255');
  let position = start;
  for (const component of path.split('/')) {
    if (!PATH_COMPONENT.test(component)) throw fail(faultAt(component, position), describeComponent(component), COMPONENT);
    position += component.length + 1;
  }
  if (!isHost && /^[a-f0-9]{64}$/.test(path)) throw fail(0, 'it is 64 hex digits', 'a name that cannot be taken for a digest');
  return { registry, repository: registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path };
}

const COMPONENT = 'lower-case letters and digits, separated by `.`, `_`, `__` or `-`';

function checkHost(text: string, fail: Fail): string {
  const portAt = /:(\d*)$/.exec(text);
  const host = portAt === null ? text : text.slice(0, portAt.index);
  if (!HOST.test(host) || host.includes('..') || host.length > 253) {
    throw fail(0, `its registry is "${printable(text)}"`, 'a host name or address, optionally with a port');
  }
  if (portAt !== null && !(Number(portAt[1]) >= 1 && Number(portAt[1]) <= 65535)) {
    throw fail(portAt.index + 1, `its port is "${portAt[1]}"`, 'a number from 1 to 65535');
  }
  const lower = text.toLowerCase();
  return lower === 'index.docker.io' || lower === 'registry-1.docker.io' ? 'docker.io' : lower;
}

function checkDigest(text: string, position: number, fail: Fail): string {
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, Math.max(colon, 0));
  const hex = text.slice(colon + 1);
  const length = DIGEST_LENGTHS[algorithm];
  const expected = 'sha256:<64 lower-case hex digits>';
  if (length === undefined) throw fail(position, `its digest starts with "${printable(algorithm, 30)}"`, expected);
  if (hex.length !== length) throw fail(position + colon + 1, `its digest has ${hex.length} hex digits`, `${length}`);
  const bad = hex.search(/[^a-f0-9]/);
  if (bad >= 0) throw fail(position + colon + 1 + bad, `its digest has the character "${printable(hex[bad]!)}"`, expected);
  return text;
}

function describeTag(tag: string): string {
  if (tag === '') return 'its tag is empty';
  if (tag.length > 128) return `its tag has ${tag.length} characters`;
  return `its tag is "${printable(tag)}"`;
}

function describeComponent(component: string): string {
  if (component === '') return 'a part of its path is empty';
  if (/[A-Z]/.test(component)) return `"${printable(component)}" has upper-case letters`;
  return `a part of its path is "${printable(component)}"`;
}

function faultAt(component: string, position: number): number {
  const bad = component.search(/[^a-z0-9._-]/);
  return position + Math.max(bad, 0);
}

function syntaxError(what: string, text: string): Fail {
  return (position, is, expected) =>
    new OcidslError({
      code: 'OCIDSL_REFERENCE_SYNTAX',
      message: `Cannot parse ${what} "${printable(text, 120)}": ${is}, expected ${expected}`,
      fault: { is, expected },
      // A caret points at the right place only where the text is shown as it is.
      output: text.length <= 120 && printable(text) === text ? `  ${text}\n  ${' '.repeat(position)}^` : undefined,
    });
}
