// The discoverer `paths`: what files and folders that a config names turn out to be. A folder stands for everything below
// it; symbolic links stay links and are never followed.
import { lstatSync, readdirSync, readlinkSync, type Dirent } from 'node:fs';
import { join, posix } from 'node:path';
import { expectObjects } from '../base/v8-heap.ts';
import { compareUtf8, sortedUtf8 } from '../base/bytes.ts';
import { environmentError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { DiscoveredFile } from '../plan/discovery.ts';
import type { Discoverer } from '../plan/discoverer.ts';

/** Arguments: `paths`, relative to the workspace root, and `stats` where modes and times are wanted. */
export const pathsDiscoverer: Discoverer = {
  name: 'paths',
  version: '2',
  environment: [],
  async run(args, io) {
    const walk = new Walk(io.workspaceRoot, args['stats'] === true);
    for (const path of args['paths'] as readonly string[]) walk.named(path);
    return walk.result();
  },
  // What a file contains does not matter here: only that it still is one, and what its mode and time are where they are wanted.
  async stillValid(previous, changed, io) {
    if ((previous.facts as { readonly stats?: object }).stats !== undefined) return undefined;
    const areFiles = changed.every((path) => lstatSync(join(io.workspaceRoot, path), { throwIfNoEntry: false })?.isFile() === true);
    return areFiles ? previous : undefined;
  },
};

// What builds write below the root is never their own input.
const OUTPUT_FOLDER = 'ocidsl-out';

class Walk {
  readonly #root: string;
  readonly #stats: Record<string, [mode: number, seconds: number]> | undefined;
  readonly #files: string[] = [];
  readonly #watched: string[] = [];
  readonly #folders: string[] = [];
  readonly #empty: string[] = [];
  readonly #links: Record<string, string> = {};

  constructor(root: string, withStats: boolean) {
    this.#root = root;
    this.#stats = withStats ? {} : undefined;
  }

  named(path: string): void {
    const stats = lstatSync(join(this.#root, path), { throwIfNoEntry: false });
    if (stats === undefined)
      throw new OcidslError({
        code: 'OCIDSL_INPUT_MISSING',
        message: `Cannot find "${printable(path)}": it does not exist, expected a file or folder of the workspace`,
      });
    if (stats.isFile()) this.#file(path);
    else if (stats.isSymbolicLink()) this.#link(path, '');
    else if (stats.isDirectory()) {
      this.#folders.push(path);
      this.#folder(path);
    } else throw special(path);
  }

  #folder(start: string): void {
    const pending = [start];
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      this.#watched.push(folder);
      const entries = this.#read(folder);
      if (entries.length === 0 && folder !== '') this.#empty.push(folder);
      for (const entry of entries) {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (folder === '' && entry.name === OUTPUT_FOLDER) continue;
        if (entry.isDirectory()) pending.push(path);
        else if (entry.isSymbolicLink()) this.#link(path, start);
        else if (!entry.isFile()) throw special(path);
        else this.#file(path);
      }
    }
  }

  #read(folder: string): Dirent[] {
    let entries: Dirent[];
    try {
      entries = readdirSync(join(this.#root, folder), { withFileTypes: true });
    } catch (error) {
      throw environmentError(`read the folder "${printable(folder)}"`, error);
    }
    expectObjects(entries.length);
    // Node turns bytes that are no UTF-8 into U+FFFD, which would name another file.
    const broken = entries.find((entry) => entry.name.includes('\ufffd'));
    if (broken !== undefined) throw notUtf8(folder, readdirSync(join(this.#root, folder), { encoding: 'buffer' }));
    return entries;
  }

  // Looked at only where that is wanted: whoever uses the files looks at each of them anyway.
  #file(path: string): void {
    this.#files.push(path);
    if (this.#stats === undefined) return;
    const { mode, mtimeMs } = lstatSync(join(this.#root, path));
    this.#stats[path] = [mode & 0o7777, Math.floor(mtimeMs / 1000)];
  }

  // A link that leaves the folder that was named would dangle, or mean something else, where the folder's content ends up.
  #link(path: string, folder: string): void {
    const target = readlinkSync(join(this.#root, path));
    const place = posix.relative(folder, posix.join(posix.dirname(path), target));
    if (posix.isAbsolute(target) || place === '..' || place.startsWith('../')) {
      const inside = folder === '' ? 'the workspace' : `"${printable(folder)}"`;
      throw new OcidslError({
        code: 'OCIDSL_LINK_OUTSIDE',
        message: `Cannot use the symbolic link "${printable(path)}": it points to "${printable(target)}", expected a path inside ${inside}`,
        hint: 'Use the symlinks attribute for a link of the image',
      });
    }
    this.#links[path] = target;
    this.#watched.push(path);
  }

  result() {
    return {
      // A folder and a file in it may both be named.
      files: sortedUtf8(new Set(this.#files)).map((path): DiscoveredFile => ({ name: path, path })),
      watched: this.#watched,
      facts: {
        folders: this.#folders,
        emptyDirectories: this.#empty.sort(compareUtf8),
        links: this.#links,
        ...(this.#stats === undefined ? {} : { stats: this.#stats }),
      },
    };
  }
}

function special(path: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_INPUT_KIND',
    message: `Cannot use "${printable(path)}": it is a device, pipe or socket, expected a file, folder or symbolic link`,
  });
}

function notUtf8(folder: string, names: readonly Buffer[]): OcidslError {
  const broken = names.find((name) => !Buffer.from(name.toString('utf8')).equals(name)) ?? Buffer.alloc(0);
  const shown = [...broken]
    .map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`))
    .join('');
  return new OcidslError({
    code: 'OCIDSL_NAME_ENCODING',
    message: `Cannot use the file "${shown}" in "${printable(folder)}": its name is not UTF-8, expected names that are`,
    hint: 'Rename the file',
  });
}
