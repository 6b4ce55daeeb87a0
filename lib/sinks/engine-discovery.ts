// Finding a container engine that answers.
import { OcidslError, isOcidslError } from '../base/errors.ts';
import { engineCandidates } from './engine-candidates.ts';
import type { EngineSearch } from './engine-candidates.ts';
import { hintFor } from './engine-error.ts';
import type { ContainerEngine } from './engine-interface.ts';

/**
 * The first engine that answers. One that does not answer never keeps the next from being tried.
 * @throws OCIDSL_ENGINE_NOT_FOUND (exit 6); `output` lists every place that was tried and why it failed
 */
export async function findEngine(search: EngineSearch, signal?: AbortSignal): Promise<ContainerEngine> {
  const candidates = await engineCandidates(search);
  const tried: string[] = [];
  for (const candidate of candidates) {
    try {
      return await candidate.connect(signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isOcidslError(error)) throw error;
      tried.push(`  ${candidate.display}: ${reasonIn(error)}`);
    }
  }
  const what = search.engine === undefined ? 'a container engine' : `engine "${search.engine}"`;
  throw new OcidslError({
    code: 'OCIDSL_ENGINE_NOT_FOUND',
    kind: 'environment',
    message: `Cannot find ${what}: none of ${tried.length} places answered, expected a running docker, podman or nerdctl`,
    hint: hintFor(tried.join('\n')) ?? 'Start Docker or install podman; choose an engine with --engine or DOCKER_HOST',
    output: tried.join('\n'),
  });
}

// The line names the place already: of an engine's failure only the engine's own words are new.
function reasonIn(error: OcidslError): string {
  return error.code === 'OCIDSL_ENGINE_FAILED' && error.cause instanceof Error ? error.cause.message : error.message;
}
