// The state of the git repository around a workspace, from the git program. Read only where a push has tags that ask for it.
import { isOcidslError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { runProcess, type ProcessResult } from '../base/run-process.ts';
import type { GitState } from '../rules/remote-tag.ts';

/** What reading the state needs. */
export interface GitOptions {
  /** The workspace root. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Paths that do not make the state dirty, relative to the root: what the tool itself writes there. */
  readonly ignored: readonly string[];
  readonly signal: AbortSignal;
}

/** The state, and what explains it. */
export interface ReadGitState {
  readonly state: GitState;
  /** Whether commits, and with them tags, may be missing from the clone. */
  readonly isShallow: boolean;
}

/**
 * Reads the state of the commit that is checked out.
 * @throws OCIDSL_GIT_MISSING without a git program; OCIDSL_GIT_STATE outside of a repository, and in one without commits
 */
export async function readGitState(options: GitOptions): Promise<ReadGitState> {
  const excluded = options.ignored.map((path) => `:(exclude,literal)${path}`);
  // One after the other where the first can fail for reasons that all share.
  const status = await git(options, ['status', '--porcelain=v2', '--branch', '--untracked-files=normal', '--', ':/', ...excluded]);
  if (status.exitCode !== 0) throw gitFailure(options, status);
  const lines = status.stdout.toString('utf8').split('\n');
  const header = (name: string) => lines.find((line) => line.startsWith(`# ${name} `))?.slice(name.length + 3);
  const commit = header('branch.oid') ?? '';
  if (!/^[0-9a-f]{40,64}$/.test(commit)) throw stateError(options, 'its git repository has no commit yet', 'Commit something first');
  const [time, tags, shallow] = await Promise.all([
    git(options, ['-c', 'log.showSignature=false', 'log', '-1', '--format=%ct', commit, '--']),
    git(options, ['tag', '--points-at', commit, '--sort=-version:refname']),
    git(options, ['rev-parse', '--is-shallow-repository']),
  ]);
  for (const result of [time, tags, shallow]) if (result.exitCode !== 0) throw gitFailure(options, result);
  const branch = header('branch.head');
  const [tag] = text(tags).split('\n');
  return {
    state: {
      commit,
      shortCommit: commit.slice(0, 7),
      branch: branch === '(detached)' ? undefined : branch,
      tag: tag === '' ? undefined : tag,
      dirty: lines.some((line) => line !== '' && !line.startsWith('# ')) ? '-dirty' : '',
      commitTime: new Date(Number(text(time)) * 1000)
        .toISOString()
        .replace(/\.\d+Z$/, '')
        .replace(/\D/g, ''),
    },
    isShallow: text(shallow) === 'true',
  };
}

async function git({ root, environment, signal }: GitOptions, args: readonly string[]): Promise<ProcessResult> {
  try {
    return await runProcess({
      argv: ['git', ...args],
      cwd: root,
      // Its messages are matched, and reading must not write the index.
      environment: { ...environment, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' },
      signal,
      timeoutMs: 60_000,
    });
  } catch (error) {
    if (!isOcidslError(error) || error.code !== 'OCIDSL_SYSTEM_ENOENT') throw error;
    throw new OcidslError({
      code: 'OCIDSL_GIT_MISSING',
      kind: 'environment',
      message: `Cannot read the git state of "${printable(root)}": there is no program "git" on PATH`,
      hint: 'Install git, or give the tags with --tag',
      cause: error,
    });
  }
}

function gitFailure(options: GitOptions, { stderr, exitCode, timedOut }: ProcessResult): OcidslError {
  const said = stderr.toString('utf8').trim();
  if (said.includes('not a git repository')) {
    return stateError(options, 'it is in no git repository', 'Run "git init" and commit, or give the tags with --tag');
  }
  const is = timedOut ? 'git did not end within 60 s' : `git ended with exit code ${exitCode}`;
  return stateError(options, is, 'Give the tags with --tag if git cannot be used here', said);
}

function stateError({ root }: GitOptions, is: string, hint: string, output?: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GIT_STATE',
    kind: 'environment',
    message: `Cannot read the git state of "${printable(root)}": ${is}, expected a commit that is checked out`,
    hint,
    output: output === undefined || output === '' ? undefined : output,
  });
}

function text({ stdout }: ProcessResult): string {
  return stdout.toString('utf8').trim();
}
