// The engine: makes artifacts. It resolves an action's discoveries and inputs, runs it through the execution stack, and
// remembers for each action what was read, for the snapshot. It knows no rule by name.
import type { ActionResult } from '../action/action-result.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import { collectGarbageAfter } from '../base/v8-heap.ts';
import { isOcidslError, type OcidslError } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';
import type { ActionInput, ActionNode } from '../plan/action-node.ts';
import type { Artifact, DiscoveredArtifact, OutputArtifact } from '../plan/action-node.ts';
import type { Discovered, Discovery } from '../plan/discovery.ts';
import type { Discoveries } from './discoveries.ts';
import type { Execution, Outcome } from './execution.ts';
import type { FileIndex } from './file-index.ts';
import { withInputNames } from './input-names.ts';
import { PreparedAction, sortInputs } from './prepared-action.ts';
import type { ResolvedInput } from './resolved-input.ts';
import { notRegular } from './source-file.ts';
import type { StartGate } from './start-gate.ts';

/** A file that has been made. */
export interface BuiltFile {
  /** The artifact's path; for an output folder, one for each file in it. */
  readonly path: string;
  readonly digest: Digest;
  readonly isExecutable: boolean;
}

/** What an engine works with. */
export interface EngineOptions {
  readonly files: FileIndex;
  readonly discoveries: Discoveries;
  readonly execution: Execution;
  readonly emit: EventListener;
  readonly signal: AbortSignal;
  readonly gate: StartGate;
}

/** How many actions of a build had which outcome. */
export type OutcomeCounts = Record<Outcome, number>;

/** What an action depended on. */
interface Reads {
  readonly found: readonly Discovered[];
  readonly paths: readonly string[];
  readonly actions: readonly ActionNode[];
}

/** Makes artifacts on demand, each once. */
export class Engine {
  readonly counts: OutcomeCounts = { executed: 0, cached: 0, shared: 0 };
  readonly #options: EngineOptions;
  readonly #results = new Map<ActionNode, Promise<ActionResult>>();
  readonly #fetched = new Map<Discovery, readonly string[]>();
  readonly #reads = new Map<ActionNode, Reads>();

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Makes the output of an action: one file, or every file of an output folder. Or brings what a discovery fetches into the store. */
  async make(artifact: OutputArtifact | DiscoveredArtifact): Promise<readonly BuiltFile[]> {
    if (artifact.kind === 'discovered') return [await this.#fetch(artifact)];
    const result = await this.#run(artifact.action);
    if (artifact.path.endsWith('/')) return result.outputFiles.filter(({ path }) => path.startsWith(artifact.path));
    const file = result.outputFiles.find(({ path }) => path === artifact.path);
    if (file === undefined) throw new Error(`The action ${artifact.action.mnemonic} made no ${artifact.path}`);
    return [file];
  }

  /** Source files, folders and absences that making an artifact depended on, as paths of the file index; some more than once. */
  *readsOf(artifacts: Iterable<Artifact>): Generator<string, void, undefined> {
    const seen = new Set<ActionNode>();
    const pending: ActionNode[] = [];
    for (const artifact of artifacts) {
      if (artifact.kind === 'source') yield artifact.path;
      else if (artifact.kind === 'output') pending.push(artifact.action);
      else yield* this.#fetched.get(artifact.discovery) ?? [];
    }
    for (let action = pending.pop(); action !== undefined; action = pending.pop()) {
      if (seen.has(action)) continue;
      seen.add(action);
      const reads = this.#reads.get(action);
      if (reads === undefined) continue;
      for (const { watched, files } of reads.found) {
        yield* watched;
        for (const { path } of files) yield path;
      }
      yield* reads.paths;
      pending.push(...reads.actions);
    }
  }

  async #fetch({ discovery, name, label }: DiscoveredArtifact): Promise<BuiltFile> {
    const { discoveries, signal } = this.#options;
    const found = await discoveries.find(discovery, signal).catch((error: unknown) => {
      throw isOcidslError(error) ? error.at({ label }) : error;
    });
    this.#fetched.set(discovery, readPaths(found));
    const blob = found.blobs?.find((each) => each.name === name);
    if (blob === undefined) throw new Error(`The discovery ${discovery.discoverer} fetched no ${name}`);
    return { path: name, digest: blob.digest, isExecutable: blob.isExecutable ?? false };
  }

  #run(action: ActionNode): Promise<ActionResult> {
    let running = this.#results.get(action);
    if (running === undefined) {
      running = this.#resolve(action).catch((error: unknown) => {
        this.#options.gate.noteFailure();
        throw isOcidslError(error) ? ownFailure(error, action) : error;
      });
      this.#results.set(action, running);
    }
    return running;
  }

  async #resolve(action: ActionNode): Promise<ActionResult> {
    const { execution, emit, gate, signal } = this.#options;
    const prepared = await this.#prepare(action);
    signal.throwIfAborted();
    collectGarbageAfter(prepared.inputs.length);
    gate.requireOpen(action);
    const { result, outcome } = await execution.execute(prepared, signal);
    this.counts[outcome]++;
    if (outcome !== 'executed') {
      const output = Buffer.from(result.stdout).toString('utf8') + Buffer.from(result.stderr).toString('utf8');
      emit({
        type: 'action-finished',
        id: 0,
        label: action.label,
        mnemonic: action.mnemonic,
        outcome,
        durationMs: 0,
        ...(output === '' ? {} : { output }),
      });
    }
    return result;
  }

  // Apart from #resolve(), so that what analysis says of 100,000 files is gone while the action runs.
  async #prepare(action: ActionNode): Promise<PreparedAction> {
    const { discoveries, files, signal } = this.#options;
    const found = await Promise.all(action.discoveries.map((discovery) => discoveries.find(discovery, signal)));
    const { inputs, ...description } = action.describe(found);
    const resolved = await this.#inputs(inputs);
    const paths: string[] = [];
    const actions: ActionNode[] = [];
    for (const { content } of inputs) {
      if (content.kind === 'source') paths.push(content.path);
      else if (content.kind === 'output') actions.push(content.action);
      else if (content.kind === 'discovered') paths.push(...(this.#fetched.get(content.discovery) ?? []));
    }
    this.#reads.set(action, { found, paths, actions });
    return new PreparedAction(action, description, sortInputs(resolved), files);
  }

  async #inputs(inputs: readonly ActionInput[]): Promise<ResolvedInput[]> {
    const ready: ResolvedInput[] = [];
    const made: [ActionInput, OutputArtifact | DiscoveredArtifact][] = [];
    // What is there already first, and without promises: there may be 100,000 files.
    for (const input of inputs) {
      if (input.content.kind === 'output' || input.content.kind === 'discovered') made.push([input, input.content]);
      else
        ready.push(input.content.kind === 'bytes' ? bytesInput(input, input.content.bytes) : this.#sourceInput(input, input.content.path));
    }
    const others = await Promise.all(made.map(([input, artifact]) => this.#madeInputs(input, artifact)));
    return others.length === 0 ? ready : [...ready, ...others.flat()];
  }

  #sourceInput(input: ActionInput, path: string): ResolvedInput {
    const content = this.#options.files.file(path);
    const { fingerprint } = content;
    if (fingerprint.kind !== 'file') throw notRegular(path, fingerprint);
    const isExecutable = input.isExecutable ?? (fingerprint.mode & 0o100) !== 0;
    return { path: input.path, isExecutable, sizeBytes: fingerprint.sizeBytes, content };
  }

  async #madeInputs(input: ActionInput, artifact: OutputArtifact | DiscoveredArtifact): Promise<ResolvedInput[]> {
    const made = await this.make(artifact);
    const folder = artifact.kind === 'output' && artifact.path.endsWith('/') ? artifact.path : undefined;
    return made.map((file) => ({
      path: folder === undefined ? input.path : `${input.path}/${file.path.slice(folder.length)}`,
      isExecutable: input.isExecutable ?? file.isExecutable,
      sizeBytes: file.digest.sizeBytes,
      content: { kind: 'blob', digest: file.digest },
    }));
  }
}

// What an action depends on has failed where the error has another target's label.
function ownFailure(error: OcidslError, { label, inputNames }: ActionNode): OcidslError {
  const isOwn = error.label === undefined || error.label === label;
  return (isOwn && inputNames !== undefined ? withInputNames(error, inputNames) : error).at({ label });
}

function readPaths(found: Discovered): string[] {
  return [...found.watched, ...found.files.map(({ path }) => path)];
}

function bytesInput({ path, isExecutable = false }: ActionInput, bytes: Uint8Array): ResolvedInput {
  return { path, isExecutable, sizeBytes: bytes.byteLength, content: { kind: 'bytes', bytes, digest: digestOf(bytes) } };
}
