// Copies a graph of descriptors into a repository: blobs in parallel, each document after everything below it, nothing that is
// there already. A copy that is interrupted leaves only blobs that nothing refers to.
import type { EventListener } from '../base/events.ts';
import type { Limiter } from '../base/limiter.ts';
import { descriptorDigest, type Descriptor } from '../oci/descriptor.ts';
import { isForeignLayerMediaType, isIndexMediaType } from '../oci/media-types.ts';
import type { Repository } from '../registry/client.ts';
import { missingBlobs } from '../registry/registry-failure.ts';
import type { BlobSource } from '../store/blob-source.ts';
import { openBlob } from './open-blob.ts';
import type { GraphNode } from './successors.ts';

/** How one blob got to where it is. */
export type CopyOutcome = 'uploaded' | 'mounted' | 'present' | 'foreign';

/** What to copy, where from and where to. */
export interface CopyGraphOptions {
  /** Every node, children before parents, as collectGraph() gives them. */
  readonly nodes: readonly GraphNode[];
  readonly source: BlobSource;
  readonly repository: Repository;
  /** Repositories of the same registry that may have a blob, the likeliest first. */
  readonly mountFrom: (descriptor: Descriptor) => readonly string[];
  /** Shared by all copies of a command. */
  readonly limit: Limiter;
  readonly signal: AbortSignal;
  readonly events?: EventListener | undefined;
}

/** What a copy did. */
export interface CopySummary {
  /** Outcome of every node that was looked at, by digest; below a document that is present nothing is. */
  readonly outcomes: ReadonlyMap<string, CopyOutcome>;
  /** Bytes of the blobs and documents that were uploaded. */
  readonly uploadedBytes: number;
}

/** Whether a node is stored under `/manifests/`: documents, and whatever an index lists. */
export function manifestDigests(nodes: readonly GraphNode[]): ReadonlySet<string> {
  const digests = new Set<string>();
  for (const { descriptor, bytes, successors } of nodes) {
    if (bytes !== undefined) digests.add(descriptor.digest);
    if (isIndexMediaType(descriptor.mediaType)) for (const child of successors) digests.add(child.digest);
  }
  return digests;
}

/**
 * The nodes that the repository may lack: those that are not below a document which it has.
 * @returns the nodes to copy, children before parents, and the documents that are present
 */
export async function findMissing(
  nodes: readonly GraphNode[],
  repository: Repository,
  limit: Limiter,
): Promise<{ readonly missing: readonly GraphNode[]; readonly present: ReadonlySet<string> }> {
  const byDigest = new Map(nodes.map((node) => [node.descriptor.digest, node]));
  const manifests = manifestDigests(nodes);
  const missing = new Set<GraphNode>();
  const present = new Set<string>();
  const visit = async (node: GraphNode): Promise<void> => {
    const { digest, size } = node.descriptor;
    if (missing.has(node) || present.has(digest)) return;
    // A registry takes a document only when it has all that is below, so its presence vouches for that.
    const head = manifests.has(digest) ? await limit(() => repository.headManifest(digest)) : undefined;
    if (head !== undefined && (head.size === undefined || head.size === size)) {
      present.add(digest);
      return;
    }
    missing.add(node);
    await Promise.all(node.successors.map((child) => visit(byDigest.get(child.digest)!)));
  };
  const root = nodes.at(-1);
  if (root !== undefined) await visit(root);
  return { missing: nodes.filter((node) => missing.has(node)), present };
}

/**
 * Copies what is missing. Documents are stored by digest; tags are the caller's business.
 * @throws the first failure, after everything else has been stopped
 */
export async function copyGraph(options: CopyGraphOptions): Promise<CopySummary> {
  const { nodes, repository, limit } = options;
  const { missing, present } = await findMissing(nodes, repository, limit);
  const manifests = manifestDigests(nodes);
  const outcomes = new Map<string, CopyOutcome>([...present].map((digest) => [digest, 'present']));
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let uploadedBytes = 0;

  const copyNode = async (node: GraphNode): Promise<void> => {
    const { descriptor } = node;
    // Children that failed have stopped the copy already; their own promise reports why.
    await Promise.all(node.successors.map(async (child) => tasks.get(child.digest)));
    const outcome = await limit(async () => {
      signal.throwIfAborted();
      return manifests.has(descriptor.digest) ? copyDocument(options, node, signal) : copyBlob(options, descriptor, signal);
    });
    outcomes.set(descriptor.digest, outcome);
    if (outcome === 'uploaded') uploadedBytes += descriptor.size;
  };

  const tasks = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  for (const node of missing) {
    const task = copyNode(node).catch((error: unknown) => {
      failures.push(error);
      stop.abort(error);
      throw error;
    });
    tasks.set(node.descriptor.digest, task);
  }
  await Promise.allSettled(tasks.values());
  if (failures.length > 0) throw failures[0];
  return { outcomes, uploadedBytes };
}

async function copyBlob(options: CopyGraphOptions, descriptor: Descriptor, signal: AbortSignal, force = false): Promise<CopyOutcome> {
  const { source, repository } = options;
  // Their licence keeps them where their urls are; registries accept manifests without them.
  if (isForeignLayerMediaType(descriptor.mediaType) && (descriptor.urls?.length ?? 0) > 0) return 'foreign';
  if (!force && (await repository.hasBlob(descriptor, signal))) return 'present';
  const digest = descriptorDigest(descriptor);
  const transfer = startTransfer(options, descriptor);
  try {
    const outcome = await repository.putBlob(
      {
        digest: descriptor.digest,
        size: descriptor.size,
        open: (offset) => transfer.count(openBlob(source, digest, offset), offset),
        signal,
      },
      force ? [] : options.mountFrom(descriptor),
    );
    transfer.finish(outcome === 'mounted' ? 'mounted' : 'done');
    return outcome;
  } catch (error) {
    transfer.finish('failed');
    throw error;
  }
}

async function copyDocument(options: CopyGraphOptions, node: GraphNode, signal: AbortSignal): Promise<CopyOutcome> {
  const { repository, source } = options;
  const { digest, mediaType } = node.descriptor;
  const bytes = node.bytes ?? (await source.readBytes(descriptorDigest(node.descriptor)));
  try {
    await repository.putManifest(digest, mediaType, bytes, signal);
  } catch (error) {
    // The registry said that it had these blobs; once more, without asking.
    const named = missingBlobs(error);
    if (named === undefined) throw error;
    const again = node.successors.filter((child) => named.length === 0 || named.includes(child.digest));
    for (const child of again) await copyBlob(options, child, signal, true);
    await repository.putManifest(digest, mediaType, bytes, signal);
  }
  return 'uploaded';
}

const PROGRESS_STEP_BYTES = 1 << 20;
let lastTransfer = 0;

function startTransfer({ events, repository }: CopyGraphOptions, descriptor: Descriptor) {
  const id = ++lastTransfer;
  const message = `${repository.repository}@${descriptor.digest.slice(0, 19)}`;
  let told = 0;
  events?.({ type: 'transfer-started', id, message, totalBytes: descriptor.size });
  return {
    async *count(chunks: AsyncIterable<Uint8Array>, offset: number) {
      let bytes = offset;
      for await (const chunk of chunks) {
        yield chunk;
        bytes += chunk.byteLength;
        if (bytes - told < PROGRESS_STEP_BYTES && bytes >= told) continue;
        told = bytes;
        events?.({ type: 'transfer-progress', id, bytes });
      }
    },
    finish: (outcome: 'done' | 'mounted' | 'failed') => events?.({ type: 'transfer-finished', id, message, outcome }),
  };
}
