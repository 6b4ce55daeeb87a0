// The discoverer `glob`: source files by pattern. Remembers every folder that was listed, so that a file that appears is noticed.
import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { sortedUtf8 } from '../base/bytes.ts';
import type { Discoverer, DiscoveryIo } from '../plan/discoverer.ts';
import { matchPatterns, type GlobArguments } from './match-patterns.ts';

/**
 * Arguments: GlobArguments. Names are relative to the package. Symbolic links are followed inside the workspace: a link to a
 * file stands for that file under the link's name, and `path` is where the file really is.
 */
export const globDiscoverer: Discoverer = {
  name: 'glob',
  version: '2',
  environment: [],
  async run(args, io) {
    const { files, watched } = await matchPatterns(io.workspaceRoot, args as GlobArguments);
    const stats =
      args['stats'] === true
        ? { facts: { stats: Object.fromEntries(files.map(({ name, path }) => [packagePath(args, name), modeAndTime(path, io)])) } }
        : {};
    return { files, watched: sortedUtf8(watched), ...stats };
  },
  // What a file contains does not matter to a glob: only that it still is one, and what its mode and time are where they are wanted.
  async stillValid(previous, changedPaths, io) {
    if (previous.facts !== undefined) return undefined;
    const areFiles = changedPaths.every((path) => lstatSync(resolve(io.workspaceRoot, path), { throwIfNoEntry: false })?.isFile() === true);
    return areFiles ? previous : undefined;
  },
};

// Where a file of the package is, seen from the root: a symbolic link under its own name.
function packagePath(args: Parameters<Discoverer['run']>[0], name: string): string {
  return args['package'] === '' ? name : `${args['package'] as string}/${name}`;
}

// For attributes that take mode and time from disk: permission bits, and whole seconds since 1970.
function modeAndTime(path: string, io: DiscoveryIo): [mode: number, seconds: number] {
  const stats = lstatSync(resolve(io.workspaceRoot, path));
  return [stats.mode & 0o7777, Math.floor(stats.mtimeMs / 1000)];
}
