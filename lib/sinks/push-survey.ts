// Finds out what each repository of a push has and lacks. It only asks: a push begins with it, and a dry run is nothing else.
import { createLimiter, type Limiter } from '../base/limiter.ts';
import { isForeignLayerMediaType, isIndexMediaType } from '../oci/media-types.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Repository } from '../registry/client.ts';
import { formatRepository, type RepositoryName } from '../registry/reference.ts';
import type { BlobSource } from '../store/blob-source.ts';
import { attachmentNodes } from './attach.ts';
import { BlobPlaces } from './blob-places.ts';
import type { PushImage, PushOptions } from './push-options.ts';
import { collectGraph, type GraphNode } from './successors.ts';
import { together } from './together.ts';

/** One blob or document of a push. */
export interface PushNode extends GraphNode {
  readonly source: BlobSource;
  /** Repositories that may have it. */
  readonly candidates: readonly RepositoryName[];
  /** Digest of what it is attached to. */
  readonly subject?: string;
}

/** Everything that belongs to one image. */
export interface PushGraph {
  readonly image: PushImage;
  /** Children before parents; attachments come after the image. */
  readonly nodes: readonly PushNode[];
}

/** One repository of a push. */
export interface SurveyedRepository {
  readonly repository: Repository;
  /** What has to be there in the end, by digest, children before parents. */
  readonly nodes: ReadonlyMap<string, PushNode>;
  /** Digests that are stored below `/manifests/`. */
  readonly manifests: ReadonlySet<string>;
  /** What it has to be given; everything else is there. */
  readonly missing: ReadonlySet<string>;
  /** What each tag that is to be set points to now; undefined where there is no such tag. */
  readonly tags: ReadonlyMap<string, string | undefined>;
}

/** A surveyed push. */
export interface PushSurvey {
  readonly graphs: readonly PushGraph[];
  /** By `registry/repository`. */
  readonly repositories: ReadonlyMap<string, SurveyedRepository>;
  readonly places: BlobPlaces;
  readonly limit: Limiter;
}

/** Asks every repository. The first failure stops what is left to ask. */
export async function surveyPush(options: PushOptions, stop: AbortController): Promise<PushSurvey> {
  const limit = createLimiter(options.concurrency ?? 8);
  const places = new BlobPlaces();
  const graphs = await together(options.images.map(graphOf), stop);
  const groups = new Map<string, { readonly name: RepositoryName; readonly graphs: PushGraph[]; readonly tags: Set<string> }>();
  for (const graph of graphs) {
    for (const { repository: name, tags } of graph.image.destinations) {
      const key = formatRepository(name);
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = { name, graphs: [], tags: new Set() }));
      group.graphs.push(graph);
      for (const tag of tags) group.tags.add(tag);
    }
  }
  const surveyed = await together(
    [...groups].map(async ([key, { name, graphs: members, tags }]) => {
      const repository = options.client.repository(name);
      const state = await new Survey(repository, members, limit, stop).run([...tags]);
      for (const digest of state.nodes.keys()) if (!state.missing.has(digest)) places.note(name, digest);
      return [key, state] as const;
    }),
    stop,
  );
  return { graphs, repositories: new Map(surveyed), places, limit };
}

async function graphOf(image: PushImage): Promise<PushGraph> {
  const { root, source, attachments = [] } = image;
  const candidates = (descriptor: Descriptor) => image.mountCandidates?.(descriptor) ?? [];
  const own = await collectGraph(root, source);
  const attached = attachments.flatMap((attachment) =>
    attachmentNodes(root, attachment).map((node): PushNode => ({
      ...node,
      source: attachment.source,
      candidates: [],
      ...(node.bytes !== undefined && { subject: root.digest }),
    })),
  );
  return { image, nodes: [...own.map((node): PushNode => ({ ...node, source, candidates: candidates(node.descriptor) })), ...attached] };
}

/** Whether a layer stays where its urls are: its licence keeps it there, and registries accept manifests without it. */
export function isForeign({ mediaType, urls }: Descriptor): boolean {
  return isForeignLayerMediaType(mediaType) && (urls?.length ?? 0) > 0;
}

/** Blobs and documents below one that is missing, if all of them are asked for at once. */
const ASKED_AHEAD = 64;

class Survey {
  readonly #repository: Repository;
  readonly #limit: Limiter;
  readonly #stop: AbortController;
  readonly #graphs: readonly PushGraph[];
  readonly #nodes = new Map<string, PushNode>();
  readonly #manifests = new Set<string>();
  readonly #missing = new Set<string>();
  readonly #looked = new Map<string, Promise<void>>();
  readonly #answers = new Map<string, Promise<boolean>>();
  readonly #referrers = new Map<string, Promise<ReadonlySet<string>>>();

  constructor(repository: Repository, graphs: readonly PushGraph[], limit: Limiter, stop: AbortController) {
    this.#repository = repository;
    this.#graphs = graphs;
    this.#limit = limit;
    this.#stop = stop;
    for (const { nodes } of graphs) for (const node of nodes) this.#add(node);
  }

  async run(tags: readonly string[]): Promise<SurveyedRepository> {
    const found = await together(
      tags.map(async (tag) => [tag, await this.#digestOfTag(tag)] as const),
      this.#stop,
    );
    const tagged = new Set(found.map(([, digest]) => digest));
    const roots = this.#graphs.flatMap(({ image, nodes }) => [
      // A tag that points to it already has said that it is there.
      ...(tagged.has(image.root.digest) ? [] : [this.#nodes.get(image.root.digest)!]),
      ...nodes.filter(({ subject }) => subject !== undefined),
    ]);
    await together(
      roots.map((node) => this.#look(node)),
      this.#stop,
    );
    return {
      repository: this.#repository,
      nodes: this.#nodes,
      manifests: this.#manifests,
      missing: this.#missing,
      tags: new Map(found),
    };
  }

  // A digest that is a document in one place and an opaque blob in another is stored as the document.
  #add(node: PushNode): void {
    const { descriptor, bytes, successors } = node;
    const known = this.#nodes.get(descriptor.digest);
    if (bytes !== undefined) this.#manifests.add(descriptor.digest);
    if (isIndexMediaType(descriptor.mediaType)) for (const child of successors) this.#manifests.add(child.digest);
    const candidates = [...(known?.candidates ?? []), ...node.candidates];
    this.#nodes.set(descriptor.digest, { ...(known?.bytes === undefined ? node : known), candidates });
  }

  // Where an index is missing its images nearly always are too, so their blobs are asked for together with them: a round trip less. Not of large
  // indexes: of an image that is there after all, the answers are for nothing.
  #askAhead(missing: PushNode): void {
    const below = new Set<PushNode>();
    const add = ({ successors }: PushNode) => successors.forEach(({ digest }) => below.add(this.#nodes.get(digest)!));
    add(missing);
    for (const node of below) add(node);
    if (below.size > ASKED_AHEAD) return;
    // Whoever needs the answer gets the failure too.
    for (const node of below) if (!isForeign(node.descriptor)) this.#has(node).catch(() => {});
  }

  #look(node: PushNode): Promise<void> {
    const { digest } = node.descriptor;
    let looking = this.#looked.get(digest);
    if (looking === undefined) this.#looked.set(digest, (looking = this.#ask(node)));
    return looking;
  }

  async #ask(node: PushNode): Promise<void> {
    if (isForeign(node.descriptor) || (await this.#has(node))) return;
    this.#missing.add(node.descriptor.digest);
    this.#askAhead(node);
    // A registry takes a document only when it has all that is below, so one that is there vouches for that.
    await together(
      node.successors.map((child) => this.#look(this.#nodes.get(child.digest)!)),
      this.#stop,
    );
  }

  #has(node: PushNode): Promise<boolean> {
    const { digest } = node.descriptor;
    let answer = this.#answers.get(digest);
    if (answer === undefined) this.#answers.set(digest, (answer = this.#askFor(node)));
    return answer;
  }

  async #askFor({ descriptor, subject }: PushNode): Promise<boolean> {
    const { digest, size } = descriptor;
    if (!this.#manifests.has(digest)) return await this.#request((signal) => this.#repository.hasBlob(descriptor, signal));
    const head = await this.#request((signal) => this.#repository.headManifest(digest, signal, 'pull,push'));
    if (head === undefined || (head.size !== undefined && head.size !== size)) return false;
    return subject === undefined || (await this.#referrersOf(subject)).has(digest);
  }

  // Where the list of referrers is kept under a tag, a push that broke off may have stored one without listing it.
  #referrersOf(subject: string): Promise<ReadonlySet<string>> {
    let listed = this.#referrers.get(subject);
    if (listed === undefined) {
      listed = this.#request(async () => new Set((await this.#repository.listReferrers(subject)).map(({ digest }) => digest)));
      this.#referrers.set(subject, listed);
    }
    return listed;
  }

  async #digestOfTag(tag: string): Promise<string | undefined> {
    const head = await this.#request((signal) => this.#repository.headManifest(tag, signal, 'pull,push'));
    if (head === undefined || head.digest !== undefined) return head?.digest;
    return (await this.#request((signal) => this.#repository.getManifest(tag, signal)))?.digest;
  }

  #request<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#stop;
    return this.#limit(async () => {
      signal.throwIfAborted();
      return await send(signal);
    });
  }
}
