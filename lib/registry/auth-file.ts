// One file of credentials: docker's config.json or containers' auth.json, which share their shape.
// https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Credential } from './credential.ts';
import type { RepositoryName } from './reference.ts';
import { Secret } from './secret.ts';

/** A file of credentials, not interpreted yet. */
export interface AuthFile {
  /** Path or `$VARIABLE`, for messages. */
  readonly origin: string;
  /** Podman and its relatives do not use `credsStore`, and name hosts differently to helpers. */
  readonly dialect: 'docker' | 'podman';
  readonly auths: ReadonlyMap<string, unknown>;
  readonly credHelpers: ReadonlyMap<string, unknown>;
  readonly credsStore: string | undefined;
}

/** What a file has for a repository. */
export type AuthMatch =
  | { readonly type: 'helper'; readonly helper: string; readonly serverUrl: string; readonly key: string }
  | { readonly type: 'entry'; readonly credential: Credential; readonly key: string };

/**
 * Reads the text of a file. Empty files and byte order marks are fine.
 * @throws OCIDSL_AUTH_FILE_SYNTAX, without any of its content
 */
export function parseAuthFile(text: string, origin: string, dialect: AuthFile['dialect']): AuthFile {
  const bare = text.replace(/^\uFEFF/, '').trim();
  let document: unknown;
  try {
    document = bare === '' ? {} : JSON.parse(bare);
  } catch {
    document = undefined; // The parser's message would quote the file.
  }
  const root = asMap(document);
  if (root === undefined) throw fileError(origin, 'it is not a JSON object', 'the format of docker login and podman login');
  // ~/.dockercfg, from before Docker 1.7, is the map of `auths` itself.
  const isLegacy = origin.endsWith('.dockercfg');
  const credsStore = root.get('credsStore');
  return {
    origin,
    dialect,
    auths: (isLegacy ? root : asMap(root.get('auths'))) ?? new Map(),
    credHelpers: asMap(root.get('credHelpers')) ?? new Map(),
    credsStore: dialect === 'docker' && typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
  };
}

/**
 * What `file` has for a repository: its host's helper, else the most specific entry of `host/ns/image`, `host/ns` and `host`.
 * With a helper configured the entries are no fallback, as in docker.
 * @throws OCIDSL_AUTH_FILE_SYNTAX where the matching entry is malformed
 */
export function matchAuthFile(file: AuthFile, name: RepositoryName): AuthMatch | undefined {
  const helperKey = findKey(file.credHelpers, name.registry);
  const helper = helperKey === undefined ? undefined : file.credHelpers.get(helperKey);
  if (helperKey !== undefined && typeof helper === 'string' && helper !== '') {
    return { type: 'helper', helper, serverUrl: serverUrlOf(file.dialect, name.registry), key: `credHelpers["${printable(helperKey)}"]` };
  }
  // An empty helper means: none for this host, whatever the store.
  if (helperKey === undefined && file.credsStore !== undefined) {
    return { type: 'helper', helper: file.credsStore, serverUrl: serverUrlOf(file.dialect, name.registry), key: 'credsStore' };
  }
  const parts = name.repository.split('/');
  for (let length = parts.length; length >= 0; length--) {
    const scope = [name.registry, ...parts.slice(0, length)].join('/');
    const key = findKey(file.auths, scope);
    const credential = key === undefined ? undefined : readEntry(file, key);
    if (key !== undefined && credential !== undefined) return { type: 'entry', credential, key: `auths["${printable(key)}"]` };
  }
  return undefined;
}

/** A key as a host or `host/path`: legacy keys are URLs, and Docker Hub has three names. */
export function normalizeAuthKey(key: string): string {
  const hasScheme = /^https?:\/\//i.test(key);
  const bare = key.replace(/^https?:\/\//i, '').replace(/\/+$/, '');
  const slash = bare.indexOf('/');
  const host = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase();
  const path = slash < 0 ? '' : bare.slice(slash);
  const isLegacy = hasScheme || path === '/v1' || path === '/v2';
  const registry = host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
  return isLegacy ? registry : registry + path;
}

function findKey(map: ReadonlyMap<string, unknown>, scope: string): string | undefined {
  if (map.has(scope)) return scope;
  for (const key of map.keys()) if (normalizeAuthKey(key) === scope) return key;
  return undefined;
}

/** What a helper is asked for: the registry, which docker calls by its first address where it is Docker Hub. */
export function serverUrlOf(dialect: AuthFile['dialect'], registry: string): string {
  return registry === 'docker.io' && dialect === 'docker' ? 'https://index.docker.io/v1/' : registry;
}

function readEntry(file: AuthFile, key: string): Credential | undefined {
  const entry = asMap(file.auths.get(key));
  if (entry === undefined) return undefined;
  const text = (name: string) => {
    const value = entry.get(name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const identityToken = text('identitytoken');
  if (identityToken !== undefined) return { type: 'identity token', token: new Secret(identityToken) };
  const registryToken = text('registrytoken');
  if (registryToken !== undefined) return { type: 'registry token', token: new Secret(registryToken) };
  const auth = text('auth');
  if (auth !== undefined) {
    const decoded = decodeAuth(auth);
    if (decoded === undefined)
      throw fileError(file.origin, `the "auth" of "${printable(key)}" is not base64 of user:password`, 'the format of docker login');
    return decoded;
  }
  const username = text('username');
  const password = text('password');
  return username === undefined || password === undefined ? undefined : { type: 'password', username, password: new Secret(password) };
}

function decodeAuth(auth: string): Credential | undefined {
  // Some tools leave the padding out; Buffer accepts that, and ignores what is not base64 at all.
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(auth.trim())) return undefined;
  const text = Buffer.from(auth.trim(), 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon <= 0) return undefined;
  // Old docker padded with NULs.
  return { type: 'password', username: text.slice(0, colon), password: new Secret(text.slice(colon + 1).replace(/\0+$/, '')) };
}

function asMap(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value));
}

function fileError(origin: string, is: string, expected: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_AUTH_FILE_SYNTAX',
    kind: 'credentials',
    message: `Cannot read credentials from "${origin}": ${is}, expected ${expected}`,
  });
}
