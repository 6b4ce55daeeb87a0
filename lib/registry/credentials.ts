// Finds the credential for a repository: the first place with a match wins. What goes wrong on the way is kept, not thrown: a
// broken helper must not keep anybody from pulling a public image (rules_oci #750, docker/cli #3996).
import { readFile } from 'node:fs/promises';
import { OcidslError, environmentError, isOcidslError } from '../base/errors.ts';
import type { BuildEvent } from '../base/events.ts';
import { printable } from '../base/printable.ts';
import { authFileLocations } from './auth-file-locations.ts';
import type { AuthLocation } from './auth-file-locations.ts';
import { matchAuthFile, parseAuthFile } from './auth-file.ts';
import type { AuthFile } from './auth-file.ts';
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
  readonly outcome: string;
}

/** Finds credentials by repository. */
export interface CredentialStore {
  find(name: RepositoryName): Promise<FoundCredential>;
}

/** A store that reads the files which `environment` leads to, each once, and asks each helper once a host. */
export function createCredentialStore(
  environment: Readonly<Record<string, string | undefined>>,
  emit: (event: BuildEvent) => void = () => undefined,
): CredentialStore {
  const locations = authFileLocations(environment);
  const files = new Map<AuthLocation, Promise<AuthFile | undefined>>();
  const helpers = new Map<string, Promise<Credential | undefined>>();

  const readOnce = (location: AuthLocation) => remember(files, location, () => readLocation(location));
  const askOnce = (helper: string, serverUrl: string, setBy: string) =>
    remember(helpers, `${helper} ${serverUrl}`, () => askCredentialHelper({ helper, serverUrl, setBy, environment, emit }));

  return {
    async find(name) {
      const problems: OcidslError[] = [];
      const steps: CredentialStep[] = [];
      for (const location of locations) {
        const origin = originOf(location);
        const step = (outcome: string) => void steps.push({ origin, outcome });
        try {
          const file = await readOnce(location);
          const match = file && matchAuthFile(file, name);
          if (file === undefined) step('not there');
          else if (match === undefined) step('no entry for it');
          else if (match.type === 'entry') {
            step(`${match.key}: ${describe(match.credential)}`);
            return { credential: match.credential, source: `${match.key} of ${origin}`, problems, steps };
          } else {
            const program = `docker-credential-${printable(match.helper, 60)}`;
            const credential = await askOnce(match.helper, match.serverUrl, `${match.key} in ${origin}`);
            step(`${match.key}: ${program} ${credential === undefined ? 'has nothing' : `gave ${describe(credential)}`}`);
            if (credential !== undefined) return { credential, source: `${program} (${match.key} of ${origin})`, problems, steps };
          }
        } catch (error) {
          if (!isOcidslError(error)) throw error;
          problems.push(error);
          step(error.message);
        }
      }
      return { credential: undefined, source: undefined, problems, steps };
    },
  };
}

/** What a credential is, without what it says. */
function describe(credential: Credential): string {
  return credential.type === 'password' ? `user "${printable(credential.username, 80)}" with a password` : `a ${credential.type}`;
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
