// Where a source file lands in an archive: rules_pkg's strip_prefix, remap_paths and package_dir.

/** The attributes that decide it. */
export interface PathMapping {
  readonly stripPrefix: string | undefined;
  readonly remapPaths: readonly (readonly [from: string, to: string])[];
  readonly packageDir: string;
}

/**
 * The path in the archive of a file. `path` and `folders` are relative to the workspace root; a file below one of `folders` (a
 * folder that was named as a source) keeps its place in that folder.
 */
export function archivePath(path: string, packageName: string, folders: readonly string[], mapping: PathMapping): string {
  return inPackageDir(remap(strip(path, packageName, folders, mapping.stripPrefix), mapping.remapPaths), mapping.packageDir);
}

/** A path below `packageDir`, which is applied last. */
export function inPackageDir(path: string, packageDir: string): string {
  const folder = clean(packageDir);
  const inside = clean(path);
  return folder === '' || inside === '' ? folder + inside : `${folder}/${inside}`;
}

function strip(path: string, packageName: string, folders: readonly string[], stripPrefix: string | undefined): string {
  if (stripPrefix === undefined) {
    const folder = folders.find((each) => path === each || path.startsWith(each === '' ? '' : `${each}/`));
    return path.slice(path.lastIndexOf('/', folder === undefined ? undefined : Math.max(folder.length - 1, 0)) + 1);
  }
  const prefix = clean(stripPrefix.startsWith('/') || packageName === '' ? stripPrefix : `${packageName}/${stripPrefix}`);
  if (prefix === '') return path;
  return path === prefix ? path.slice(path.lastIndexOf('/') + 1) : path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : path;
}

function remap(path: string, remapPaths: readonly (readonly [string, string])[]): string {
  const absolute = `/${path}`;
  for (const [from, to] of remapPaths) {
    const prefix = from.startsWith('/') ? from : `/${from}`;
    if (absolute.startsWith(prefix)) return to + absolute.slice(prefix.length);
  }
  return path;
}

const EMPTY_SEGMENT = /(?:^|\/)\.?(?:\/|$)/;

/** The path without empty and `.` segments, and so without a slash at either end. */
export function clean(path: string): string {
  // Nearly every one of 100,000 paths is clean.
  if (!EMPTY_SEGMENT.test(path)) return path;
  return path
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.')
    .join('/');
}
