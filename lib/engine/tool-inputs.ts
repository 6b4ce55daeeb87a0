// The input root of an action that runs in process: files are read where they lie, blobs from the store.
import { createHash } from 'node:crypto';
import { sha256Hex } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import type { ContentAddressableStorage } from '../store/content-addressable-storage.ts';
import type { ToolInput, ToolInputs } from '../tools/tool.ts';
import type { FileIndex } from './file-index.ts';
import type { ResolvedInput } from './resolved-input.ts';
import { SMALL_FILE_BYTES } from './source-file.ts';

const DEFAULT_LIMIT = 64 * 1024 * 1024;

/** The view that a tool has of an action's inputs. Files of unknown content are digested while the tool reads them. */
export function toolInputs(inputs: readonly ResolvedInput[], files: FileIndex, cas: ContentAddressableStorage): ToolInputs {
  const byPath = new Map(inputs.map((input) => [input.path, input]));
  const find = (path: string): ResolvedInput => {
    const input = byPath.get(path);
    if (input === undefined)
      throw new OcidslError({
        code: 'OCIDSL_TOOL_INPUT_MISSING',
        kind: 'build',
        message: `Cannot read the input "${path}": the action does not declare it`,
      });
    return input;
  };
  return {
    list: () => inputs satisfies readonly ToolInput[],
    get: find,
    chunks(path) {
      const { content, sizeBytes } = find(path);
      if (content.kind === 'bytes') return [content.bytes];
      if (content.kind === 'blob') return cas.read(content.digest);
      if (sizeBytes < SMALL_FILE_BYTES) return [readSmall(content.path, files)];
      return files.known(content.path) === undefined ? digesting(content.path, files) : files.chunks(content.path);
    },
    async readBytes(path, limitBytes = DEFAULT_LIMIT) {
      const { content, sizeBytes } = find(path);
      if (sizeBytes > limitBytes)
        throw new OcidslError({
          code: 'OCIDSL_INPUT_TOO_LARGE',
          kind: 'build',
          message: `Cannot read "${path}": it has ${sizeBytes} bytes, expected at most ${limitBytes}`,
        });
      if (content.kind === 'bytes') return Buffer.from(content.bytes);
      if (content.kind === 'blob') return await cas.readBytes(content.digest, limitBytes);
      return Buffer.concat([...files.chunks(content.path)].map((chunk) => Buffer.from(chunk)));
    },
  };
}

function readSmall(path: string, files: FileIndex): Buffer {
  const bytes = files.readSmall(path);
  if (files.known(path) === undefined) files.learn(path, sha256Hex(bytes));
  return bytes;
}

function* digesting(path: string, files: FileIndex): Generator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  for (const chunk of files.chunks(path)) {
    hash.update(chunk);
    yield chunk;
  }
  files.learn(path, hash.digest('hex'));
}
