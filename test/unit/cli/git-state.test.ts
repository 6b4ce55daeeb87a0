// The git state of real repositories: committed, dirty, tagged, detached, shallow, empty, none, and without git.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readGitState } from '../../../lib/cli/git-state.ts';
import { isInstalled } from '../../conformance/real-registries.ts';

const HAS_GIT = isInstalled('git');
const PATH = process.env['PATH'];
// Nothing of the user's own configuration.
const environment = (folder: string) => ({ PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_CEILING_DIRECTORIES: folder });

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ocidsl-git-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A repository, `git` in it, and its state. */
function repository() {
  const folder = temporaryFolder();
  const root = join(folder, 'ws');
  mkdirSync(root);
  const at = (cwd: string, ...args: string[]) => {
    const who = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' };
    const when = { GIT_AUTHOR_DATE: '2024-05-06T07:08:09+02:00', GIT_COMMITTER_DATE: '2024-05-06T07:08:09+02:00' };
    const env = { ...environment(folder), ...who, ...when };
    return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  };
  const git = (...args: string[]) => at(root, ...args);
  git('init', '-q', '-b', 'main');
  const commit = (text: string) => {
    writeFileSync(join(root, 'a.txt'), text);
    git('add', 'a.txt');
    git('commit', '-q', '-m', text);
  };
  const state = async (cwd = root, ignored: readonly string[] = ['ocidsl-out']) =>
    await readGitState({ root: cwd, environment: environment(folder), ignored, signal: new AbortController().signal });
  return { folder, root, at, git, commit, state };
}

describe.skipIf(!HAS_GIT)(`the git state${HAS_GIT ? '' : ' (needs git)'}`, () => {
  it('is that of the commit that is checked out', async () => {
    const { git, commit, state } = repository();
    commit('one');
    const { state: read, isShallow } = await state();
    const full = git('rev-parse', 'HEAD');
    expect(read).toEqual({
      commit: full,
      shortCommit: full.slice(0, 7),
      branch: 'main',
      tag: undefined,
      dirty: '',
      commitTime: '20240506050809',
    });
    expect(isShallow).toBe(false);
  });

  it.each<[string, (root: string) => void]>([
    ['a changed file', (root) => writeFileSync(join(root, 'a.txt'), 'changed')],
    ['a new file', (root) => writeFileSync(join(root, 'b.txt'), 'new')],
  ])('is dirty with %s', async (_, change) => {
    const { root, commit, state } = repository();
    commit('one');
    change(root);
    expect((await state()).state.dirty).toBe('-dirty');
  });

  it('is dirty where a file outside of the workspace changed, as it may be a part of it', async () => {
    const { root, commit, state } = repository();
    commit('one');
    mkdirSync(join(root, 'sub'));
    writeFileSync(join(root, 'a.txt'), 'changed');
    expect((await state(join(root, 'sub'))).state.dirty).toBe('-dirty');
  });

  it('is clean with ignored files and with outputs of the tool', async () => {
    const { root, commit, state } = repository();
    writeFileSync(join(root, '.git/info/exclude'), '*.log\n');
    commit('one');
    mkdirSync(join(root, 'ocidsl-out/x'), { recursive: true });
    writeFileSync(join(root, 'ocidsl-out/x/index.json'), '{}');
    writeFileSync(join(root, 'x.log'), '');
    expect((await state()).state.dirty).toBe('');
    expect((await state(root, [])).state.dirty).toBe('-dirty');
  });

  it('has the highest version of several tags, and none of another commit', async () => {
    const { git, commit, state } = repository();
    commit('one');
    for (const tag of ['v1.9.0', 'v1.10.0', 'v1.2.0']) git('tag', tag);
    git('tag', '-a', '-m', 'annotated', 'v1.11.0');
    expect((await state()).state.tag).toBe('v1.11.0');
    commit('two');
    expect((await state()).state.tag).toBeUndefined();
  });

  it('has no branch where a commit is checked out', async () => {
    const { git, commit, state } = repository();
    commit('one');
    git('checkout', '-q', '--detach');
    expect((await state()).state.branch).toBeUndefined();
  });

  it('knows a shallow clone', async () => {
    const { folder, root, at, commit, state } = repository();
    commit('one');
    commit('two');
    at(folder, 'clone', '-q', '--depth=1', `file://${root}`, 'clone');
    expect(await state(join(folder, 'clone'))).toMatchObject({ isShallow: true, state: { branch: 'main', dirty: '' } });
  });

  it('does not write the index', async () => {
    const { root, git, commit, state } = repository();
    commit('one');
    git('update-index', '--refresh');
    execFileSync('touch', ['-d', '2001-01-01', join(root, 'a.txt')]);
    const before = git('rev-parse', '--git-path', 'index');
    const stamp = () => execFileSync('stat', ['-c', '%y %i', join(root, before)], { encoding: 'utf8' });
    const old = stamp();
    expect((await state()).state.dirty).toBe('');
    expect(stamp()).toBe(old);
  });

  it('is an error without a commit', async () => {
    const { state } = repository();
    await expect(state()).rejects.toMatchObject({
      code: 'OCIDSL_GIT_STATE',
      kind: 'environment',
      message: expect.stringContaining('has no commit yet, expected a commit that is checked out') as string,
    });
  });

  it('is an error outside of a repository', async () => {
    const { folder, state } = repository();
    mkdirSync(join(folder, 'else'));
    await expect(state(join(folder, 'else'))).rejects.toMatchObject({
      code: 'OCIDSL_GIT_STATE',
      message: expect.stringContaining('it is in no git repository') as string,
      hint: expect.stringContaining('--tag') as string,
    });
  });

  it('shows what git says where it fails otherwise', async () => {
    const { root, commit, state } = repository();
    commit('one');
    writeFileSync(join(root, '.git/config'), '[core\n');
    await expect(state()).rejects.toMatchObject({ code: 'OCIDSL_GIT_STATE', output: expect.stringContaining('bad config') as string });
  });
});

it('is an error that says so where there is no git', async () => {
  const root = temporaryFolder();
  const read = readGitState({ root, environment: { PATH: root }, ignored: [], signal: new AbortController().signal });
  await expect(read).rejects.toMatchObject({
    code: 'OCIDSL_GIT_MISSING',
    kind: 'environment',
    message: `Cannot read the git state of "${root}": there is no program "git" on PATH`,
  });
});
