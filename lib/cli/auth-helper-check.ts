// Whether a credential helper that was just set does its work: there, answering, and the first place that is asked.
import { delimiter, join } from 'node:path';
import { accessSync, constants } from 'node:fs';
import { isOcidslError } from '../base/errors.ts';
import type { BuildEvent } from '../base/events.ts';
import { serverUrlOf } from '../registry/auth-file.ts';
import { askCredentialHelper } from '../registry/credential-helper.ts';
import { createCredentialStore } from '../registry/credentials.ts';

/** What was found out. No part of it is of the secret. */
export interface HelperCheck {
  readonly result: 'answers' | 'has nothing' | 'failed' | 'not first';
  /** In words, with what to do where something is to be done. */
  readonly outcome: string;
}

/** Asks `docker-credential-<helper>` for a registry, and then where a command would look first. */
export async function checkHelper(
  helper: string,
  registry: string,
  environment: Readonly<Record<string, string | undefined>>,
  emit: (event: BuildEvent) => void,
): Promise<HelperCheck> {
  const program = `docker-credential-${helper}`;
  try {
    const serverUrl = serverUrlOf('docker', registry);
    const credential = await askCredentialHelper({ helper, serverUrl, setBy: 'this command', environment, emit });
    if (credential === undefined) return { result: 'has nothing', outcome: `${program} has no credentials for ${registry} yet` };
  } catch (error) {
    if (!isOcidslError(error)) throw error;
    return { result: 'failed', outcome: error.message };
  }
  const { source } = await createCredentialStore(environment, emit).explain({ registry, repository: '' });
  if (source === undefined || source.startsWith(`${program} (`))
    return { result: 'answers', outcome: `${program} answers for ${registry}` };
  return { result: 'not first', outcome: `${program} answers for ${registry}, but ${source} comes first` };
}

/** Whether `docker-credential-<helper>` is on PATH, where docker and podman look for it. */
export function isHelperOnPath(helper: string, environment: Readonly<Record<string, string | undefined>>): boolean {
  return (environment['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, `docker-credential-${helper}`), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}
