// A prepared action: everything that decides its result is known. Its key is the digest of the REAPI Action message; its
// shape is the key without the contents of source files, which is known without reading them.
import { createHash } from 'node:crypto';
import { actionDigest } from '../action/action.ts';
import { encodeCommand, environmentVariables } from '../action/command.ts';
import type { Platform } from '../action/platform.ts';
import { merkleRoot } from '../action/merkle-tree.ts';
import { compareUtf8, sortedUtf8 } from '../base/bytes.ts';
import { digestOf, sha256Hex, type Digest } from '../base/digest.ts';
import type { ActionNode, CommandDescription, ToolDescription } from '../plan/action-node.ts';
import type { FileIndex } from './file-index.ts';
import type { ResolvedInput } from './resolved-input.ts';

// The epoch of all keys: a new one disowns every result that older versions stored.
const SALT = new TextEncoder().encode('ocidsl-1');

const HASHED_AT_ONCE = 16 * 1024;

/** What an action does, without its inputs as analysis named them. */
export type PreparedDescription = Omit<ToolDescription, 'inputs'> | Omit<CommandDescription, 'inputs'>;

/** An action that is ready to be looked up or run. */
export class PreparedAction {
  readonly node: ActionNode;
  readonly description: PreparedDescription;
  /** Sorted by path in UTF-8 order. */
  readonly inputs: readonly ResolvedInput[];
  readonly #files: FileIndex;
  #key: Promise<Digest> | undefined;
  #shape: string | undefined;

  constructor(node: ActionNode, description: PreparedDescription, inputs: readonly ResolvedInput[], files: FileIndex) {
    this.node = node;
    this.description = description;
    this.inputs = inputs;
    this.#files = files;
  }

  /** The command line, as it enters the key. */
  get argv(): readonly string[] {
    const { description } = this;
    if (description.kind === 'command') return description.argv;
    return ['ocidsl', 'tool', description.tool.name, description.tool.version, ...description.args];
  }

  /** Digest of the REAPI Action; reads the source files whose content is not known yet. */
  key(): Promise<Digest> {
    return (this.#key ??= this.#computeKey());
  }

  /** Source files whose content has not been read. */
  unread(): ResolvedInput[] {
    return this.inputs.filter((input) => this.#isUnread(input));
  }

  /** Whether there are none of them: the key is known without reading. */
  isRead(): boolean {
    return !this.inputs.some((input) => this.#isUnread(input));
  }

  #isUnread({ content }: ResolvedInput): boolean {
    return content.kind === 'file' && this.#files.known(content) === undefined;
  }

  /**
   * Everything of the key but the contents of source files, as a digest of paths and sizes. A result can only be stored
   * under this action's key if an action of this shape ran before.
   */
  shape(): string {
    return (this.#shape ??= this.#computeShape());
  }

  #computeShape(): string {
    const hash = createHash('sha256');
    let lines = [sha256Hex(this.#encodedCommand()), String(this.#timeoutSeconds ?? ''), this.node.outputs.join('\0')].join('\n');
    for (const { path, sizeBytes, isExecutable, content } of this.inputs) {
      lines += `\n${path}\0${sizeBytes}\0${isExecutable ? 'x' : ''}\0${content.kind === 'file' ? '' : content.digest.hash}`;
      // The lines of 100,000 files are never there together.
      if (lines.length < HASHED_AT_ONCE) continue;
      hash.update(lines);
      lines = '';
    }
    return hash.update(lines).digest('hex');
  }

  async #computeKey(): Promise<Digest> {
    for (const { content } of this.unread()) if (content.kind === 'file') await this.#files.digest(content);
    const timeoutSeconds = this.#timeoutSeconds;
    return actionDigest({
      commandDigest: digestOf(this.#encodedCommand()),
      inputRootDigest: merkleRoot(this.inputs, ({ path, isExecutable, content }) => ({
        path,
        isExecutable,
        digest: content.kind === 'file' ? this.#files.known(content)! : content.digest,
      })),
      salt: SALT,
      ...this.#folders(),
      ...(timeoutSeconds === undefined ? {} : { timeout: { seconds: timeoutSeconds, nanos: 0 } }),
    });
  }

  // A Command names folders like files; whether the folder or the file is kept is part of what the action does.
  #folders(): { readonly platform?: Platform } {
    const folders = this.node.outputs.filter((path) => path.endsWith('/'));
    return folders.length === 0 ? {} : { platform: { properties: sortedUtf8(folders).map((value) => ({ name: 'output-folder', value })) } };
  }

  get #timeoutSeconds(): number | undefined {
    return this.description.kind === 'command' ? this.description.timeoutSeconds : undefined;
  }

  #encodedCommand(): Uint8Array {
    const { description } = this;
    return encodeCommand({
      arguments: this.argv,
      environmentVariables: environmentVariables(description.kind === 'command' ? description.environment : {}),
      outputPaths: sortedUtf8(this.node.outputs.map((path) => path.replace(/\/$/, ''))),
      workingDirectory: '',
    });
  }
}

/** Orders inputs as a Merkle tree wants them. */
export function sortInputs(inputs: readonly ResolvedInput[]): ResolvedInput[] {
  return [...inputs].sort((a, b) => compareUtf8(a.path, b.path));
}
