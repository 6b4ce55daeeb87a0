// The input root of an action that runs in process: files are read where they lie, blobs from the store.
import { createHash } from 'node:crypto';
import { compareUtf8 } from '../base/bytes.ts';
import { OcidslError } from '../base/errors.ts';
import type { ContentAddressableStorage } from '../store/content-addressable-storage.ts';
import type { ToolInput, ToolInputs } from '../tools/tool.ts';
import type { FileIndex, IndexedFile } from './file-index.ts';
import type { ResolvedInput } from './resolved-input.ts';
import { SMALL_FILE_BYTES } from './source-file.ts';

const DEFAULT_LIMIT = 64 * 1024 * 1024;

/** The first place in sorted inputs at which a path may be. */
function placeOf(path: string, inputs: readonly ResolvedInput[]): number {
  let from = 0;
  for (let to = inputs.length; from < to;) {
    const middle = (from + to) >> 1;
    if (compareUtf8(inputs[middle]!.path, path) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The view that a tool has of an action's inputs, which are sorted by path in UTF-8 order. Files of unknown content are digested while the tool reads them. */
export function toolInputs(inputs: readonly ResolvedInput[], files: FileIndex, cas: ContentAddressableStorage): ToolInputs {
  // They are mostly asked for in their own order, so no index of 100,000 paths is made for the others.
  let last = 0;
  const find = (path: string): ResolvedInput => {
    if (inputs[last]?.path !== path) last = inputs[last + 1]?.path === path ? last + 1 : placeOf(path, inputs);
    const input = inputs[last];
    if (input?.path !== path)
      throw new OcidslError({
        code: 'OCIDSL_TOOL_INPUT_MISSING',
        kind: 'build',
        message: `Cannot read the input "${path}": the action does not declare it`,
      });
    return input;
  };
  // One for all small files: a chunk is valid until the next is asked for.
  let buffer: Buffer | undefined;
  return {
    list: () => inputs satisfies readonly ToolInput[],
    get: find,
    chunks(path) {
      const { content, sizeBytes } = find(path);
      if (content.kind === 'bytes') return [content.bytes];
      if (content.kind === 'blob') return cas.read(content.digest);
      if (sizeBytes < SMALL_FILE_BYTES) return new SmallFile(content, files, (buffer ??= Buffer.allocUnsafeSlow(SMALL_FILE_BYTES)));
      return files.known(content) === undefined ? digesting(content, files) : files.chunks(content);
    },
    async readBytes(path, limitBytes = DEFAULT_LIMIT) {
      const { content, sizeBytes } = find(path);
      if (sizeBytes > limitBytes)
        throw new OcidslError({
          code: 'OCIDSL_INPUT_TOO_LARGE',
          kind: 'build',
          message: `Cannot read "${path}": it has ${sizeBytes} bytes, expected at most ${limitBytes}`,
        });
      if (content.kind === 'bytes') return asBuffer(content.bytes);
      if (content.kind === 'blob') return await cas.readBytes(content.digest, limitBytes);
      return Buffer.concat([...files.chunks(content)].map((chunk) => Buffer.from(chunk)));
    },
  };
}

// The one chunk of a small file, read when it is asked for. A generator would take as long as the reading.
class SmallFile implements IterableIterator<Uint8Array> {
  readonly #file: IndexedFile;
  readonly #files: FileIndex;
  readonly #buffer: Buffer;
  #isRead = false;

  constructor(file: IndexedFile, files: FileIndex, buffer: Buffer) {
    this.#file = file;
    this.#files = files;
    this.#buffer = buffer;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Uint8Array> {
    if (this.#isRead) return { done: true, value: undefined };
    this.#isRead = true;
    return { done: false, value: this.#files.readSmall(this.#file, this.#buffer) };
  }
}

// No copy: a spec of 100,000 entries has 20 MB.
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function* digesting(file: IndexedFile, files: FileIndex): Generator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  for (const chunk of files.chunks(file)) {
    hash.update(chunk);
    yield chunk;
  }
  files.learn(file, hash.digest('hex'));
}
