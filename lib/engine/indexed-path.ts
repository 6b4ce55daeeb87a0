// The spelling of paths in the file index and in snapshots.
import { isAbsolute, sep } from 'node:path';

/** The absolute path of one that is relative to the workspace root, or absolute outside of it. */
export function absolutePath(root: string, path: string): string {
  // Not resolve(): paths are in their one spelling, and there may be 100,000 of them.
  return path === '' ? root : isAbsolute(path) ? path : root + sep + path;
}
