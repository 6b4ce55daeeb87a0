// An engine on a real folder with stores in memory, and actions that a test describes itself.
import { NO_NETWORK } from '../no-network.ts';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BuildEvent } from '../../../lib/base/events.ts';
import { cachingExecution } from '../../../lib/engine/caching-execution.ts';
import { createDiscoveries } from '../../../lib/engine/discoveries.ts';
import { Engine } from '../../../lib/engine/engine.ts';
import type { Executed, Execution } from '../../../lib/engine/execution.ts';
import { FileIndex } from '../../../lib/engine/file-index.ts';
import { limitedExecution } from '../../../lib/engine/limited-execution.ts';
import { localExecution } from '../../../lib/engine/local-execution.ts';
import { PreparedAction, sortInputs } from '../../../lib/engine/prepared-action.ts';
import type { ResolvedInput } from '../../../lib/engine/resolved-input.ts';
import { commandRunner } from '../../../lib/engine/run-command.ts';
import { sharingExecution } from '../../../lib/engine/sharing-execution.ts';
import type { PathRecord } from '../../../lib/engine/snapshot.ts';
import { StartGate } from '../../../lib/engine/start-gate.ts';
import { loadDiscoverer, loadTool } from '../../../lib/cli/tools.ts';
import { digestOf } from '../../../lib/base/digest.ts';
import type { ActionDescription, ActionInput, ActionNode, OutputArtifact } from '../../../lib/plan/action-node.ts';
import { outputOf } from '../../../lib/plan/action-node.ts';
import type { Discovered } from '../../../lib/plan/discovery.ts';
import { diskLayout } from '../../../lib/store/disk-layout.ts';
import { MemoryActionCache } from '../../../lib/store/memory-action-cache.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { ShapeIndex } from '../../../lib/store/shape-index.ts';
import type { Tool } from '../../../lib/tools/tool.ts';

/** A signal that is never aborted. */
export const NEVER: AbortSignal = new AbortController().signal;

/** A folder with files, gone after the test. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'ocidsl-engine-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) put(root, path, content);
  return root;
}

/** Writes a file of such a folder. */
export function put(root: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** What an action of a test says of itself. */
export interface NodeOptions {
  readonly label?: string;
  readonly outputs?: readonly string[];
  readonly discoveries?: ActionNode['discoveries'];
  readonly describe?: (found: readonly Discovered[]) => ActionDescription;
  readonly inputs?: readonly ActionInput[];
  readonly args?: readonly string[];
}

/** An action of the tool `copy`, which writes all its inputs after each other. */
export function nodeOf(options: NodeOptions = {}): ActionNode {
  return {
    label: options.label ?? 'target',
    platform: 'linux/amd64',
    mnemonic: 'Copy',
    message: 'Copying',
    outputs: options.outputs ?? ['out'],
    discoveries: options.discoveries ?? [],
    describe:
      options.describe ??
      (() => ({ kind: 'tool', tool: { name: 'copy', version: '1' }, args: options.args ?? [], inputs: options.inputs ?? [] })),
  };
}

/** A source file as an input at its own path. */
export const source = (path: string): ActionInput => ({ path, content: { kind: 'source', path } });
/** Bytes as an input. */
export const bytes = (path: string, text: string): ActionInput => ({ path, content: { kind: 'bytes', bytes: Buffer.from(text) } });

/** The tool `copy`: prints a line, and fails where an input says so. */
const copyTool: Tool = {
  name: 'copy',
  version: '1',
  async run({ inputs, outputs, args, ...context }) {
    const writer = await outputs.create('out');
    for (const { path } of inputs.list()) {
      for await (const chunk of inputs.chunks(path)) {
        if (Buffer.from(chunk).includes('FAIL')) throw new Error(`told to fail by ${path}`);
        await writer.write(Buffer.from(chunk));
      }
    }
    if (args.includes('print')) context.print('a line');
    await writer.commit();
  },
};

/** How a rig differs from the default. */
export interface RigOptions {
  readonly keepGoing?: boolean;
  readonly slots?: number;
  readonly signal?: AbortSignal;
  readonly known?: readonly PathRecord[];
  /** Stores of an earlier rig. */
  readonly stores?: Stores;
  readonly tools?: Readonly<Record<string, Tool>>;
  /** Put between the limit and what really runs actions. */
  readonly around?: (inner: Execution) => Execution;
}

/** Stores in memory; the index of shapes has a folder of its own. */
export interface Stores {
  readonly cas: MemoryCas;
  readonly cache: MemoryActionCache;
  readonly shapes: ShapeIndex;
}

/** New stores. */
export function stores(): Stores {
  return { cas: new MemoryCas(), cache: new MemoryActionCache(), shapes: new ShapeIndex(diskLayout(folderOf())) };
}

/** An engine, and what happened in it. */
export function engineIn(root: string, options: RigOptions = {}) {
  const { cas, cache, shapes } = options.stores ?? stores();
  const events: BuildEvent[] = [];
  const emit = (event: BuildEvent) => void events.push(event);
  const signal = options.signal ?? NEVER;
  const files = new FileIndex(root, options.known);
  const gate = new StartGate(options.keepGoing ?? false);
  const tools: Readonly<Record<string, Tool>> = { copy: copyTool, ...options.tools };
  let executed = 0;
  const local = localExecution({
    cas,
    files,
    loadTool: async (name) => tools[name] ?? (await loadTool(name))!,
    runCommand: commandRunner({ cas, files, policy: 'off', path: process.env['PATH'], emit }),
    emit,
    now: () => 0,
  });
  const counting: Execution = {
    execute(action, each) {
      executed++;
      return local.execute(action, each);
    },
  };
  const limited = limitedExecution(options.around?.(counting) ?? counting, options.slots ?? 4, gate);
  const execution = cachingExecution(sharingExecution(limited), cache, shapes);
  const discoveries = createDiscoveries({
    workspaceRoot: root,
    files,
    cas,
    environment: {},
    known: [],
    loadDiscoverer: (name) => loadDiscoverer(name, NO_NETWORK),
    recover: async () => false,
  });
  const engine = new Engine({ files, discoveries, execution, emit, signal, gate });
  return {
    cas,
    cache,
    files,
    engine,
    events,
    executed: () => executed,
    /** The text of an action's first output. */
    async text(action: ActionNode): Promise<string> {
      const [made] = await engine.make(outputOf(action, action.outputs[0]!));
      return (await cas.readBytes(made!.digest)).toString('utf8');
    },
  };
}

/** An action ready to run on files of a folder, without an engine. */
export function prepare(files: FileIndex, node: ActionNode, description: ActionDescription = node.describe([])): PreparedAction {
  const inputs = description.inputs.map(({ path, content, isExecutable }): ResolvedInput => {
    if (content.kind === 'source') {
      const { sizeBytes, mode } = files.look(content.path);
      return { path, isExecutable: isExecutable ?? (mode & 0o100) !== 0, sizeBytes, content: files.file(content.path) };
    }
    if (content.kind === 'output' || content.kind === 'discovered') throw new Error('Only the engine knows what others make');
    return {
      path,
      isExecutable: isExecutable ?? false,
      sizeBytes: content.bytes.length,
      content: { kind: 'bytes', bytes: content.bytes, digest: digestOf(content.bytes) },
    };
  });
  return new PreparedAction(node, description, sortInputs(inputs), files);
}

/** An execution that is told by the test when and how each action ends. */
export function fakeExecution() {
  const pending: { readonly action: PreparedAction; end(error?: Error): void }[] = [];
  const execution: Execution = {
    execute: (action) =>
      new Promise<Executed>((resolve, reject) => {
        const result = {
          outputFiles: [],
          outputDirectories: [],
          outputSymlinks: [],
          exitCode: 0,
          stdout: new Uint8Array(),
          stderr: new Uint8Array(),
        };
        pending.push({ action, end: (error) => (error === undefined ? resolve({ result, outcome: 'executed' }) : reject(error)) });
      }),
  };
  return { execution, pending };
}

/** The output of an action as an input of another. */
export const made = (path: string, action: ActionNode, output = 'out'): ActionInput => ({
  path,
  content: outputOf(action, output) satisfies OutputArtifact,
});

/** Waits until everything that can go on without outside help has gone on. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a promise is rejected with, for a test that makes it fail later; throws where it is not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`It did not fail, but gave ${JSON.stringify(value)}`);
}
