// docker-credential-ocidsl-gh: the protocol of docker's credential helpers, answered with the token of GitHub's command line.
// https://github.com/docker/docker-credential-helpers/blob/master/credentials/credentials.go
import { isOcidslError } from '../base/errors.ts';
import { findGhCredential, GH_HELPER } from './gh-credential.ts';

/** What the helper was started with. */
export interface HelperCall {
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads standard input to its end. */
  readonly input: () => Promise<string>;
  readonly version: string;
  readonly signal?: AbortSignal;
}

/** What it is to print and to end with. */
export interface HelperAnswer {
  /** Holds the secret after a successful `get`; the protocol has messages here too. */
  readonly stdout: string;
  /** The message once more: callers that do not show stdout, because of the secret, show this. */
  readonly stderr: string;
  readonly exitCode: 0 | 1;
}

const PROGRAM = `docker-credential-${GH_HELPER}`;
const USAGE = `Usage: ${PROGRAM} <store|get|erase|list|version>`;
const LISTED = 'ghcr.io';

/** Answers one call of the helper. */
export async function answerHelperCall(call: HelperCall): Promise<HelperAnswer> {
  const [action, ...rest] = call.args;
  if (action === undefined || rest.length > 0) return refuse(USAGE);
  switch (action) {
    case 'get':
      return await get(call);
    case 'list':
      return await list(call);
    case 'store':
      return refuse(`${PROGRAM} keeps no credentials of its own: log in with "gh auth login --scopes write:packages"`);
    case 'erase':
      return refuse(`${PROGRAM} keeps no credentials of its own: log out with "gh auth logout"`);
    case 'version':
    case '--version':
    case '-v':
      return accept(`${PROGRAM} (ocidsl) ${call.version}`);
    case '--help':
    case '-h':
      return accept(USAGE);
    default:
      return refuse(`${PROGRAM}: unknown action: ${action.slice(0, 60)}`);
  }
}

async function get({ input, environment, signal }: HelperCall): Promise<HelperAnswer> {
  const serverUrl = (await input()).trim();
  if (serverUrl === '') return refuse('no credentials server URL');
  try {
    const found = await findGhCredential(serverUrl, environment, signal);
    // The exact words by which callers know that there is none: not an error of this helper, so nothing for stderr.
    if (found === undefined) return { stdout: 'credentials not found in native keychain\n', stderr: '', exitCode: 1 };
    return accept(JSON.stringify({ ServerURL: serverUrl, Username: found.username, Secret: found.token.reveal() }));
  } catch (error) {
    if (!isOcidslError(error)) throw error;
    return refuse(error.message);
  }
}

// Callers use it to collect everything that they might need, so that being logged out is no error.
async function list({ environment, signal }: HelperCall): Promise<HelperAnswer> {
  try {
    const found = await findGhCredential(LISTED, environment, signal);
    return accept(JSON.stringify(found === undefined ? {} : { [LISTED]: found.username }));
  } catch (error) {
    if (!isOcidslError(error)) throw error;
    return accept('{}');
  }
}

function accept(line: string): HelperAnswer {
  return { stdout: `${line}\n`, stderr: '', exitCode: 0 };
}

function refuse(message: string): HelperAnswer {
  return { stdout: `${message}\n`, stderr: `${message}\n`, exitCode: 1 };
}
