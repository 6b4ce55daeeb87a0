// Finds the credential for a repository: the first place with a match wins. What goes wrong on the way is kept, not thrown: a
// broken helper must not keep anybody from pulling a public image (rules_oci #750, docker/cli #3996).
import { readFile } from 'node:fs/promises';
import { OcidslError, environmentError, isOcidslError } from '../base/errors.ts';
import type { BuildEvent } from '../base/events.ts';
import { printable } from '../base/printable.ts';
import { authFileLocations } from './auth-file-locations.ts';
import type { AuthLocation } from './auth-file-locations.ts';
import { matchAuthFile, parseAuthFile, serverUrlOf } from './auth-file.ts';
import type { AuthFile, AuthMatch } from './auth-file.ts';
import { defaultCredentialStore } from './credential-default-store.ts';
import { askCredentialHelper } from './credential-helper.ts';
import type { Credential } from './credential.ts';
import type { RepositoryName } from './reference.ts';

/** The outcome of a search. */
export interface FoundCredential {
  /** Undefined: anonymous. */
  readonly credential: Credential | undefined;
  /** Where it comes from, for messages; undefined for anonymous. */
  readonly source: string | undefined;
  /** What could not be read or asked. Matters only where anonymous access is then refused. */
  readonly problems: readonly OcidslError[];
  /** Every place that was looked at, in order. */
  readonly steps: readonly CredentialStep[];
}

/** One place of a search, for `auth explain`; never holds a secret. */
export interface CredentialStep {
  /** Path, with the variable that names it, or `$VARIABLE`. */
  readonly origin: string;
  /** `nothing`: a helper is set, and has none; `not reached`: an earlier place has one. */
  readonly result: 'absent' | 'no entry' | 'nothing' | 'failed' | 'used' | 'not reached';
  /** In words, for people. */
  readonly outcome: string;
  /** The entry that matched, such as `credHelpers["ghcr.io"]`. */
  readonly key?: string;
  /** Program that was asked. */
  readonly helper?: string;
  readonly hint?: string;
}

/** Finds credentials by repository. */
export interface CredentialStore {
  /** Emits a note where something went wrong and no other place has credentials, once for each of them. */
  find(name: RepositoryName): Promise<FoundCredential>;
  /** The same search, without notes. */
  explain(name: RepositoryName): Promise<FoundCredential>;
}

/** A store that reads the files which `environment` leads to, each once, and asks each helper once a host. */
export function createCredentialStore(
  environment: Readonly<Record<string, string | undefined>>,
  emit: (event: BuildEvent) => void = () => undefined,
): CredentialStore {
  const locations = authFileLocations(environment);
  const files = new Map<AuthLocation, Promise<AuthFile | undefined>>();
  const helpers = new Map<string, Promise<Credential | undefined>>();
  const noted = new Set<string>();

  const readOnce = (location: AuthLocation) => remember(files, location, () => readLocation(location));
  const askOnce = (helper: string, serverUrl: string, setBy: string) =>
    remember(helpers, `${helper} ${serverUrl}`, () => askCredentialHelper({ helper, serverUrl, setBy, environment, emit }));

  const defaultStore = once(() => defaultCredentialStore(environment));

  // What docker does where its config has no credentials at all.
  const matchDefaultStore = async (
    location: AuthLocation,
    file: AuthFile | undefined,
    registry: string,
  ): Promise<AuthMatch | undefined> => {
    if (location.type === 'text' || !location.hasDefaultStore || (file !== undefined && !isEmpty(file))) return undefined;
    const helper = await defaultStore();
    if (helper === undefined) return undefined;
    return { type: 'helper', helper, serverUrl: serverUrlOf('docker', registry), key: "docker's default store" };
  };

  const look = async (location: AuthLocation, origin: string, name: RepositoryName): Promise<Look> => {
    const file = await readOnce(location);
    const match = (file && matchAuthFile(file, name)) ?? (await matchDefaultStore(location, file, name.registry));
    if (match === undefined) {
      return { step: file === undefined ? { result: 'absent', outcome: 'not there' } : { result: 'no entry', outcome: 'no entry for it' } };
    }
    const { key } = match;
    if (match.type === 'entry') {
      const { credential } = match;
      return { step: { result: 'used', outcome: `${key}: ${describe(credential)}`, key }, credential, source: `${key} of ${origin}` };
    }
    const helper = `docker-credential-${printable(match.helper, 60)}`;
    const credential = await askOnce(match.helper, match.serverUrl, `${key} in ${origin}`);
    if (credential === undefined) return { step: { result: 'nothing', outcome: `${key}: ${helper} has nothing`, key, helper } };
    const outcome = `${key}: ${helper} gave ${describe(credential)}`;
    return { step: { result: 'used', outcome, key, helper }, credential, source: `${helper} (${key} of ${origin})` };
  };

  const search = async (name: RepositoryName): Promise<FoundCredential> => {
    const problems: OcidslError[] = [];
    const steps: CredentialStep[] = [];
    let found: Pick<Look, 'credential' | 'source'> = {};
    for (const location of locations) {
      const origin = originOf(location);
      if (found.credential !== undefined) {
        steps.push({ origin, result: 'not reached', outcome: 'not looked at' });
        continue;
      }
      try {
        const { step, ...result } = await look(location, origin, name);
        steps.push({ origin, ...step });
        found = result;
      } catch (error) {
        if (!isOcidslError(error)) throw error;
        problems.push(error);
        steps.push({ origin, result: 'failed', outcome: error.message, ...(error.hint !== undefined && { hint: error.hint }) });
      }
    }
    return { credential: found.credential, source: found.source, problems, steps };
  };

  return {
    async find(name) {
      const found = await search(name);
      for (const { message } of found.credential === undefined ? found.problems : []) {
        if (!noted.has(message)) emit({ type: 'note', message: `Going on without credentials for ${name.registry}: ${message}` });
        noted.add(message);
      }
      return found;
    },
    explain: search,
  };
}

/** What one place gave. */
interface Look {
  readonly step: Omit<CredentialStep, 'origin'>;
  readonly credential?: Credential;
  readonly source?: string;
}

// Some registries take the token as the user name.
const SHOWN_USER = /^(?!gh[a-z]_|github_pat_|glpat-|dckr_|eyJ)[\w.@+$-]{1,39}$/;

/** What a credential is, without what it says. */
function describe(credential: Credential): string {
  if (credential.type !== 'password') return credential.type === 'identity token' ? 'an identity token' : 'a registry token';
  return SHOWN_USER.test(credential.username) ? `user "${credential.username}" with a password` : 'a user with a password';
}

function isEmpty(file: AuthFile): boolean {
  return file.credsStore === undefined && file.credHelpers.size === 0 && file.auths.size === 0;
}

function originOf(location: AuthLocation): string {
  if (location.type === 'text') return location.origin;
  return location.setBy === undefined ? location.path : `${location.path} ($${location.setBy})`;
}

async function readLocation(location: AuthLocation): Promise<AuthFile | undefined> {
  if (location.type === 'text') return parseAuthFile(location.text, location.origin, 'docker');
  let text: string;
  try {
    text = await readFile(location.path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if ((code === 'ENOENT' || code === 'ENOTDIR') && !location.isRequired) return undefined;
    const failure = environmentError(`read credentials from "${originOf(location)}"`, error);
    throw new OcidslError({ code: failure.code, kind: 'credentials', message: failure.message, cause: error });
  }
  return parseAuthFile(text, location.path, location.dialect);
}

function remember<K, V>(map: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  let promise = map.get(key);
  if (promise === undefined) {
    promise = make();
    map.set(key, promise);
  }
  return promise;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
