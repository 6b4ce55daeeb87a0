// The credential of GitHub's container registry that the user has already: the token of GitHub's command line, `gh`.
import { OcidslError, isOcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { runProcess } from '../base/run-process.ts';
import { ghEnvironment, githubHostOf } from './gh-hosts.ts';
import { Secret } from './secret.ts';

/** User name and token for a registry of GitHub. */
export interface GhCredential {
  readonly username: string;
  readonly token: Secret;
}

/** The part of our credential helper's name after `docker-credential-`. */
export const GH_HELPER = 'ocidsl-gh';

// Unlocking a key ring may need a person. Less than what callers of helpers wait (60 s), so that gh never outlives the wait.
const TIMEOUT_MS = 55_000;

/**
 * Asks `gh auth token`. It reads gh's variables, files and key ring; nothing goes over the network.
 * @returns undefined where the registry is not one of GitHub's: not ghcr.io, and not of an Enterprise server that gh is logged in to
 * @throws OCIDSL_GH_MISSING, OCIDSL_GH_NO_TOKEN
 */
export async function findGhCredential(
  serverUrl: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<GhCredential | undefined> {
  const host = githubHostOf(serverUrl);
  if (host === undefined) return undefined;
  const { exitCode, stdout, stderr, timedOut } = await runProcess({
    argv: ['gh', 'auth', 'token', '--hostname', host],
    environment: ghEnvironment(environment, host),
    timeoutMs: TIMEOUT_MS,
    maxOutputBytes: 65_536,
    ...(signal !== undefined && { signal }),
  }).catch((error: unknown) => {
    if (!isOcidslError(error) || error.code !== 'OCIDSL_SYSTEM_ENOENT') throw error;
    throw new OcidslError({
      code: 'OCIDSL_GH_MISSING',
      kind: 'credentials',
      message: `Cannot get the token for ${host}: there is no gh on PATH, expected GitHub's command line (https://cli.github.com)`,
    });
  });
  const token = stdout.toString('utf8').trim();
  if (exitCode !== 0 || !/^[\x21-\x7e]+$/.test(token)) {
    // `docker.example.com` is anybody's name for a registry; only a login makes it an Enterprise server.
    if (host !== 'github.com' && !timedOut) return undefined;
    const said = printable(stderr.toString('utf8').trim().split('\n', 1)[0] ?? '', 120);
    const why = timedOut ? `gh did not answer in ${TIMEOUT_MS / 1000} seconds` : `gh has none${said === '' ? '' : ` (${said})`}`;
    const login = `gh auth login --hostname ${host} --scopes write:packages`;
    const message = /unknown (?:command|flag)/.test(said)
      ? `Cannot get the token for ${host}: this gh has no "auth token", expected version 2.17 or later`
      : `Cannot get the token for ${host}: ${why}, expected a login by: ${login}`;
    throw new OcidslError({ code: 'OCIDSL_GH_NO_TOKEN', kind: 'credentials', message });
  }
  // GitHub goes by the token and takes any name; this one is what gh itself gives to git.
  return { username: environment['GITHUB_ACTOR'] || 'x-access-token', token: new Secret(token) };
}
