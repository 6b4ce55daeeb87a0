// A tool's inputs and outputs in memory, and a run of a tool with them.
import { compareUtf8, utf8 } from '../../../lib/base/bytes.ts';
import { digestOf } from '../../../lib/base/digest.ts';
import { OcidslError } from '../../../lib/base/errors.ts';
import { storeFile } from '../../../lib/store/store-file.ts';
import type { Tool, ToolContext, ToolInput, ToolInputs, ToolOutputs } from '../../../lib/tools/tool.ts';

/** One input: its content, or how it is served. */
export type MemoryFile =
  | Uint8Array
  | string
  | {
      readonly content: Uint8Array | string;
      readonly isExecutable?: boolean;
      /** Claims another size than the content has. */
      readonly sizeBytes?: number;
      /** Serves parts of at most this size, asynchronously, and overwrites each before the next one, as the contract allows. */
      readonly asyncPartSize?: number;
    };

/** Inputs by path. */
export class MemoryInputs implements ToolInputs {
  readonly #files: ReadonlyMap<string, Exclude<MemoryFile, Uint8Array | string>>;

  constructor(files: Readonly<Record<string, MemoryFile>>) {
    this.#files = new Map(
      Object.entries(files).map(([path, file]) => [
        path,
        typeof file === 'string' || file instanceof Uint8Array ? { content: file } : file,
      ]),
    );
  }

  list(): readonly ToolInput[] {
    return [...this.#files.keys()].sort(compareUtf8).map((path) => this.get(path));
  }

  get(path: string): ToolInput {
    const file = this.#file(path);
    return { path, sizeBytes: file.sizeBytes ?? bytesOf(file.content).length, isExecutable: file.isExecutable ?? false };
  }

  chunks(path: string): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    const file = this.#file(path);
    return file.asyncPartSize === undefined ? [bytesOf(file.content)] : asyncParts(bytesOf(file.content), file.asyncPartSize);
  }

  readBytes(path: string): Promise<Buffer> {
    return Promise.resolve(bytesOf(this.#file(path).content));
  }

  #file(path: string) {
    const file = this.#files.get(path);
    if (file === undefined) throw new OcidslError({ code: 'OCIDSL_TOOL_INPUT_MISSING', message: `Cannot read input "${path}"` });
    return file;
  }
}

async function* asyncParts(content: Buffer, size: number): AsyncGenerator<Uint8Array> {
  const part = Buffer.alloc(size);
  for (let at = 0; at < content.length; at += size) {
    const length = content.copy(part, 0, at, at + size);
    yield part.subarray(0, length);
    part.fill(0xee);
    await Promise.resolve();
  }
}

function bytesOf(content: Uint8Array | string): Buffer {
  return typeof content === 'string' ? utf8(content) : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

/** Outputs by path: only those that were committed. */
export class MemoryOutputs implements ToolOutputs {
  readonly files = new Map<string, Buffer>();
  readonly aborted: string[] = [];

  create(path: string) {
    const parts: Buffer[] = [];
    return Promise.resolve({
      write: async (chunk: Uint8Array) => {
        const taken = Buffer.from(chunk);
        // Late, as a disk would: whoever reuses the chunk too early is caught.
        await new Promise((resolve) => setImmediate(resolve));
        if (taken.compare(chunk) !== 0) throw new Error(`a chunk of ${path} was reused before it was written`);
        parts.push(taken);
      },
      commit: () => {
        const content = Buffer.concat(parts);
        this.files.set(path, content);
        return Promise.resolve(digestOf(content));
      },
      abort: () => {
        this.aborted.push(path);
        return Promise.resolve();
      },
    });
  }

  async take(path: string, file: string): Promise<void> {
    await storeFile({ openWriter: () => this.create(path) }, file);
  }

  /** The committed output; throws where there is none. */
  get(path: string): Buffer {
    const content = this.files.get(path);
    if (content === undefined) throw new Error(`no output ${path}, only ${[...this.files.keys()].join(', ')}`);
    return content;
  }
}

/** Runs `tool` on `files`. */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  files: Readonly<Record<string, MemoryFile>>,
  signal = new AbortController().signal,
) {
  const outputs = new MemoryOutputs();
  const lines: string[] = [];
  const context: ToolContext = { args, inputs: new MemoryInputs(files), outputs, signal, print: (line) => void lines.push(line) };
  await tool.run(context);
  return { outputs, lines };
}
