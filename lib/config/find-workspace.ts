// Finds the workspace that a folder belongs to: its root, and the package of the folder.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { environmentError, OcidslError } from '../base/errors.ts';
import { CONFIG_FILE_NAMES, configFileIn, workspacePath } from './config-file.ts';

/** A workspace, as seen from a folder in it. */
export interface FoundWorkspace {
  /** Absolute path of the folder of the root config, without symbolic links. */
  readonly root: string;
  /** The nearest package at or above the folder: '' is the root package. */
  readonly packageOfCwd: string;
}

/**
 * Finds the workspace of `cwd`. Its root is the nearest folder at or above with a config and one of `ocidsl.lock.json` and
 * `.git`; else, up to the top of the git repository, the outermost folder with a config and a `package.json` (so that a member
 * of an npm workspace is not taken for a workspace of its own); else the outermost with a config.
 * @throws OCIDSL_CONFIG_NOT_FOUND naming the folders looked in
 */
export function findWorkspace(cwd: string): FoundWorkspace {
  let start: string;
  try {
    start = realpathSync(cwd);
  } catch (error) {
    throw environmentError(`open the folder "${cwd}"`, error);
  }
  const searched: string[] = [];
  const withConfig: string[] = [];
  let root: string | undefined;
  for (let folder = start; root === undefined; folder = dirname(folder)) {
    searched.push(folder);
    const repository = existsSync(join(folder, '.git'));
    if (configFileIn(folder) !== undefined) {
      withConfig.push(folder);
      if (repository || existsSync(join(folder, 'ocidsl.lock.json'))) root = folder;
    }
    if (repository || dirname(folder) === folder) break;
  }
  const nearest = withConfig[0];
  if (nearest === undefined) throw notFound(searched);
  root ??= withConfig.findLast((folder) => existsSync(join(folder, 'package.json'))) ?? withConfig[withConfig.length - 1]!;
  // The nearest config may lie above an outermost package.json only where that folder has a config too: root contains nearest.
  return { root, packageOfCwd: workspacePath(root, nearest) ?? '' };
}

function notFound(searched: readonly string[]): OcidslError {
  const [first] = searched;
  const last = searched[searched.length - 1];
  const where = searched.length === 1 ? `"${first}"` : `"${first}" and the folders above it, up to "${last}"`;
  return new OcidslError({
    code: 'OCIDSL_CONFIG_NOT_FOUND',
    message: `Cannot find a workspace: there is no config in ${where}, expected one of ${CONFIG_FILE_NAMES.join(', ')}`,
    hint: 'Run "ocidsl init", or start with a build.config.ts such as the one below',
    output: [
      "import { goBinary } from 'ocidsl';",
      "import { goOciImage } from 'ocidsl/macros';",
      '',
      "const hello_bin = goBinary({ name: 'hello_bin', package: '.' });",
      "goOciImage({ name: 'hello', srcs: [hello_bin], entrypoint: ['/hello_bin'] });",
    ].join('\n'),
  });
}
