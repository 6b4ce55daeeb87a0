// Gives a repository what it lacks: blobs in parallel, mounted where another repository has them, each document after everything below
// it. A copy that is interrupted leaves only blobs that nothing refers to.
import type { Digest } from '../base/digest.ts';
import { isOcidslError } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';
import type { Limiter } from '../base/limiter.ts';
import { descriptorDigest } from '../oci/descriptor.ts';
import { missingBlobs } from '../registry/registry-failure.ts';
import type { BlobSource } from '../store/blob-source.ts';
import type { BlobPlaces } from './blob-places.ts';
import { openerOf } from './open-blob.ts';
import { isForeign, type PushNode, type SurveyedRepository } from './push-survey.ts';
import { together } from './together.ts';
import { Turns } from './turns.ts';

/** How one blob or document got to where it is. */
export type CopyOutcome = 'uploaded' | 'mounted' | 'present' | 'foreign';

/** What the copies of a push share. */
export interface CopyContext {
  readonly places: BlobPlaces;
  readonly limit: Limiter;
  /** Aborted when any of the copies fails. */
  readonly stop: AbortController;
  readonly events?: EventListener | undefined;
}

/**
 * Stores what is missing; documents by digest, tags are the caller's business.
 * @returns how each digest that was missing got there
 * @throws the first failure, after everything else has been stopped
 */
export async function copyMissing(surveyed: SurveyedRepository, context: CopyContext): Promise<ReadonlyMap<string, CopyOutcome>> {
  return await new Copy(surveyed, context).run();
}

class Copy {
  readonly #to: SurveyedRepository;
  readonly #context: CopyContext;
  readonly #outcomes = new Map<string, CopyOutcome>();
  readonly #tasks = new Map<string, Promise<void>>();
  readonly #attaching = new Turns();

  constructor(to: SurveyedRepository, context: CopyContext) {
    this.#to = to;
    this.#context = context;
  }

  async run(): Promise<ReadonlyMap<string, CopyOutcome>> {
    await together(
      [...this.#to.missing].map((digest) => this.#task(digest)),
      this.#context.stop,
    );
    return this.#outcomes;
  }

  #task(digest: string): Promise<void> {
    let task = this.#tasks.get(digest);
    if (task === undefined) this.#tasks.set(digest, (task = this.#copy(this.#to.nodes.get(digest)!)));
    return task;
  }

  async #copy(node: PushNode): Promise<void> {
    const { manifests, missing } = this.#to;
    const needed = node.successors.map((child) => child.digest);
    if (node.subject !== undefined) needed.push(node.subject);
    await Promise.all(needed.filter((digest) => missing.has(digest)).map((digest) => this.#task(digest)));
    const { digest } = node.descriptor;
    this.#outcomes.set(digest, manifests.has(digest) ? await this.#copyDocument(node) : await this.#copyBlob(node));
  }

  async #copyBlob(node: PushNode): Promise<CopyOutcome> {
    const { places } = this.#context;
    const { repository } = this.#to;
    const { digest } = node.descriptor;
    return await places.inTurn(repository, digest, async () => {
      const outcome = await this.#request(() => this.#putBlob(node, places.mountFrom(repository, digest, node.candidates)));
      places.note(repository, digest);
      return outcome;
    });
  }

  async #putBlob({ descriptor, source }: PushNode, mountFrom: readonly string[]): Promise<CopyOutcome> {
    const { digest, size } = descriptor;
    const { signal } = this.#context.stop;
    const transfer = startTransfer(`${this.#to.repository.repository}@${digest.slice(0, 19)}`, size, this.#context.events);
    try {
      // Where it may be mounted nobody asks yet where else it would come from: that can be another registry.
      const stored = descriptorDigest(descriptor);
      const open = mountFrom.length === 0 ? await openerOf(source, stored) : (offset: number) => openLater(source, stored, offset);
      const outcome = await this.#to.repository.putBlob({ digest, size, open, onSent: transfer.sent, signal }, mountFrom);
      transfer.finish(outcome === 'mounted' ? 'mounted' : 'done');
      return outcome;
    } catch (error) {
      transfer.finish('failed');
      // What was sent had not been verified: where our own copy is damaged, that is what there is to say.
      if (!signal.aborted && mayBeDamaged(error)) await source.localPath?.(descriptorDigest(descriptor));
      throw error;
    }
  }

  async #copyDocument(node: PushNode): Promise<CopyOutcome> {
    const { subject } = node;
    const store = () => this.#request(() => this.#putDocument(node));
    // Where the list of referrers is kept under a tag it is read, changed and written: by one attachment of a subject at a time.
    await (subject === undefined ? store() : this.#attaching.take(subject, store));
    return 'uploaded';
  }

  async #putDocument(node: PushNode): Promise<void> {
    const { repository, nodes, manifests } = this.#to;
    const { digest, mediaType } = node.descriptor;
    const bytes = node.bytes ?? (await node.source.readBytes(descriptorDigest(node.descriptor)));
    const put = () =>
      node.subject === undefined
        ? repository.putManifest(digest, mediaType, bytes, this.#context.stop.signal)
        : repository.putReferrer(digest, bytes);
    try {
      await put();
    } catch (error) {
      // The registry said that it had these; once more, without asking.
      const named = missingBlobs(error);
      if (named === undefined) throw error;
      for (const child of node.successors) {
        if (named.length > 0 && !named.includes(child.digest)) continue;
        const below = nodes.get(child.digest)!;
        if (manifests.has(child.digest)) await this.#putDocument(below);
        else if (!isForeign(child)) await this.#putBlob(below, []);
      }
      await put();
    }
  }

  #request<T>(send: () => Promise<T>): Promise<T> {
    const { limit, stop } = this.#context;
    return limit(async () => {
      stop.signal.throwIfAborted();
      return await send();
    });
  }
}

async function* openLater(source: BlobSource, digest: Digest, offset: number): AsyncGenerator<Uint8Array> {
  yield* (await openerOf(source, digest))(offset);
}

function mayBeDamaged(error: unknown): boolean {
  if (!isOcidslError(error)) return true;
  return error.kind === 'integrity' || error.kind === 'environment' || error.code === 'OCIDSL_REGISTRY_HTTP_400';
}

const PROGRESS_STEP_BYTES = 1 << 20;
let lastTransfer = 0;

function startTransfer(message: string, totalBytes: number, events: EventListener | undefined) {
  const id = ++lastTransfer;
  let told = 0;
  events?.({ type: 'transfer-started', id, message, totalBytes });
  return {
    sent: (bytes: number) => {
      if (bytes - told < PROGRESS_STEP_BYTES && bytes >= told) return;
      told = bytes;
      events?.({ type: 'transfer-progress', id, bytes });
    },
    finish: (outcome: 'done' | 'mounted' | 'failed') => events?.({ type: 'transfer-finished', id, message, outcome }),
  };
}
