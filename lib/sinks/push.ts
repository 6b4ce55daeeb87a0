// The push sink: one image or index to any number of repositories. Everything is stored by digest first, in all of them; only
// then do tags move. A push that fails or is interrupted moves no tag.
import type { EventListener } from '../base/events.ts';
import { OcidslError } from '../base/errors.ts';
import { createLimiter, type Limiter } from '../base/limiter.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { RegistryClient, Repository } from '../registry/client.ts';
import { formatRepository, type RepositoryName } from '../registry/reference.ts';
import type { BlobSource } from '../store/blob-source.ts';
import { copyGraph, manifestDigests, type CopySummary } from './copy-graph.ts';
import { collectGraph, type GraphNode } from './successors.ts';

/** A repository to push to. */
export interface PushDestination {
  readonly repository: RepositoryName;
  /** Tags that shall point to the image afterwards, moved in this order. */
  readonly tags: readonly string[];
}

/** What to push and where to. */
export interface PushImageOptions {
  /** The manifest or index. */
  readonly root: Descriptor;
  readonly source: BlobSource;
  readonly destinations: readonly PushDestination[];
  readonly client: RegistryClient;
  /** Repositories that may have a blob, such as the base image's; those of other registries are ignored. */
  readonly mountCandidates?: (descriptor: Descriptor) => readonly RepositoryName[];
  /** Requests at a time. Default: 8. */
  readonly concurrency?: number;
  /** Asks for every digest again before the tags move. Default: false. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
  readonly events?: EventListener;
}

/** One finished destination. */
export interface PushedImage {
  /** `registry/repository@sha256:…` */
  readonly reference: string;
  readonly tags: readonly string[];
  readonly summary: CopySummary;
}

/** What a push would do to one blob or document. */
export interface PlannedBlob {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  /** `mount` where a candidate has it; should the registry refuse, it is uploaded. */
  readonly action: 'upload' | 'mount' | 'skip';
}

/** What a push would do to one destination. */
export interface PushPlan {
  readonly reference: string;
  readonly blobs: readonly PlannedBlob[];
  /** `from` is the digest that the tag has now; absent where there is no such tag. */
  readonly tags: readonly { readonly tag: string; readonly from?: string; readonly to: string }[];
  /** Sum of what would be uploaded. */
  readonly uploadBytes: number;
}

/**
 * Pushes an image.
 * @returns one result a destination, in their order
 * @throws OCIDSL_REGISTRY_… and the like; no tag has moved then, unless moving one of them was what failed
 */
export async function pushImage(options: PushImageOptions): Promise<PushedImage[]> {
  const { root, source, destinations, client } = options;
  const signal = options.signal ?? new AbortController().signal;
  const limit = createLimiter(options.concurrency ?? 8);
  const nodes = await collectGraph(root, source);

  const copies = await inRegistryOrder(destinations, async (destination, earlier) => {
    const repository = client.repository(destination.repository);
    const mountFrom = mountNames(options, destination, earlier);
    const summary = await copyGraph({ nodes, source, repository, mountFrom, limit, signal, events: options.events });
    if (options.verify) await verifyStored(repository, nodes, limit);
    return { repository, summary };
  });

  for (const [index, { tags }] of destinations.entries()) {
    for (const tag of tags) {
      signal.throwIfAborted();
      await moveTag(copies[index]!.repository, tag, nodes.at(-1)!, signal);
    }
  }
  return destinations.map(({ repository, tags }, index) => ({
    reference: `${formatRepository(repository)}@${root.digest}`,
    tags,
    summary: copies[index]!.summary,
  }));
}

/** What pushImage() would do, found out by asking only. */
export async function planPush(options: PushImageOptions): Promise<PushPlan[]> {
  const { root, source, destinations, client } = options;
  const limit = createLimiter(options.concurrency ?? 8);
  const nodes = await collectGraph(root, source);
  return inRegistryOrder(destinations, async (destination, earlier) => {
    const repository = client.repository(destination.repository);
    const candidates = mountNames(options, destination, earlier);
    const manifests = manifestDigests(nodes);
    const blobs = await Promise.all(
      nodes.map(({ descriptor }) =>
        limit(async (): Promise<PlannedBlob> => {
          const { digest, mediaType, size } = descriptor;
          const isManifest = manifests.has(digest);
          const isPresent = isManifest ? (await repository.headManifest(digest)) !== undefined : await repository.hasBlob(descriptor);
          const isMountable = !isManifest && candidates(descriptor).length > 0;
          return { digest, mediaType, size, action: isPresent ? 'skip' : isMountable ? 'mount' : 'upload' };
        }),
      ),
    );
    const tags = await Promise.all(
      destination.tags.map(async (tag) => {
        const head = await limit(() => repository.headManifest(tag));
        const from = head?.digest ?? (head && (await repository.getManifest(tag))?.digest);
        return { tag, to: root.digest, ...(from !== undefined && { from }) };
      }),
    );
    const uploadBytes = blobs.reduce((sum, blob) => sum + (blob.action === 'upload' ? blob.size : 0), 0);
    return { reference: `${formatRepository(destination.repository)}@${root.digest}`, blobs, tags, uploadBytes };
  });
}

// Registries run side by side; within one, each repository can mount from those before it.
async function inRegistryOrder<T>(
  destinations: readonly PushDestination[],
  run: (destination: PushDestination, earlier: readonly RepositoryName[]) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  const registries = [...new Set(destinations.map(({ repository }) => repository.registry))];
  const runs = registries.map(async (registry) => {
    const earlier: RepositoryName[] = [];
    for (const [index, destination] of destinations.entries()) {
      if (destination.repository.registry !== registry) continue;
      results[index] = await run(destination, [...earlier]);
      earlier.push(destination.repository);
    }
  });
  const settled = await Promise.allSettled(runs);
  const failed = settled.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results;
}

function mountNames(options: PushImageOptions, { repository }: PushDestination, earlier: readonly RepositoryName[]) {
  return (descriptor: Descriptor): string[] => {
    const candidates = [...earlier, ...(options.mountCandidates?.(descriptor) ?? [])];
    const names = candidates.filter(({ registry }) => registry === repository.registry).map((name) => name.repository);
    return [...new Set(names)].filter((name) => name !== repository.repository);
  };
}

async function moveTag(repository: Repository, tag: string, root: GraphNode, signal: AbortSignal): Promise<void> {
  const { digest, mediaType } = root.descriptor;
  // Immutable tags may be pushed again only where nothing changes, and a PUT is what such registries refuse.
  if ((await repository.headManifest(tag))?.digest === digest) return;
  if (root.bytes === undefined) throw new Error(`Image ${digest} has no document`);
  await repository.putManifest(tag, mediaType, root.bytes, signal);
}

async function verifyStored(repository: Repository, nodes: readonly GraphNode[], limit: Limiter): Promise<void> {
  const manifests = manifestDigests(nodes);
  const check = async ({ descriptor }: GraphNode) => {
    const { digest } = descriptor;
    const isThere = manifests.has(digest) ? (await repository.headManifest(digest)) !== undefined : await repository.hasBlob(descriptor);
    if (isThere || descriptor.urls !== undefined) return;
    throw new OcidslError({
      code: 'OCIDSL_PUSH_INCOMPLETE',
      kind: 'integrity',
      message: `Cannot push to "${formatRepository(repository)}": the registry accepted ${digest} and does not have it`,
    });
  };
  await Promise.all(nodes.map((node) => limit(() => check(node))));
}
