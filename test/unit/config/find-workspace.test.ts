// findWorkspace(): which folder is the root, and which package a folder is in.
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { isOcidslError } from '../../../lib/base/errors.ts';
import { findWorkspace } from '../../../lib/config/find-workspace.ts';
import { temporaryFolder, writeFiles } from './fixture/workspace-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let count = 0;
const files = (content: Record<string, string>): string => writeFiles(join(folder.path, String(count++)), content);

it('takes the folder with a config and a lock', () => {
  const root = files({ 'build.config.ts': '', 'ocidsl.lock.json': '{}', 'apps/hello/build.config.mts': '', 'apps/hello/cmd/x.go': '' });
  expect(findWorkspace(root)).toEqual({ root, packageOfCwd: '' });
  expect(findWorkspace(join(root, 'apps'))).toEqual({ root, packageOfCwd: '' });
  expect(findWorkspace(join(root, 'apps/hello/cmd'))).toEqual({ root, packageOfCwd: 'apps/hello' });
});

it('takes the nearest lock, so that workspaces may lie in one another', () => {
  const outer = files({ 'build.config.ts': '', 'ocidsl.lock.json': '{}', 'inner/build.config.js': '', 'inner/ocidsl.lock.json': '{}' });
  expect(findWorkspace(join(outer, 'inner'))).toEqual({ root: join(outer, 'inner'), packageOfCwd: '' });
});

it('does not take a member of an npm workspace for a workspace', () => {
  const root = files({ 'build.config.ts': '', 'package.json': '{}', 'apps/hello/build.config.ts': '', 'apps/hello/package.json': '{}' });
  expect(findWorkspace(join(root, 'apps/hello'))).toEqual({ root, packageOfCwd: 'apps/hello' });
});

it('does not look above the git repository', () => {
  const above = files({
    'build.config.ts': '',
    'package.json': '{}',
    'repo/images/build.config.ts': '',
    'repo/images/a/build.config.ts': '',
  });
  mkdirSync(join(above, 'repo/.git'));
  expect(findWorkspace(join(above, 'repo/images/a'))).toEqual({ root: join(above, 'repo/images'), packageOfCwd: 'a' });
});

it('takes a .git file beside the config as the end too: a worktree or submodule', () => {
  const above = files({ 'build.config.ts': '', 'sub/build.config.ts': '', 'sub/.git': 'gitdir: ../x' });
  expect(findWorkspace(join(above, 'sub')).root).toBe(join(above, 'sub'));
});

it('takes the outermost config where nothing else tells', () => {
  const root = files({ 'build.config.mjs': '', 'a/b/build.config.ts': '' });
  expect(findWorkspace(join(root, 'a/b'))).toEqual({ root, packageOfCwd: 'a/b' });
});

it('resolves symbolic links once', () => {
  const root = files({ 'build.config.ts': '', 'apps/build.config.ts': '' });
  const link = join(folder.path, `link-${count++}`);
  symlinkSync(root, link);
  expect(findWorkspace(join(link, 'apps'))).toEqual({ root, packageOfCwd: 'apps' });
});

it('ignores a folder with the name of a config', () => {
  const root = files({ 'build.config.ts': '', 'a/build.config.ts/x': '' });
  expect(findWorkspace(join(root, 'a')).packageOfCwd).toBe('');
});

it('says where it looked, and shows a config', () => {
  const empty = files({ '.git/HEAD': '', 'sub/x': '' });
  const error = failureOf(() => findWorkspace(join(empty, 'sub')));
  expect(error).toMatchObject({ code: 'OCIDSL_CONFIG_NOT_FOUND', kind: 'config' });
  expect(error.message).toContain(`"${join(empty, 'sub')}" and the folders above it, up to "${empty}"`);
  expect(error.output).toContain("from 'ocidsl'");
});

it('says that the folder does not exist', () => {
  expect(failureOf(() => findWorkspace(join(folder.path, 'nowhere')))).toMatchObject({ kind: 'environment' });
});

function failureOf(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (isOcidslError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
