// What people name in `ocidsl auth`: a repository, or a registry by itself.
import { printable } from '../base/printable.ts';
import { parseReference, parseRepository, type RepositoryName } from '../registry/reference.ts';
import { usage } from './settings.ts';

// Docker Hub would take both for an image of its own; in these commands nobody means that.
const HOST_ALONE = /^(?:localhost(?::\d+)?|[^/@]+\.[^/@:]+(?::\d+)?|\[[0-9a-fA-F:.]+\](?::\d+)?|[^/@.]+:\d{2,5})$/;

/**
 * Reads `ghcr.io/acme/hello`, with or without tag and digest, or `ghcr.io`, which is the repository "" of that registry.
 * @throws OCIDSL_REFERENCE_SYNTAX
 */
export function parseAuthSubject(text: string): RepositoryName {
  if (HOST_ALONE.test(text)) return { registry: parseRepository(`${text}/any`).registry, repository: '' };
  const { registry, repository } = parseReference(text);
  return { registry, repository };
}

/**
 * Reads a registry: a host with or without a port.
 * @throws OCIDSL_USAGE
 */
export function parseRegistryHost(text: string): string {
  const expected = 'expected a host such as ghcr.io or localhost:5000';
  // Before an @ there may be a password, so that the text is not shown then.
  if (text.includes('@')) throw usage(`Cannot use a registry with "@": ${expected}`);
  const isHost = !text.includes('/') && /[.:]|^localhost$/.test(text);
  if (!isHost) throw usage(`Cannot use "${printable(text)}": it is not a registry, ${expected}`);
  return parseRepository(`${text}/any`).registry;
}
