// REAPI ActionResult: what an action left behind.
// https://github.com/bazelbuild/remote-apis/blob/main/build/bazel/remote/execution/v2/remote_execution.proto
import { compareUtf8 } from '../base/bytes.ts';
import { pathFault, quote, requirePath, requireSorted } from './canonical-order.ts';
import { readDigest, writeDigest } from './digest-message.ts';
import { encodeMessage, readFields, wireError } from './wire.ts';
import type { Digest } from '../base/digest.ts';
import type { WireField, WireWriter } from './wire.ts';

/** One regular file that an action produced. */
export interface OutputFile {
  /** Relative to the working directory, `/` between segments. */
  readonly path: string;
  readonly digest: Digest;
  readonly isExecutable: boolean;
}

/** One directory that an action produced, as the digest of its encoded Tree message. */
export interface OutputDirectory {
  readonly path: string;
  readonly treeDigest: Digest;
}

/** One symbolic link that an action produced. */
export interface OutputSymlink {
  readonly path: string;
  readonly target: string;
}

/** The outcome of an action. Lists are sorted by path in UTF-8 order. */
export interface ActionResult {
  readonly outputFiles: readonly OutputFile[];
  readonly outputDirectories: readonly OutputDirectory[];
  readonly outputSymlinks: readonly OutputSymlink[];
  readonly exitCode: number;
  /** What the action printed, so that a hit can replay it; at most 256 KiB each. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Upper limit of `stdout` and of `stderr`, in bytes. Whoever captures them keeps the head and the tail. */
export const MAX_PRINTED_BYTES = 256 * 1024;

/** Canonical bytes of an ActionResult. Throws RangeError where a list is not sorted, or stdout or stderr is too long. */
export function encodeActionResult(result: ActionResult): Buffer {
  return encodeMessage(result, writeActionResult);
}

/**
 * Reads an ActionResult. It may come from somebody else's server, so order and additions that change nothing (such as
 * execution metadata) are accepted; what would be an output that we do not see, or a path outside, is not.
 * @throws OCIDSL_MESSAGE_SYNTAX
 */
export function decodeActionResult(bytes: Uint8Array): ActionResult {
  const outputFiles: OutputFile[] = [];
  const outputDirectories: OutputDirectory[] = [];
  const outputSymlinks: OutputSymlink[] = [];
  let exitCode = 0;
  let stdout: Uint8Array = new Uint8Array(0);
  let stderr = stdout;
  for (const field of readFields('ActionResult', bytes)) {
    if (field.number === 2) outputFiles.push(readOutputFile(field.bytes()));
    else if (field.number === 3) outputDirectories.push(readOutputDirectory(field.bytes()));
    else if (field.number === 4) exitCode = field.int32();
    else if (field.number === 5) stdout = readPrinted(field);
    else if (field.number === 7) stderr = readPrinted(field);
    else if (field.number === 12) outputSymlinks.push(readOutputSymlink(field.bytes()));
    else if (UNSUPPORTED.has(field.number))
      throw wireError('ActionResult', `it has a field ${field.number}`, 'the fields that ocidsl writes');
  }
  return {
    outputFiles: sortedByPath(outputFiles),
    outputDirectories: sortedByPath(outputDirectories),
    outputSymlinks: sortedByPath(outputSymlinks),
    exitCode,
    stdout,
    stderr,
  };
}

// stdout_digest, stderr_digest, output_file_symlinks, output_directory_symlinks: dropping them would lose something.
const UNSUPPORTED = new Set([6, 8, 10, 11]);

function writeActionResult(writer: WireWriter, result: ActionResult): void {
  for (const outputs of [result.outputFiles, result.outputDirectories, result.outputSymlinks]) {
    requireSorted('the outputs of an ActionResult', outputs, (output: { readonly path: string }) => output.path);
    for (const { path } of outputs) requirePath('output', path);
  }
  for (const printed of [result.stdout, result.stderr]) {
    if (printed.byteLength > MAX_PRINTED_BYTES) {
      throw new RangeError(`Cannot encode ActionResult: it printed ${printed.byteLength} bytes, expected at most ${MAX_PRINTED_BYTES}`);
    }
  }
  for (const file of result.outputFiles) writer.message(2, file, writeOutputFile);
  for (const directory of result.outputDirectories) writer.message(3, directory, writeOutputDirectory);
  writer.varint(4, result.exitCode);
  writer.bytes(5, result.stdout);
  writer.bytes(7, result.stderr);
  for (const symlink of result.outputSymlinks) writer.message(12, symlink, writeOutputSymlink);
}

function writeOutputFile(writer: WireWriter, file: OutputFile): void {
  writer.string(1, file.path);
  writer.message(2, file.digest, writeDigest);
  writer.bool(4, file.isExecutable);
}

function writeOutputDirectory(writer: WireWriter, directory: OutputDirectory): void {
  writer.string(1, directory.path);
  writer.message(3, directory.treeDigest, writeDigest);
}

function writeOutputSymlink(writer: WireWriter, symlink: OutputSymlink): void {
  writer.string(1, symlink.path);
  writer.string(2, symlink.target);
}

function readOutputFile(bytes: Uint8Array): OutputFile {
  let path = '';
  let digest: Uint8Array | undefined;
  let isExecutable = false;
  for (const field of readFields('OutputFile', bytes)) {
    if (field.number === 1) path = field.string();
    else if (field.number === 2) digest = field.bytes();
    else if (field.number === 4) isExecutable = field.bool();
  }
  return { path, digest: readDigest('OutputFile', digest), isExecutable };
}

function readOutputDirectory(bytes: Uint8Array): OutputDirectory {
  let path = '';
  let tree: Uint8Array | undefined;
  for (const field of readFields('OutputDirectory', bytes)) {
    if (field.number === 1) path = field.string();
    else if (field.number === 3) tree = field.bytes();
  }
  return { path, treeDigest: readDigest('OutputDirectory', tree) };
}

function readOutputSymlink(bytes: Uint8Array): OutputSymlink {
  let path = '';
  let target = '';
  for (const field of readFields('OutputSymlink', bytes)) {
    if (field.number === 1) path = field.string();
    else if (field.number === 2) target = field.string();
  }
  if (target === '' || target.includes('\0')) throw wireError('OutputSymlink', `its target is ${quote(target)}`, 'a path');
  return { path, target };
}

function readPrinted(field: WireField): Uint8Array {
  const bytes = field.bytes();
  if (bytes.byteLength > MAX_PRINTED_BYTES)
    throw wireError('ActionResult', `it printed ${bytes.byteLength} bytes`, `at most ${MAX_PRINTED_BYTES}`);
  return Uint8Array.from(bytes);
}

function sortedByPath<T extends { readonly path: string }>(outputs: T[]): T[] {
  outputs.sort((a, b) => compareUtf8(a.path, b.path));
  outputs.forEach(({ path }, i) => {
    const fault = pathFault(path) ?? (path === outputs[i - 1]?.path ? 'it is there twice' : undefined);
    if (fault !== undefined) throw wireError('ActionResult', `of its output ${quote(path)} ${fault}`, 'unique relative paths');
  });
  return outputs;
}
