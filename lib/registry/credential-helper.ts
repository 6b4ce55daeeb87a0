// docker-credential-* programs. The protocol has the secret on stdout, so nothing of stdout is ever shown.
// https://github.com/docker/docker-credential-helpers#development
import { OcidslError, isOcidslError } from '../base/errors.ts';
import type { BuildEvent } from '../base/events.ts';
import { printable } from '../base/printable.ts';
import { runProcess } from '../base/run-process.ts';
import type { Credential } from './credential.ts';
import { findGhCredential, GH_HELPER } from './gh-credential.ts';
import { Secret } from './secret.ts';

/** Which helper to ask for what. */
export interface HelperRequest {
  /** The part after `docker-credential-`. */
  readonly helper: string;
  /** Sent on stdin. */
  readonly serverUrl: string;
  /** Where the helper is configured, for messages. */
  readonly setBy: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told when the helper keeps the user waiting. */
  readonly emit: (event: BuildEvent) => void;
  /** Default: OCIDSL_CREDENTIAL_HELPER_TIMEOUT in seconds, else 60 s, because people log in through a browser. */
  readonly timeoutMs?: number;
  /** Default: 5 s. */
  readonly noticeAfterMs?: number;
}

const NOT_FOUND = 'credentials not found in native keychain';
const MAX_OUTPUT_BYTES = 1 << 20;
const TIMEOUT_VARIABLE = 'OCIDSL_CREDENTIAL_HELPER_TIMEOUT';
const HELPER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Whether a name from a file or a user may become the program `docker-credential-<name>`: no path, and nothing for a shell. */
export function isHelperName(name: string): boolean {
  return HELPER_NAME.test(name);
}

/**
 * Asks a helper.
 * @returns undefined where it has no credentials for the server
 * @throws OCIDSL_CREDENTIAL_HELPER_MISSING, OCIDSL_CREDENTIAL_HELPER_FAILED
 */
export async function askCredentialHelper(request: HelperRequest): Promise<Credential | undefined> {
  const { helper, serverUrl, setBy, emit } = request;
  const program = `docker-credential-${helper}`;
  if (!isHelperName(helper)) {
    throw failed(`the name "${printable(helper, 60)}" set by ${setBy} is not that of a program`);
  }
  const timeoutMs = request.timeoutMs ?? readTimeoutMs(request.environment[TIMEOUT_VARIABLE]);
  const notice = setTimeout(
    () => emit({ type: 'note', message: `Waiting for ${program} (credentials of ${serverUrl})` }),
    request.noticeAfterMs ?? 5_000,
  );
  notice.unref();
  const result = await runProcess({
    argv: [program, 'get'],
    environment: request.environment,
    stdin: Buffer.from(serverUrl),
    timeoutMs,
    maxOutputBytes: MAX_OUTPUT_BYTES,
  })
    .catch((error: unknown) => {
      if (isOcidslError(error) && error.code === 'OCIDSL_SYSTEM_ENOENT') return undefined;
      throw error;
    })
    .finally(() => clearTimeout(notice));

  if (result === undefined) {
    // Our own helper is part of this program, wherever npm has put its command.
    if (helper === GH_HELPER) {
      const found = await findGhCredential(serverUrl, request.environment);
      return found && { type: 'password', username: found.username, password: found.token };
    }
    throw new OcidslError({
      code: 'OCIDSL_CREDENTIAL_HELPER_MISSING',
      kind: 'credentials',
      message: `Cannot ask ${program} for credentials of "${serverUrl}": there is no such program on PATH`,
      hint: `It is set by ${setBy}: install it, or remove that line`,
    });
  }
  if (result.timedOut) throw failed(`${program} did not answer in ${timeoutMs / 1000} seconds`);
  const stdout = result.stdout.toString('utf8').trim();
  if (result.exitCode !== 0) {
    if (stdout === NOT_FOUND) return undefined;
    const said = printable(result.stderr.toString('utf8').trim().slice(-300), 300);
    throw failed(`${program} ended with exit code ${result.exitCode}${said === '' ? '' : ` (${said})`}`);
  }
  const { Username: username, Secret: secret } = parseAnswer(stdout);
  if (result.stdout.byteLength >= MAX_OUTPUT_BYTES || typeof username !== 'string' || typeof secret !== 'string') {
    throw failed(`${program} printed no JSON with Username and Secret`);
  }
  if (username === '' && secret === '') return undefined;
  if (username === '<token>') return { type: 'identity token', token: new Secret(secret) };
  return { type: 'password', username, password: new Secret(secret) };

  function failed(is: string): OcidslError {
    return new OcidslError({
      code: 'OCIDSL_CREDENTIAL_HELPER_FAILED',
      kind: 'credentials',
      message: `Cannot get credentials of "${serverUrl}": ${is}`,
      hint: `The helper is set by ${setBy}`,
    });
  }
}

function readTimeoutMs(text: string | undefined): number {
  if (text === undefined || text === '') return 60_000;
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (seconds > 0) return seconds * 1000;
  throw new OcidslError({
    code: 'OCIDSL_USAGE',
    message: `Cannot use ${TIMEOUT_VARIABLE} "${printable(text, 40)}": expected seconds from 1 to 9999`,
  });
}

function parseAnswer(stdout: string): { Username?: unknown; Secret?: unknown } {
  try {
    const answer: unknown = JSON.parse(stdout);
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch {
    return {}; // The parser's message would quote the output.
  }
}
