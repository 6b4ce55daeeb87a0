// Engines over Docker's HTTP API: Docker itself, and podman's service, which speaks the same and a dialect of its own.
import { isOcidslError } from '../base/errors.ts';
import type { Platform } from '../oci/platform.ts';
import { parseReference } from '../registry/reference.ts';
import type { EngineAddress } from './engine-address.ts';
import { dockerStore } from './engine-docker-store.ts';
import { failed, loadStreamError, parseObject } from './engine-api-response.ts';
import { engineError } from './engine-error.ts';
import { openEngineHttp } from './engine-http.ts';
import type { EngineHttp, EngineRequest, EngineResponse } from './engine-http.ts';
import type { ContainerEngine, EngineCommand, EngineInfo, EngineName } from './engine-interface.ts';

/** How to connect. */
export interface EngineApiOptions {
  readonly address: Exclude<EngineAddress, { type: 'command' }>;
  /** The address as the user knows it, for messages. */
  readonly display: string;
  /** The command that reaches the same engine; told which engine answered. */
  readonly command: (name: EngineName) => EngineCommand | undefined;
  readonly signal?: AbortSignal | undefined;
}

// The newest API whose answers this client was written for; engines speak older ones too.
const NEWEST_API = '1.51';
const PROBE_MS = 5_000;

/**
 * Connects, agrees on a version of the API and asks for the engine's platform and store.
 * @throws OCIDSL_ENGINE_FAILED where nothing answers as an engine does
 * @see https://docs.docker.com/reference/api/engine/
 */
export async function connectEngineApi(options: EngineApiOptions): Promise<ContainerEngine> {
  const { signal } = options;
  const http = await openEngineHttp(options.address).catch((cause: Error) => {
    throw engineError('connect', options.display, cause.message, cause);
  });
  try {
    const ping = await call(http, 'connect', options.display, { method: 'GET', path: '/_ping', signal, timeoutMs: PROBE_MS });
    if (ping.status !== 200) throw failed('connect', options.display, ping);
    const podmanVersion = header(ping, 'libpod-api-version');
    const name: EngineName = podmanVersion === undefined ? 'docker' : 'podman';
    const api = `/v${olderVersion(header(ping, 'api-version') ?? '1.24', NEWEST_API)}`;
    const images = podmanVersion === undefined ? `${api}/images` : `/v${podmanVersion}/libpod/images`;
    const description = `${name} at ${options.display}`;

    const get = async (path: string) => {
      const doing = 'ask for its properties';
      const response = await call(http, doing, description, { method: 'GET', path, signal, timeoutMs: PROBE_MS });
      if (response.status !== 200) throw failed(doing, description, response);
      return parseObject(response, doing, description);
    };
    const version = await get(`${api}/version`);
    const info: EngineInfo = {
      platform: platformOf(version['Os'], version['Arch']),
      store: name === 'podman' ? 'layers' : dockerStore(await get(`${api}/info`)),
    };
    return {
      name,
      description,
      info,
      command: options.command(name),

      async inspect(reference, abort) {
        const doing = `inspect image "${reference}"`;
        const path = `${images}/${pathOf(reference)}/json`;
        const response = await call(http, doing, description, { method: 'GET', path, signal: abort });
        if (response.status === 404) return undefined;
        if (response.status !== 200) throw failed(doing, description, response);
        const image = parseObject(response, doing, description);
        const id = String(image['Id']);
        // podman's own API gives the bare hex digits.
        return { id: id.includes(':') ? id : `sha256:${id}`, platform: platformOf(image['Os'], image['Architecture']) };
      },

      async load(archive, abort) {
        const path = `${api}/images/load?quiet=1`;
        const response = await call(http, 'load an image', description, { method: 'POST', path, body: archive, signal: abort });
        if (response.status !== 200) throw failed('load an image', description, response);
        const problem = loadStreamError(response.text);
        if (problem !== undefined) throw engineError('load an image', description, problem);
      },

      async tag(id, name, abort) {
        const { registry, repository, tag = 'latest' } = parseReference(name);
        const query = new URLSearchParams({ repo: `${registry}/${repository}`, tag });
        const path = `${images}/${pathOf(id)}/tag?${query.toString()}`;
        const response = await call(http, `tag an image "${name}"`, description, { method: 'POST', path, signal: abort });
        if (response.status !== 201) throw failed(`tag an image "${name}"`, description, response);
      },

      close: () => http.close(),
    };
  } catch (error) {
    await http.close();
    throw error;
  }
}

async function call(http: EngineHttp, doing: string, engine: string, request: EngineRequest): Promise<EngineResponse> {
  try {
    return await http.request(request);
  } catch (error) {
    request.signal?.throwIfAborted();
    // The archive's own failure, which undici hands through.
    if (isOcidslError(error)) throw error;
    throw engineError(doing, engine, describeConnectionError(error as NodeJS.ErrnoException), error);
  }
}

function describeConnectionError(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'there is no such socket';
    case 'ECONNREFUSED':
      return 'connection refused: nothing listens there';
    case 'EACCES':
      return 'permission denied on its socket (EACCES)';
    case 'UND_ERR_SOCKET':
    case 'EPIPE':
    case 'ECONNRESET':
      return 'it closed the connection';
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'it gave no answer in time';
    default:
      return error.message;
  }
}

function header(response: EngineResponse, name: string): string | undefined {
  const value = response.headers[name];
  // It becomes part of a path.
  return typeof value === 'string' && /^\d+(\.\d+)+$/.test(value) ? value : undefined;
}

function olderVersion(a: string, b: string): string {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA < majorB || (majorA === majorB && minorA < minorB) ? a : b;
}

function pathOf(reference: string): string {
  return reference.split('/').map(encodeURIComponent).join('/');
}

function platformOf(os: unknown, architecture: unknown): Platform | undefined {
  return typeof os === 'string' && typeof architecture === 'string' ? { os, architecture } : undefined;
}
