// The push sink: any number of images to any number of repositories, in one pass. Everything is stored by digest first, everywhere; only
// then do tags move. A push that fails or is interrupted moves no tag.
import { OcidslError } from '../base/errors.ts';
import type { Repository } from '../registry/client.ts';
import { formatRepository, type RepositoryName } from '../registry/reference.ts';
import { copyMissing, type CopyOutcome } from './copy-graph.ts';
import type { PushOptions } from './push-options.ts';
import { isForeign, surveyPush, type PushNode, type PushSurvey, type SurveyedRepository } from './push-survey.ts';
import { together } from './together.ts';

export type { PushDestination, PushImage, PushOptions } from './push-options.ts';

/** What a push did in one repository for one image. */
export interface CopySummary {
  /** By digest, of the image and its attachments; what another image of the same push brought there is `present`. */
  readonly outcomes: ReadonlyMap<string, CopyOutcome>;
  /** Bytes of the blobs and documents that were uploaded. */
  readonly uploadedBytes: number;
}

/** One image in one of its destinations. */
export interface PushedImage {
  /** `registry/repository@sha256:…` */
  readonly reference: string;
  readonly tags: readonly string[];
  readonly summary: CopySummary;
}

/**
 * Pushes images.
 * @returns for each image one result a destination, in their order
 * @throws OCIDSL_PUSH_TAG_TWICE where one tag is to be set to two images; OCIDSL_REGISTRY_… and the like. No tag has moved then, unless moving one
 * of them was what failed: a warning says which have moved
 */
export async function pushImages(options: PushOptions): Promise<PushedImage[][]> {
  checkTags(options);
  return await stoppable(options, async (stop) => {
    const survey = await surveyPush(options, stop);
    const copied = new Map(
      await together(
        [...survey.repositories].map(async ([key, surveyed]) => {
          const outcomes = await copyMissing(surveyed, { ...survey, stop, events: options.events });
          if (options.verify === true) await verifyStored(surveyed, survey, stop);
          return [key, outcomes] as const;
        }),
        stop,
      ),
    );
    await moveTags(options, survey, stop);
    return summarize(survey, copied);
  });
}

/** Runs with a controller that the caller's signal aborts too. */
export async function stoppable<T>({ signal }: PushOptions, run: (stop: AbortController) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await run(stop);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** @throws OCIDSL_PUSH_TAG_TWICE */
export function checkTags({ images }: PushOptions): void {
  const owners = new Map<string, string>();
  for (const { root, destinations } of images) {
    for (const { repository, tags } of destinations) {
      for (const tag of tags) {
        const name = `${formatRepository(repository)}:${tag}`;
        const owner = owners.get(name) ?? root.digest;
        owners.set(name, owner);
        if (owner === root.digest) continue;
        throw new OcidslError({
          code: 'OCIDSL_PUSH_TAG_TWICE',
          message: `Cannot push to "${name}": two images of this push are to have that tag, ${owner} and ${root.digest}`,
          hint: 'Give one of them another tag, or push them one after the other',
        });
      }
    }
  }
}

// One after the other: what comes after a failure stays where it is.
async function moveTags({ images, events }: PushOptions, { repositories, graphs }: PushSurvey, stop: AbortController): Promise<void> {
  const moved: string[] = [];
  const done = new Set<string>();
  try {
    for (const [i, { root, destinations }] of images.entries()) {
      for (const { repository: name, tags } of destinations) {
        const { repository, tags: before } = repositories.get(formatRepository(name))!;
        for (const tag of tags) {
          const reference = `${formatRepository(name)}:${tag}`;
          // Immutable tags may be pushed again only where nothing changes, and a PUT is what such registries refuse.
          if (before.get(tag) === root.digest || done.has(reference)) continue;
          stop.signal.throwIfAborted();
          await moveTag(
            repository,
            tag,
            graphs[i]!.nodes.find(({ descriptor }) => descriptor.digest === root.digest)!,
            stop.signal,
          );
          done.add(reference);
          moved.push(reference);
        }
      }
    }
  } catch (error) {
    if (moved.length > 0) events?.({ type: 'warning', message: `These tags had been moved before the push failed: ${moved.join(', ')}` });
    throw error;
  }
}

async function moveTag(repository: Repository, tag: string, root: PushNode, signal: AbortSignal): Promise<void> {
  const { digest, mediaType } = root.descriptor;
  if (root.bytes === undefined) throw new Error(`Image ${digest} has no document`);
  await repository.putManifest(tag, mediaType, root.bytes, signal);
}

async function verifyStored({ repository, nodes, manifests }: SurveyedRepository, { limit }: PushSurvey, stop: AbortController) {
  const check = async ({ descriptor }: PushNode) => {
    const { digest } = descriptor;
    const { signal } = stop;
    const isThere = manifests.has(digest)
      ? (await repository.headManifest(digest, signal, 'pull,push')) !== undefined
      : isForeign(descriptor) || (await repository.hasBlob(descriptor, signal));
    if (isThere) return;
    throw new OcidslError({
      code: 'OCIDSL_PUSH_INCOMPLETE',
      kind: 'integrity',
      message: `Cannot push to "${formatRepository(repository)}": the registry accepted ${digest} and does not have it`,
    });
  };
  await together(
    [...nodes.values()].map((node) => limit(() => check(node))),
    stop,
  );
}

function summarize(survey: PushSurvey, copied: ReadonlyMap<string, ReadonlyMap<string, CopyOutcome>>): PushedImage[][] {
  const counted = new Set<string>();
  const summaryOf = (name: RepositoryName, nodes: readonly PushNode[]): CopySummary => {
    const repository = formatRepository(name);
    const outcomes = new Map<string, CopyOutcome>();
    let uploadedBytes = 0;
    for (const { descriptor } of nodes) {
      const { digest, size } = descriptor;
      const isFirst = !counted.has(`${repository}@${digest}`);
      counted.add(`${repository}@${digest}`);
      const outcome = isForeign(descriptor) ? 'foreign' : ((isFirst ? copied.get(repository)?.get(digest) : undefined) ?? 'present');
      if (outcome === 'uploaded') uploadedBytes += size;
      if (isFirst || !outcomes.has(digest)) outcomes.set(digest, outcome);
    }
    return { outcomes, uploadedBytes };
  };
  return survey.graphs.map(({ image, nodes }) =>
    image.destinations.map(({ repository, tags }) => ({
      reference: `${formatRepository(repository)}@${image.root.digest}`,
      tags,
      summary: summaryOf(repository, nodes),
    })),
  );
}
