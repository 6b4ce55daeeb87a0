// Docker contexts: named engines in the docker client's folder.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** The engine of a context. */
export interface DockerContext {
  readonly name: string;
  /** As in `unix:///run/user/1000/docker.sock` or `ssh://build@host`. */
  readonly host: string;
  /** Folder with ca.pem, cert.pem and key.pem; undefined where the context has none. */
  readonly tlsDirectory: string | undefined;
}

/** The context that `docker context use` chose; undefined for the default one, and where the file cannot be read. */
export async function currentDockerContext(configDirectory: string): Promise<string | undefined> {
  try {
    const config: unknown = JSON.parse(await readFile(join(configDirectory, 'config.json'), 'utf8'));
    const name = (config as { currentContext?: unknown } | null)?.currentContext;
    return typeof name === 'string' && name !== '' && name !== 'default' ? name : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads a context's endpoint.
 * @throws OCIDSL_ENGINE_CONTEXT where there is no such context, or it names no docker endpoint
 */
export async function readDockerContext(configDirectory: string, name: string): Promise<DockerContext> {
  const folder = sha256Hex(name);
  const file = join(configDirectory, 'contexts', 'meta', folder, 'meta.json');
  const fail = (is: string, cause?: unknown) =>
    new OcidslError({
      code: 'OCIDSL_ENGINE_CONTEXT',
      kind: 'environment',
      message: `Cannot use docker context "${printable(name, 100)}": ${is}, expected a docker endpoint in ${file}`,
      hint: 'See `docker context ls`',
      cause,
    });
  let meta: unknown;
  try {
    meta = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw fail(isMissing ? 'there is no such context' : 'its file cannot be read', cause);
  }
  const host = (meta as { Endpoints?: { docker?: { Host?: unknown } } } | null)?.Endpoints?.docker?.Host;
  if (typeof host !== 'string' || host === '') throw fail('it has no docker endpoint');
  const tlsDirectory = join(configDirectory, 'contexts', 'tls', folder, 'docker');
  const hasTls = await stat(join(tlsDirectory, 'cert.pem')).then(
    () => true,
    () => false,
  );
  return { name, host, tlsDirectory: hasTls ? tlsDirectory : undefined };
}
