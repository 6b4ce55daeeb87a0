// The names of config files, and which package a config file belongs to.
import { statSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';

/** File names of configs, in order of preference: the first that exists in a folder is its config. */
export const CONFIG_FILE_NAMES: readonly string[] = ['build.config.ts', 'build.config.mts', 'build.config.js', 'build.config.mjs'];

/** Path of the config of a folder; undefined where there is none. */
export function configFileIn(folder: string): string | undefined {
  for (const name of CONFIG_FILE_NAMES) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  }
  return undefined;
}

/** Whether a path is named like a config. */
export function isConfigFile(path: string): boolean {
  return CONFIG_FILE_NAMES.includes(basename(path));
}

/** A path relative to the workspace root, with `/`; undefined outside of the root. The root itself is ''. */
export function workspacePath(root: string, path: string): string | undefined {
  const below = relative(root, path).split(sep).join('/');
  return below === '..' || below.startsWith('../') || below.startsWith('/') || /^[A-Za-z]:/.test(below) ? undefined : below;
}

/** The package of a config file: its folder's path relative to the root; undefined outside of the root. */
export function packageOfConfig(root: string, configFile: string): string | undefined {
  return workspacePath(root, dirname(configFile));
}
