// The discoverer `glob`: source files by pattern, or everything below one folder. Remembers every folder that it listed, so
// that a file which appears is noticed.
import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { compareUtf8, sortedUtf8 } from '../base/bytes.ts';
import type { Json } from '../base/json.ts';
import type { Discovered } from '../plan/discovery.ts';
import type { Discoverer, DiscoveryIo } from './discoverer.ts';
import { isExecutable, type DirectoryArguments, type GlobArguments, type GlobFacts } from './glob-arguments.ts';
import { listTree } from './list-tree.ts';
import { matchPatterns } from './match-patterns.ts';

/**
 * Arguments: GlobArguments or DirectoryArguments; facts: GlobFacts. Names are relative to the package.
 *
 * Patterns follow symbolic links inside the workspace: a link to a file is that file's content under the link's name. A
 * folder is a tree of its own: links in it stay links, and have to point inside of it.
 */
export const globDiscoverer: Discoverer = {
  name: 'glob',
  version: '1',
  environment: [],
  async run(args, io) {
    const found = isDirectory(args) ? listTree(io.workspaceRoot, args, io.signal) : await matchPatterns(io.workspaceRoot, args as GlobArguments);
    const facts = { directories: sortedUtf8(found.directories), symlinks: [...found.symlinks].sort((a, b) => compareUtf8(a.name, b.name)) } satisfies GlobFacts;
    return {
      files: found.files.sort((a, b) => compareUtf8(a.name, b.name)),
      watched: sortedUtf8(found.watched),
      facts,
    };
  },
  // The content of a file does not matter to a glob: only that it still is one, and executable or not.
  stillValid: async (previous, changedPaths, io) => withNewModes(previous, changedPaths, io),
};

function isDirectory(args: { readonly [key: string]: Json | undefined }): args is DirectoryArguments {
  return typeof args['directory'] === 'string';
}

function withNewModes(previous: Discovered, changedPaths: readonly string[], io: DiscoveryIo): Discovered | undefined {
  const modes = new Map<string, boolean>();
  for (const path of changedPaths) {
    const stats = lstatSync(resolve(io.workspaceRoot, path), { throwIfNoEntry: false });
    if (stats?.isFile() !== true) return undefined;
    modes.set(path, isExecutable(stats));
  }
  const isSame = previous.files.every(({ path, isExecutable: was }) => (modes.get(path) ?? was) === was);
  if (isSame) return previous;
  return { ...previous, files: previous.files.map((file) => ({ ...file, isExecutable: modes.get(file.path) ?? file.isExecutable ?? false })) };
}
