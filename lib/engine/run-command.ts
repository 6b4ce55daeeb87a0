// Runs a command action: stages its inputs in a private folder, runs it in the sandbox, keeps its declared outputs.
import { chmodSync, constants, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync, lstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ActionResult, OutputFile } from '../action/action-result.ts';
import { compareUtf8 } from '../base/bytes.ts';
import type { Digest } from '../base/digest.ts';
import { environmentError, OcidslError } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';
import { runProcess } from '../base/run-process.ts';
import type { ContentAddressableStorage } from '../store/content-addressable-storage.ts';
import { storeFile } from '../store/store-file.ts';
import type { FileIndex } from './file-index.ts';
import type { PreparedAction } from './prepared-action.ts';
import type { ResolvedInput } from './resolved-input.ts';
import { findSandbox, type Sandbox, type SandboxPolicy } from './sandbox.ts';

/** Runs the command of an action. */
export type CommandRunner = (action: PreparedAction, signal: AbortSignal) => Promise<ActionResult>;

/** What running commands needs. */
export interface CommandRunnerOptions {
  readonly cas: ContentAddressableStorage;
  readonly files: FileIndex;
  readonly policy: SandboxPolicy;
  /** PATH of the user, to find the sandbox program. */
  readonly path: string | undefined;
  readonly emit: EventListener;
}

/** Makes the runner; the sandbox is looked for when the first command runs. */
export function commandRunner(options: CommandRunnerOptions): CommandRunner {
  let sandbox: Promise<Sandbox> | undefined;
  const find = async () => {
    const found = await findSandbox(options.policy, options.path);
    if (found.gap !== undefined) options.emit({ type: 'note', message: `Commands are not fully kept apart: ${found.gap}` });
    return found;
  };
  return async (action, signal) => {
    if (action.description.kind !== 'command') throw new Error('Only commands are run here');
    const { argv, environment, timeoutSeconds } = action.description;
    const found = await (sandbox ??= find());
    const directory = makeFolder();
    try {
      await stage(action.inputs, action.node.outputs, directory, options).catch(rethrowStaging);
      const ended = await runProcess({
        argv: found.wrap(argv, directory),
        cwd: directory,
        environment,
        signal,
        ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1000 }),
      });
      if (ended.exitCode !== 0)
        throw commandFailed(
          argv,
          ended.exitCode,
          ended.timedOut ? timeoutSeconds : undefined,
          `${ended.stdout.toString('utf8')}${ended.stderr.toString('utf8')}`,
        );
      return {
        ...(await collect(action.node.outputs, directory, options.cas)),
        outputSymlinks: [],
        exitCode: 0,
        stdout: ended.stdout,
        stderr: ended.stderr,
      };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  };
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'ocidsl-action-'));
  } catch (error) {
    return rethrowStaging(error);
  }
}

// A full or read-only disk is no bug of ours.
function rethrowStaging(error: unknown): never {
  if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
  throw environmentError(`put the inputs of a command into "${tmpdir()}"`, error, 'Free some space there, or set TMPDIR to another folder');
}

// Copies (cloned where the file system can), never links: a command may write to its inputs, and neither the user's files
// nor the store may change by that.
async function stage(
  inputs: readonly ResolvedInput[],
  outputs: readonly string[],
  directory: string,
  { cas, files }: CommandRunnerOptions,
): Promise<void> {
  for (const input of inputs) {
    const target = join(directory, input.path);
    mkdirSync(dirname(target), { recursive: true });
    const { content } = input;
    if (content.kind === 'bytes') writeFileSync(target, content.bytes);
    else if (content.kind === 'file') {
      copyFileSync(files.absolute(content.path), target, constants.COPYFILE_FICLONE);
      files.verifyUnchanged([content.path]);
    } else {
      const local = await cas.localPath?.(content.digest);
      if (local !== undefined) copyFileSync(local, target, constants.COPYFILE_FICLONE);
      else writeFileSync(target, await cas.readBytes(content.digest, Number.MAX_SAFE_INTEGER));
    }
    chmodSync(target, input.isExecutable ? 0o755 : 0o644);
  }
  for (const output of outputs)
    mkdirSync(output.endsWith('/') ? join(directory, output) : dirname(join(directory, output)), { recursive: true });
}

async function collect(
  outputs: readonly string[],
  directory: string,
  cas: ContentAddressableStorage,
): Promise<Pick<ActionResult, 'outputFiles' | 'outputDirectories'>> {
  const outputFiles: OutputFile[] = [];
  const add = async (path: string) => {
    const stats = lstatSync(join(directory, path), { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (!stats.isFile())
      throw new OcidslError({
        code: 'OCIDSL_OUTPUT_KIND',
        kind: 'build',
        message: `Cannot keep the output "${path}": it is ${stats.isDirectory() ? 'a folder' : 'not a regular file'}, expected a regular file`,
        ...(stats.isDirectory() ? { hint: `Declare the output as "${path}/"` } : {}),
      });
    outputFiles.push({ path, digest: await keep(join(directory, path), cas), isExecutable: (stats.mode & 0o100) !== 0 });
  };
  const walk = async (folder: string): Promise<void> => {
    const entries = readdirSync(join(directory, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => compareUtf8(a.name, b.name))) {
      await (entry.isDirectory() ? walk(`${folder}${entry.name}/`) : add(`${folder}${entry.name}`));
    }
  };
  for (const output of outputs) await (output.endsWith('/') ? walk(output) : add(output));
  outputFiles.sort((a, b) => compareUtf8(a.path, b.path));
  return { outputFiles, outputDirectories: [] };
}

async function keep(file: string, cas: ContentAddressableStorage): Promise<Digest> {
  try {
    return await storeFile(cas, file);
  } catch (error) {
    throw environmentError('keep an output of a command', error);
  }
}

function commandFailed(argv: readonly string[], exitCode: number, timeoutSeconds: number | undefined, output: string): OcidslError {
  const how =
    timeoutSeconds === undefined ? `it ended with exit code ${exitCode}` : `it was stopped after its time limit of ${timeoutSeconds} s`;
  return new OcidslError({
    code: 'OCIDSL_COMMAND_FAILED',
    kind: 'build',
    message: `Cannot run ${JSON.stringify(argv.join(' ').slice(0, 200))}: ${how}, expected 0`,
    output,
  });
}
