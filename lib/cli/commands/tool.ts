// `ocidsl tool NAME VERSION ARGUMENT…`: a tool as the command of an action, as a remote worker runs it: inputs are the files
// below the working directory, outputs are written there.
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { compareUtf8 } from '../../base/bytes.ts';
import { sameDigest, type Digest } from '../../base/digest.ts';
import { OcidslError } from '../../base/errors.ts';
import type { BlobWriter } from '../../store/content-addressable-storage.ts';
import { storeFile } from '../../store/store-file.ts';
import type { ToolInput, ToolInputs, ToolOutputs } from '../../tools/tool.ts';
import { interruptible } from '../interruption.ts';
import { usage } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { loadTool, TOOL_NAMES } from '../tools.ts';

/** Runs a tool in the working directory. */
export async function tool(name: string, version: string, args: readonly string[], terminal: Terminal): Promise<void> {
  const found = await loadTool(name);
  if (found === undefined) throw usage(`Cannot run tool "${name}": there is none of that name, expected one of ${TOOL_NAMES.join(', ')}`);
  if (found.version !== version) throw usage(`Cannot run tool "${name}" in version "${version}": this ocidsl has version ${found.version}`);
  const root = process.cwd();
  await interruptible((signal) =>
    found.run({
      args,
      inputs: folderInputs(root),
      outputs: folderOutputs(root),
      signal,
      print: (line) => terminal.note(line),
      hostPath: (path) => join(root, path),
    }),
  );
}

const CHUNK = 1024 * 1024;

function folderInputs(root: string): ToolInputs {
  const find = (path: string): ToolInput => {
    const stats = statSync(join(root, path), { throwIfNoEntry: false });
    if (stats?.isFile() !== true)
      throw new OcidslError({
        code: 'OCIDSL_TOOL_INPUT_MISSING',
        kind: 'build',
        message: `Cannot read the input "${path}": there is no such file`,
      });
    return { path, sizeBytes: stats.size, isExecutable: (stats.mode & 0o100) !== 0 };
  };
  return {
    list: () =>
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => find(join(entry.parentPath, entry.name).slice(root.length + 1)))
        .sort((a, b) => compareUtf8(a.path, b.path)),
    get: find,
    *chunks(path) {
      const fd = openSync(join(root, path), 'r');
      try {
        const buffer = Buffer.allocUnsafe(CHUNK);
        for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) yield buffer.subarray(0, count);
      } finally {
        closeSync(fd);
      }
    },
    readBytes: async (path) => readFileSync(join(root, path)),
  };
}

function folderOutputs(root: string): ToolOutputs {
  return {
    async take(path, file, options) {
      await storeFile({ openWriter: () => this.create(path, options) }, file);
    },
    async create(path, options = {}): Promise<BlobWriter> {
      const file = resolve(root, path);
      mkdirSync(dirname(file), { recursive: true });
      const temporary = `${file}.tmp`;
      const fd = openSync(temporary, 'wx', options.isExecutable === true ? 0o755 : 0o644);
      const hash = createHash('sha256');
      let sizeBytes = 0;
      let isOpen = true;
      const close = () => {
        if (isOpen) closeSync(fd);
        isOpen = false;
      };
      return {
        async write(chunk) {
          hash.update(chunk);
          for (let at = 0; at < chunk.length; at += writeSync(fd, chunk, at));
          sizeBytes += chunk.length;
        },
        async commit(expected) {
          const digest: Digest = { hash: hash.digest('hex'), sizeBytes };
          if (expected !== undefined && !sameDigest(digest, expected))
            throw new OcidslError({
              code: 'OCIDSL_DIGEST_MISMATCH',
              kind: 'integrity',
              message: `Cannot keep "${path}": its digest is not the expected one`,
            });
          close();
          renameSync(temporary, file);
          return digest;
        },
        async abort() {
          close();
          rmSync(temporary, { force: true });
        },
      };
    },
  };
}
