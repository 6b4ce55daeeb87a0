// Which shapes of actions have ever been cached here. A shape is an action without the contents of its inputs: the digest
// of command, spec and the list of (path, size, executable). Where a shape is known, the action may well be a hit, and its
// inputs are hashed before it runs; where it is not, they are hashed while it runs.
//
// One empty file each, not one growing file: nothing to load at start, nothing to lock, nothing that a crash can tear, and
// a gc can drop single ones by age. The index may be lost or incomplete at any time: a false "no" only means that input
// digests are computed during the run instead of before it, a false "yes" the reverse. It never decides a result.
import { closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makingDirectory } from './temporary-files.ts';
import type { DiskLayout } from './disk-layout.ts';

/** The shapes known to one cache directory. */
export class ShapeIndex {
  readonly #layout: DiskLayout;
  readonly #directoryMode: number;

  constructor(layout: DiskLayout, options: { readonly directoryMode?: number } = {}) {
    this.#layout = layout;
    this.#directoryMode = options.directoryMode ?? 0o700;
  }

  /** Whether the shape (64 lower-case hex digits) has been added. Throws OCIDSL_DIGEST_SYNTAX. */
  has(shapeHash: string): boolean {
    const path = this.#layout.shape(shapeHash);
    try {
      return statSync(path, { throwIfNoEntry: false }) !== undefined;
    } catch {
      return false;
    }
  }

  /** Adds a shape, if the directory can be written. Throws OCIDSL_DIGEST_SYNTAX. */
  add(shapeHash: string): void {
    const path = this.#layout.shape(shapeHash);
    try {
      closeSync(makingDirectory(dirname(path), this.#directoryMode, () => openSync(path, 'a', 0o444)));
    } catch {
      // It is there already, or is not kept: see above.
    }
  }
}
