// Paths as discoveries report them: relative to the workspace root where they lie below it, else absolute.
import { sep } from 'node:path';

/** Whether `path` is `folder` or below it; both absolute. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** An absolute path as DiscoveredFile.path and Discovered.watched want it; '.' for the root itself. */
export function workspacePath(workspaceRoot: string, path: string): string {
  if (!isWithin(workspaceRoot, path)) return path;
  // By length and not by relative(): this is called for every file of a glob.
  const below = path.slice(workspaceRoot.endsWith(sep) ? workspaceRoot.length : workspaceRoot.length + 1);
  return (sep === '/' ? below : below.replaceAll(sep, '/')) || '.';
}
