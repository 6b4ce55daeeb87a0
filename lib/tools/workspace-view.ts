// The file system as pattern matching sees it: notes what was listed, and follows symbolic links inside the workspace only
// and never in a circle.
import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync, type Dirent, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { expectObjects } from '../base/v8-heap.ts';
import { environmentError, type OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { invalidName, invalidNames, specialFile, unusableLink } from './glob-error.ts';
import { isWithin, workspacePath } from './workspace-path.ts';

/** One look at a workspace. */
export class WorkspaceView {
  readonly #workspaceRoot: string;
  readonly #root: string;
  /** As Discovered.watched has them. */
  readonly watched = new Set<string>();
  /** Links that were met: the absolute path that they lead to, and whether that is followed. */
  readonly #links = new Map<string, { readonly real: string | undefined; readonly isFolder: boolean; readonly isFollowed: boolean }>();
  /** Those that lead to a folder and are followed. */
  readonly #folderLinks: string[] = [];
  /** Paths as Node shows them whose real names are not UTF-8. */
  readonly #invalid = new Map<string, Uint8Array>();

  constructor(workspaceRoot: string) {
    this.#workspaceRoot = workspaceRoot;
    this.#root = realpathSync(workspaceRoot);
  }

  /** Notes the fixed beginning of a pattern, which fast-glob goes through without looking. */
  enter(cwd: string, segments: readonly string[]): void {
    let path = cwd;
    for (const [index, segment] of segments.entries()) {
      path = join(path, segment);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) {
        this.#watch(path);
        return;
      }
      if (stats.isSymbolicLink() && !this.#follow(path).isFollowed) throw this.#unusable(segments.slice(0, index + 1).join('/'), path);
    }
  }

  /**
   * Where the entry that was matched as a file really is, as DiscoveredFile.path has it; undefined for a link to a folder that is not
   * followed. `name` is for errors, `path` relative to the workspace. The file itself is not looked at: whoever uses it does that.
   */
  file(
    name: string,
    path: string,
    dirent: Pick<Dirent, 'isFile' | 'isFIFO' | 'isSocket' | 'isBlockDevice' | 'isCharacterDevice'>,
  ): string | undefined {
    // Nearly always, of 100,000 files.
    if (dirent.isFile() && this.#links.size === 0 && this.#invalid.size === 0) return path;
    const absolute = join(this.#workspaceRoot, path);
    const bytes = this.#invalid.get(absolute);
    if (bytes !== undefined) throw invalidName(dirname(name), bytes);
    const link = this.#links.get(absolute);
    if (link !== undefined && !link.isFollowed) {
      if (link.isFolder) return undefined;
      throw this.#unusable(name, absolute);
    }
    if (!dirent.isFile()) throw specialFile(name, dirent);
    return link?.real === undefined ? path : this.#place(link.real);
  }

  /** For symbolic links only: fast-glob stats nothing else. Throws where a link is not followed, which leaves it a link. */
  readonly statSync = (path: string): Stats => {
    if (!this.#follow(path).isFollowed) throw Object.assign(new Error('not followed'), { code: 'ENOENT' });
    return statSync(path);
  };

  readonly readdirSync = (path: string): Dirent[] => {
    const bytes = this.#invalid.get(path);
    if (bytes !== undefined) throw invalidName(dirname(path), bytes);
    const isBehindLink = this.#folderLinks.some((link) => isWithin(link, path));
    this.#watch(isBehindLink ? (realOf(path) ?? path) : path);
    let entries: Dirent[];
    try {
      entries = readdirSync(path, { withFileTypes: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw environmentError(`list folder "${printable(path)}"`, error);
    }
    expectObjects(entries.length);
    const invalid = invalidNames(
      entries.map((entry) => entry.name),
      () => readdirSync(path, { encoding: 'buffer' }),
    );
    for (const [name, exact] of invalid) this.#invalid.set(join(path, name), exact);
    return entries;
  };

  #follow(path: string) {
    let link = this.#links.get(path);
    if (link !== undefined) return link;
    this.#watch(path);
    const real = realOf(path);
    const isFolder = real !== undefined && lstatSync(real).isDirectory();
    const isFollowed = real !== undefined && isWithin(this.#root, real) && !(isFolder && this.#isAbove(real, path));
    link = { real, isFolder, isFollowed };
    this.#links.set(path, link);
    if (isFolder && isFollowed) this.#folderLinks.push(path);
    return link;
  }

  // Whether a folder that leads to `path`, by any link on the way, is `real` or lies below it: following would never end.
  #isAbove(real: string, path: string): boolean {
    for (let folder = dirname(path); isWithin(this.#workspaceRoot, folder); folder = dirname(folder)) {
      if (isWithin(real, realOf(folder) ?? folder)) return true;
      if (folder === dirname(folder)) break;
    }
    return false;
  }

  #unusable(name: string, path: string): OcidslError {
    const { real, isFolder } = this.#follow(path);
    const target = readlinkSync(path);
    if (real === undefined) return unusableLink(name, target, 'it leads nowhere', 'an existing file');
    if (isWithin(this.#root, real) && isFolder) return unusableLink(name, target, 'it leads to a folder above itself', 'another folder');
    return unusableLink(name, target, 'it leads out of the workspace', 'a file of the workspace');
  }

  #watch(path: string): void {
    this.watched.add(this.#place(path));
  }

  // Real paths begin with the real root.
  #place(path: string): string {
    return workspacePath(isWithin(this.#workspaceRoot, path) ? this.#workspaceRoot : this.#root, path);
  }
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
