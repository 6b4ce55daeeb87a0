// The discoverer `glob`: source files by pattern. Remembers every folder that was listed, so that a file that appears is noticed.
import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { compareUtf8, sortedUtf8 } from '../base/bytes.ts';
import type { Discovered } from '../plan/discovery.ts';
import type { Discoverer, DiscoveryIo } from './discoverer.ts';
import { matchPatterns, type GlobArguments } from './match-patterns.ts';
import { isExecutable } from './workspace-view.ts';

/**
 * Arguments: GlobArguments. Names are relative to the package. Symbolic links are followed inside the workspace: a link to a
 * file stands for that file under the link's name, and `path` is where the file really is.
 */
export const globDiscoverer: Discoverer = {
  name: 'glob',
  version: '1',
  environment: [],
  async run(args, io) {
    const { files, watched } = await matchPatterns(io.workspaceRoot, args as GlobArguments);
    return { files: files.sort((a, b) => compareUtf8(a.name, b.name)), watched: sortedUtf8(watched) };
  },
  // What a file contains does not matter to a glob: only that it still is one, and executable or not.
  stillValid: async (previous, changedPaths, io) => withNewModes(previous, changedPaths, io),
};

function withNewModes(previous: Discovered, changedPaths: readonly string[], io: DiscoveryIo): Discovered | undefined {
  const modes = new Map<string, boolean>();
  for (const path of changedPaths) {
    const stats = lstatSync(resolve(io.workspaceRoot, path), { throwIfNoEntry: false });
    if (stats?.isFile() !== true) return undefined;
    modes.set(path, isExecutable(stats));
  }
  const isSame = previous.files.every(({ path, isExecutable: was }) => (modes.get(path) ?? was) === was);
  if (isSame) return previous;
  return {
    ...previous,
    files: previous.files.map((file) => ({ ...file, isExecutable: modes.get(file.path) ?? file.isExecutable ?? false })),
  };
}
