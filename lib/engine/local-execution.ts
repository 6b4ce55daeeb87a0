// Execution on this machine: tools in process, commands in a sandbox. What goes wrong in an action is thrown; a result is
// only ever that of a success with every declared output present.
import type { ActionResult, OutputFile } from '../action/action-result.ts';
import { compareUtf8 } from '../base/bytes.ts';
import { isOcidslError, OcidslError } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';
import type { BlobWriter, ContentAddressableStorage } from '../store/content-addressable-storage.ts';
import type { SegmentCache } from '../tar/segment-cache.ts';
import { storeFile } from '../store/store-file.ts';
import type { Tool, ToolOutputs } from '../tools/tool.ts';
import type { ToolDescription } from '../plan/action-node.ts';
import type { Execution } from './execution.ts';
import type { FileIndex } from './file-index.ts';
import type { PreparedAction } from './prepared-action.ts';
import type { CommandRunner } from './run-command.ts';
import { toolInputs } from './tool-inputs.ts';

/** What a local execution works with. */
export interface LocalExecutionOptions {
  readonly cas: ContentAddressableStorage;
  readonly files: FileIndex;
  /** Loads a tool by name; only those that are needed. */
  readonly loadTool: (name: string) => Promise<Tool>;
  readonly runCommand: CommandRunner;
  /** Compressed segments of the large archives in `cas`. */
  readonly segments?: SegmentCache;
  readonly emit: EventListener;
  readonly now: () => number;
}

let nextId = 1;

/** Runs actions on this machine. */
export function localExecution(options: LocalExecutionOptions): Execution {
  return {
    async execute(action, signal) {
      const { label, mnemonic, message } = action.node;
      const id = nextId++;
      const started = options.now();
      options.emit({ type: 'action-started', id, label, mnemonic, message });
      const finish = (outcome: 'executed' | 'failed' | 'cancelled', output: string) =>
        options.emit({
          type: 'action-finished',
          id,
          label,
          mnemonic,
          outcome,
          durationMs: options.now() - started,
          ...(output === '' ? {} : { output }),
        });
      try {
        const result =
          action.description.kind === 'tool'
            ? await runTool(action, action.description, options, signal)
            : await options.runCommand(action, signal);
        signal.throwIfAborted();
        requireOutputs(action, result);
        finish('executed', Buffer.from(result.stdout).toString('utf8') + Buffer.from(result.stderr).toString('utf8'));
        return { result, outcome: 'executed' };
      } catch (error) {
        finish(signal.aborted ? 'cancelled' : 'failed', '');
        throw asActionFailure(error, action);
      }
    },
  };
}

async function runTool(
  action: PreparedAction,
  description: Omit<ToolDescription, 'inputs'>,
  options: LocalExecutionOptions,
  signal: AbortSignal,
): Promise<ActionResult> {
  const tool = await options.loadTool(description.tool.name);
  if (tool.version !== description.tool.version)
    throw new Error(`The tool ${tool.name} has version ${tool.version}, the action asks for ${description.tool.version}`);
  const outputs = new OutputCollector(options.cas, action.node.outputs);
  const lines: string[] = [];
  let readElsewhere = false;
  try {
    const inputs = toolInputs(action.inputs, options.files, options.cas);
    await tool.run({
      args: description.args,
      inputs,
      outputs,
      signal,
      local: description.local,
      segments: options.segments,
      hostPath(path) {
        const input = action.inputs.find((each) => each.path === path);
        if (input?.content.kind !== 'file') return undefined;
        readElsewhere = true;
        return options.files.absolute(input.content.path);
      },
      print: (line) => void lines.push(line),
    });
    // A program that was told paths read the files itself: make sure that it saw what the key says.
    if (readElsewhere || description.local !== undefined)
      options.files.verifyUnchanged(action.inputs.flatMap(({ content }) => (content.kind === 'file' ? [content.path] : [])));
    return {
      outputFiles: outputs.files(),
      outputDirectories: [],
      outputSymlinks: [],
      exitCode: 0,
      stdout: new Uint8Array(),
      stderr: Buffer.from(lines.map((line) => `${line}\n`).join('')),
    };
  } finally {
    await outputs.abort();
  }
}

// Collects the outputs of one run; what is not committed at the end is dropped.
class OutputCollector implements ToolOutputs {
  readonly #cas: ContentAddressableStorage;
  readonly #declared: readonly string[];
  readonly #files: OutputFile[] = [];
  readonly #open = new Set<BlobWriter>();

  constructor(cas: ContentAddressableStorage, declared: readonly string[]) {
    this.#cas = cas;
    this.#declared = declared;
  }

  async create(path: string, options: { readonly isExecutable?: boolean } = {}): Promise<BlobWriter> {
    this.#requireDeclared(path);
    const writer = await this.#cas.openWriter();
    this.#open.add(writer);
    return {
      write: (chunk) => writer.write(chunk),
      abort: () => writer.abort(),
      commit: async (expected) => {
        const digest = await writer.commit(expected);
        this.#open.delete(writer);
        this.#files.push({ path, digest, isExecutable: options.isExecutable ?? false });
        return digest;
      },
    };
  }

  async take(path: string, file: string, options: { readonly isExecutable?: boolean } = {}): Promise<void> {
    this.#requireDeclared(path);
    this.#files.push({ path, digest: await storeFile(this.#cas, file), isExecutable: options.isExecutable ?? false });
  }

  #requireDeclared(path: string): void {
    if (!this.#declared.includes(path)) throw new Error(`The tool writes ${path}, which the action does not declare`);
  }

  files(): OutputFile[] {
    return this.#files.sort((a, b) => compareUtf8(a.path, b.path));
  }

  async abort(): Promise<void> {
    for (const writer of this.#open) await writer.abort();
  }
}

function requireOutputs(action: PreparedAction, result: ActionResult): void {
  const made = new Set(result.outputFiles.map(({ path }) => path));
  // An output folder may be empty: it is there before the command starts.
  const missing = action.node.outputs.filter((path) => !path.endsWith('/') && !made.has(path));
  if (missing.length === 0) return;
  throw new OcidslError({
    code: 'OCIDSL_OUTPUT_MISSING',
    kind: 'build',
    message: `Cannot finish ${action.node.mnemonic}: it did not make its declared output${missing.length > 1 ? 's' : ''} ${missing.map((path) => `"${path}"`).join(', ')}`,
    output: Buffer.from(result.stdout).toString('utf8') + Buffer.from(result.stderr).toString('utf8'),
  });
}

function asActionFailure(error: unknown, action: PreparedAction): unknown {
  return isOcidslError(error) ? error.at({ label: action.node.label }) : error;
}
