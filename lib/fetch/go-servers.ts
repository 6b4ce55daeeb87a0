// The servers that Go is fetched from: module proxies and the checksum database. By http and https as all files are, with the
// credentials that the go command would send, and by file URLs.
import { createReadStream } from 'node:fs';
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { environmentError, OcidslError } from '../base/errors.ts';
import { isTransient } from '../registry/connection-error.ts';
import { readBounded, type HttpResponse } from '../registry/http.ts';
import { printableUrl } from '../registry/printable-url.ts';
import { isLoopbackHost } from '../registry/registry-host.ts';
import type { Secret } from '../registry/secret.ts';
import type { FetchContext } from './fetch-context.ts';
import { basicAuthorization, netrcAuthorization } from './go-netrc.ts';
import { readFileAnswer } from './http-file-answer.ts';
import { httpTransportOf, type HttpTransport } from './http-transport.ts';

/** Called with the bytes that are there, and with the whole size where the server says it. */
export type OnProgress = (bytes: number, totalBytes: number | undefined) => void;

/** Reads from the servers of one command. */
export interface GoServers {
  /** The whole of a small file; undefined where the server does not have it. */
  read(url: URL, limitBytes: number, signal: AbortSignal): Promise<Buffer | undefined>;
  /**
   * Brings a file to `path`, going on where what is there ends: whoever asked checks that the whole is what it should be. False where
   * the server does not have it.
   */
  download(url: URL, path: string, signal: AbortSignal, onProgress: OnProgress): Promise<boolean>;
}

// Attempts are limited only while they bring less than this.
const PROGRESS_BYTES = 1024 * 1024;

/** Opens nothing before the first request. `environment` says where .netrc is. */
export function createGoServers(environment: Readonly<Record<string, string | undefined>>, transport: HttpTransport): GoServers {
  const { send, backoff } = transport;
  const get = async (url: URL, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<HttpResponse> => {
    const authorization = authorizationFor(url, environment);
    const bare = new URL(url);
    bare.username = '';
    bare.password = '';
    const secret = authorization === undefined ? {} : { authorization: authorization.reveal() };
    return await send({ method: 'GET', url: bare, headers: { accept: '*/*', ...headers, ...secret }, signal });
  };
  return {
    async read(url, limitBytes, signal) {
      if (url.protocol === 'file:') return await readFile(fileURLToPath(url)).catch(undefinedIfMissing(url));
      const response = await get(url, signal);
      try {
        if (isAbsent(response)) return undefined;
        if (response.status !== 200) throw refusal(response);
        const bytes = await readBounded(response, limitBytes);
        if (bytes === undefined) throw serverError(url, `it has more than ${limitBytes} bytes`);
        return bytes;
      } finally {
        await response.dispose();
      }
    },

    async download(url, path, signal, onProgress) {
      const file = await open(path, 'a', 0o600).catch((error: unknown) => {
        throw environmentError(`write "${path}"`, error);
      });
      try {
        if (url.protocol === 'file:') return await copyTo(file, url, signal, onProgress);
        let before = 0;
        for (let failures = 0; ;) {
          const { size } = await file.stat();
          if (size >= before + PROGRESS_BYTES) failures = 0;
          before = size;
          try {
            const response = await get(url, signal, size > 0 ? { range: `bytes=${size}-` } : {});
            const outcome = await append(file, size, response, onProgress);
            if (outcome !== 'again') return outcome === 'complete';
          } catch (error) {
            if (!isTransient(error) || ++failures >= backoff.attempts) throw error;
            await backoff.pause(failures, url, undefined, signal);
          }
        }
      } finally {
        await file.close();
      }
    },
  };
}

const opened = new WeakMap<FetchContext['environment'], GoServers>();

/** The servers of a command, so that connections are shared. */
export function goServersOf(context: FetchContext): GoServers {
  const { environment } = context;
  let servers = opened.get(environment);
  if (servers === undefined) opened.set(environment, (servers = createGoServers(environment, httpTransportOf(context))));
  return servers;
}

function authorizationFor(url: URL, environment: Readonly<Record<string, string | undefined>>): Secret | undefined {
  const isSafe = url.protocol === 'https:' || isLoopbackHost(url.hostname);
  if (url.username === '') return isSafe ? netrcAuthorization(url.hostname, environment) : undefined;
  if (isSafe) return basicAuthorization(decodeURIComponent(url.username), decodeURIComponent(url.password));
  throw new OcidslError({
    code: 'OCIDSL_CREDENTIALS_INSECURE',
    kind: 'credentials',
    message: `Cannot GET ${printableUrl(url)}: its password would be sent in the clear, expected an https URL`,
  });
}

// Appends a response's body. `again`: what the file has cannot be continued, and it is empty now.
async function append(
  file: FileHandle,
  size: number,
  response: HttpResponse,
  onProgress: OnProgress,
): Promise<'complete' | 'absent' | 'again'> {
  try {
    if (isAbsent(response)) return 'absent';
    const answer = readFileAnswer(response, size);
    if (answer === undefined) {
      // There is nothing after the end of a file that is complete.
      if (response.status === 416 && response.headers.get('content-range') === `bytes */${size}`) return 'complete';
      if (size === 0 || (response.status !== 206 && response.status !== 416)) throw refusal(response);
      await file.truncate(0);
      return 'again';
    }
    if (answer.start === 0) await file.truncate(0);
    let bytes = answer.start;
    for await (const chunk of response.body) {
      await write(file, chunk);
      onProgress((bytes += chunk.byteLength), answer.totalBytes);
    }
    return 'complete';
  } finally {
    await response.dispose();
  }
}

async function write(file: FileHandle, chunk: Uint8Array): Promise<void> {
  await file.appendFile(chunk).catch((error: unknown) => {
    throw environmentError('write a download', error);
  });
}

async function copyTo(file: FileHandle, url: URL, signal: AbortSignal, onProgress: OnProgress): Promise<boolean> {
  const from = fileURLToPath(url);
  const found = await stat(from).catch(undefinedIfMissing(url));
  if (found === undefined) return false;
  await file.truncate(0);
  let bytes = 0;
  for await (const chunk of createReadStream(from, { highWaterMark: PROGRESS_BYTES }) as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    await write(file, chunk);
    onProgress((bytes += chunk.byteLength), found.size);
  }
  return true;
}

function isAbsent({ status }: HttpResponse): boolean {
  return status === 404 || status === 410;
}

function undefinedIfMissing(url: URL): (error: unknown) => undefined {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw environmentError(`read "${fileURLToPath(url)}"`, error);
  };
}

function refusal({ status, url }: HttpResponse): OcidslError {
  if (status !== 401 && status !== 403) return serverError(url, `the server answered with status ${status}`);
  return new OcidslError({
    code: 'OCIDSL_GO_SERVER',
    kind: 'credentials',
    message: `Cannot GET ${printableUrl(url)}: the server answered with status ${status}, expected it to let us in`,
    hint: 'Put the credentials for that host into ~/.netrc, as for the go command',
  });
}

function serverError(url: URL, is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GO_SERVER',
    kind: 'network',
    message: `Cannot GET ${printableUrl(url)}: ${is}, expected the file`,
  });
}
