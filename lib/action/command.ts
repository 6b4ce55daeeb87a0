// REAPI Command: what an action runs. Its digest is a part of the action's key.
// https://github.com/bazelbuild/remote-apis/blob/main/build/bazel/remote/execution/v2/remote_execution.proto
import { compareUtf8 } from '../base/bytes.ts';
import { requirePath, requireSorted } from './canonical-order.ts';
import { readNameValue, writeNameValue } from './platform.ts';
import { decodeCanonical, encodeMessage, readFields } from './wire.ts';
import type { WireWriter } from './wire.ts';

/** One variable of a command's environment. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}

/** What is run, in which environment, and what it leaves behind. */
export interface Command {
  /** The argument vector; the first is the program: a path relative to the input root, or a tool of ours. */
  readonly arguments: readonly string[];
  /** The whole environment, sorted by name. Nothing is inherited from the host. */
  readonly environmentVariables: readonly EnvironmentVariable[];
  /** Files and directories that are kept, relative to the working directory, sorted and without duplicates. */
  readonly outputPaths: readonly string[];
  /** Relative to the input root; empty for the root itself. */
  readonly workingDirectory: string;
}

/** Canonical bytes of a Command. Throws RangeError where a list is not sorted or a path is not relative. */
export function encodeCommand(command: Command): Buffer {
  return encodeMessage(command, writeCommand);
}

/** Reads a Command in canonical form. Throws OCIDSL_MESSAGE_SYNTAX. */
export function decodeCommand(bytes: Uint8Array): Command {
  return decodeCanonical('Command', bytes, readCommand, writeCommand);
}

/** The variables of `environment` in the order that a Command wants; undefined values are left out. */
export function environmentVariables(environment: Readonly<Record<string, string | undefined>>): EnvironmentVariable[] {
  return Object.entries(environment)
    .flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]))
    .sort((a, b) => compareUtf8(a.name, b.name));
}

function writeCommand(writer: WireWriter, command: Command): void {
  if (command.arguments.length === 0) throw new RangeError('Cannot encode Command: it has no arguments, expected one or more');
  requireSorted('the environment of a Command', command.environmentVariables, ({ name }) => name);
  requireSorted('the output paths of a Command', command.outputPaths, (path) => path);
  for (const path of command.outputPaths) requirePath('output path', path);
  if (command.workingDirectory !== '') requirePath('working directory', command.workingDirectory);
  for (const argument of command.arguments) writer.element(1, argument);
  for (const variable of command.environmentVariables) writer.message(2, variable, writeNameValue);
  writer.string(6, command.workingDirectory);
  for (const path of command.outputPaths) writer.element(7, path);
}

function readCommand(bytes: Uint8Array): Command {
  const args: string[] = [];
  const variables: EnvironmentVariable[] = [];
  const outputPaths: string[] = [];
  let workingDirectory = '';
  for (const field of readFields('Command', bytes)) {
    if (field.number === 1) args.push(field.string());
    else if (field.number === 2) variables.push(readNameValue('Command.EnvironmentVariable', field.bytes()));
    else if (field.number === 6) workingDirectory = field.string();
    else if (field.number === 7) outputPaths.push(field.string());
  }
  return { arguments: args, environmentVariables: variables, outputPaths, workingDirectory };
}
