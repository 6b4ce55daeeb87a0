// kind: a Kubernetes cluster whose nodes are containers. Its command takes images from files only, and tells nothing
// about the images that a cluster has.
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { environmentError, isOcidslError } from '../base/errors.ts';
import { engineError } from './engine-error.ts';
import type { ContainerEngine, EngineCommand } from './engine-interface.ts';
import { runEngineProcess } from './engine-process.ts';

/** Which cluster. */
export interface EngineKindOptions extends Pick<EngineCommand, 'environment'> {
  /** The cluster's name. Default: kind's own default, `KIND_CLUSTER_NAME` or `kind`. */
  readonly cluster?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A cluster to load into. Its images cannot be inspected: inspect() finds none, and names are set by loading only.
 * @throws OCIDSL_ENGINE_FAILED where the command is not there, or there is no such cluster
 */
export async function connectEngineKind({ environment, cluster, signal }: EngineKindOptions): Promise<ContainerEngine> {
  const name = cluster ?? environment['KIND_CLUSTER_NAME'] ?? 'kind';
  const description = `kind cluster "${name}"`;
  const run = async (doing: string, args: readonly string[], abort: AbortSignal | undefined): Promise<string> => {
    const result = await runEngineProcess({ argv: ['kind', ...args], environment, signal: abort });
    if (result.code !== 0) throw engineError(doing, description, result.stderr.trim() || `exit code ${result.code}`);
    return result.stdout;
  };
  const clusters = (await run('connect', ['get', 'clusters'], signal)).split('\n').filter((line) => line !== '');
  if (!clusters.includes(name)) throw engineError('connect', description, `it has the clusters: ${clusters.join(', ') || 'none'}`);

  return {
    name: 'kind',
    description,
    info: { platform: undefined, store: 'content' },
    command: undefined,
    inspect: () => Promise.resolve(undefined),
    async load(archive, abort) {
      const temporary = environment['TMPDIR'] ?? environment['TEMP'] ?? '/tmp';
      const folder = await mkdtemp(join(temporary, 'ocidsl-kind-')).catch((cause: unknown) => {
        throw environmentError(`make a temporary folder in ${temporary}`, cause);
      });
      try {
        const file = join(folder, 'image.tar');
        await pipeline(archive, createWriteStream(file), abort === undefined ? {} : { signal: abort }).catch((cause: unknown) => {
          abort?.throwIfAborted();
          throw isOcidslError(cause) ? cause : environmentError(`write ${file}`, cause);
        });
        await run('load an image', ['load', 'image-archive', file, '--name', name], abort);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    tag: () => Promise.reject(engineError('tag an image', description, 'it has no command for that')),
    close: () => Promise.resolve(),
  };
}
