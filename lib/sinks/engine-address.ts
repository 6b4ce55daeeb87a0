// Addresses of engine sockets, as DOCKER_HOST and docker contexts write them.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** Where an engine listens, and how to speak to it. */
export type EngineAddress =
  /** A unix socket or a Windows pipe. */
  | { readonly type: 'socket'; readonly path: string }
  /** `directory` holds ca.pem, cert.pem and key.pem; without it the connection is not encrypted. */
  | { readonly type: 'tcp'; readonly host: string; readonly port: number; readonly tlsDirectory?: string }
  /** Only the engine's own command speaks this. */
  | { readonly type: 'command'; readonly url: string };

/**
 * Reads `unix:///path`, `npipe:////./pipe/NAME`, `tcp://host[:port]`, `http(s)://…` or `ssh://…`.
 * `tlsDirectory` is used where the address is TCP.
 * @throws OCIDSL_ENGINE_ADDRESS
 */
export function parseEngineAddress(text: string, tlsDirectory?: string): EngineAddress {
  const fail = (is: string) =>
    new OcidslError({
      code: 'OCIDSL_ENGINE_ADDRESS',
      message: `Cannot parse engine address "${printable(text, 100)}": ${is}, expected unix:///path, tcp://host:port or ssh://host`,
    });
  const scheme = /^([a-z]+):\/\//.exec(text)?.[1];
  const rest = text.slice((scheme?.length ?? 0) + 3);
  switch (scheme) {
    case 'unix':
      if (!rest.startsWith('/')) throw fail('its path is not absolute');
      return { type: 'socket', path: rest };
    case 'npipe':
      return { type: 'socket', path: rest.replaceAll('/', '\\') };
    case 'tcp':
    case 'http':
    case 'https': {
      const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : undefined;
      if (url === undefined || url.hostname === '') throw fail('its host cannot be read');
      const isTls = tlsDirectory !== undefined && scheme !== 'http';
      return {
        type: 'tcp',
        host: url.hostname,
        // URL drops a port 80, which is http's own.
        port: url.port !== '' ? Number(url.port) : /:80\/?$/.test(rest) ? 80 : isTls ? 2376 : 2375,
        ...(isTls ? { tlsDirectory } : {}),
      };
    }
    case 'ssh':
      return { type: 'command', url: text };
    default:
      throw fail(scheme === undefined ? 'it has no scheme' : `its scheme is "${scheme}"`);
  }
}
