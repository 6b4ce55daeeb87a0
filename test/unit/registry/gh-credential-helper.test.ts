// docker-credential-ocidsl-gh: the protocol of credential helpers, and whom gh's token is given to.
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askCredentialHelper } from '../../../lib/registry/credential-helper.ts';
import { answerHelperCall } from '../../../lib/registry/gh-credential-helper.ts';
import { githubHostOf } from '../../../lib/registry/gh-hosts.ts';
import { failureOf, temporaryFolder } from './rig.ts';

const TOKEN = 'gho_c4nary';
const NOT_FOUND = 'credentials not found in native keychain\n';

/** A `gh` that notes its arguments and environment, then does what the body says. */
async function fakeGh(body: string) {
  const folder = await temporaryFolder();
  await mkdir(join(folder.path, 'bin'));
  await writeFile(join(folder.path, 'bin/gh'), `#!/bin/sh\necho "$*" >>"${folder.path}/asked"\nenv >"${folder.path}/env"\n${body}\n`);
  await chmod(join(folder.path, 'bin/gh'), 0o755);
  const asked = async () => await readFile(join(folder.path, 'asked'), 'utf8').catch(() => '');
  const seen = async () => await readFile(join(folder.path, 'env'), 'utf8');
  return { ...folder, asked, seen, environment: { PATH: `${join(folder.path, 'bin')}:/usr/bin:/bin`, HOME: folder.path } };
}

function call(args: readonly string[], environment: Record<string, string>, input = '') {
  return answerHelperCall({ args, environment, input: async () => input, version: '9.9.9' });
}

describe('the host of a registry', () => {
  it.each([
    ['ghcr.io', 'github.com'],
    ['GHCR.io', 'github.com'],
    ['https://ghcr.io', 'github.com'],
    ['https://ghcr.io/v2/', 'github.com'],
    ['docker.pkg.github.com', 'github.com'],
    ['containers.ghe.example.com', 'ghe.example.com'],
    ['docker.ghe.example.com', 'ghe.example.com'],
    ['https://containers.acme.ghe.com', 'acme.ghe.com'],
    ['containers.github.com', undefined],
    ['docker.io', undefined],
    ['https://index.docker.io/v1/', undefined],
    ['containers.localhost', undefined],
    ['containers.example.com:5000', undefined],
    ['ghcr.io.example.com', undefined],
    ['ghcr.io:443', undefined],
    ['ghcr.io@example.com', undefined],
    ['user@ghcr.io', undefined],
    ['http://ghcr.io', undefined],
    ['containers.--hostname', undefined],
    ['', undefined],
  ])('of %j is %j', (serverUrl, host) => expect(githubHostOf(serverUrl)).toBe(host));
});

describe('get', () => {
  it('gives the token of gh for ghcr.io, as JSON', async () => {
    await using gh = await fakeGh(`echo ${TOKEN}`);
    const answer = await call(['get'], gh.environment, 'https://ghcr.io\n');
    expect(answer).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(answer.stdout)).toEqual({ ServerURL: 'https://ghcr.io', Username: 'x-access-token', Secret: TOKEN });
    expect(await gh.asked()).toBe('auth token --hostname github.com\n');
    expect(await gh.seen()).toMatch(/^GH_PROMPT_DISABLED=1$/m);
  });

  it('names the actor in GitHub Actions', async () => {
    await using gh = await fakeGh(`echo ${TOKEN}`);
    expect((await call(['get'], { ...gh.environment, GITHUB_ACTOR: 'octo' }, 'ghcr.io')).stdout).toContain('"Username":"octo"');
  });

  it('says that it has none for other registries, by the exact words of the protocol, without asking gh', async () => {
    await using gh = await fakeGh(`echo ${TOKEN}`);
    expect(await call(['get'], gh.environment, 'registry.example.com')).toEqual({ stdout: NOT_FOUND, stderr: '', exitCode: 1 });
    expect(await gh.asked()).toBe('');
  });

  it('says the same for an Enterprise server that gh does not know: docker.example.com may be anybody', async () => {
    await using gh = await fakeGh('echo "no oauth token" >&2; exit 1');
    expect(await call(['get'], gh.environment, 'docker.example.com')).toEqual({ stdout: NOT_FOUND, stderr: '', exitCode: 1 });
  });

  it('A11 withholds tokens of the environment from hosts that GH_HOST does not name', async () => {
    await using gh = await fakeGh('echo "$GH_TOKEN$GITHUB_TOKEN$GH_ENTERPRISE_TOKEN$GITHUB_ENTERPRISE_TOKEN"');
    const tokens = { GH_TOKEN: TOKEN, GITHUB_TOKEN: TOKEN, GH_ENTERPRISE_TOKEN: TOKEN, GITHUB_ENTERPRISE_TOKEN: TOKEN };
    const environment = { ...gh.environment, ...tokens };
    expect(await call(['get'], environment, 'containers.example.com')).toEqual({ stdout: NOT_FOUND, stderr: '', exitCode: 1 });
    expect(await gh.seen()).not.toContain(TOKEN);
    expect((await call(['get'], { ...environment, GH_HOST: 'example.com' }, 'containers.example.com')).exitCode).toBe(0);
  });

  it.each([
    ['gh is not there', undefined, 'there is no gh on PATH'],
    ['gh is logged out', 'echo "no oauth token" >&2; exit 1', 'gh has none (no oauth token), expected a login by: gh auth login'],
    ['gh is too old', `echo 'unknown command "token" for "gh auth"' >&2; exit 1`, 'expected version 2.17 or later'],
    ['gh prints several lines', `printf '${TOKEN}\\nmore\\n'`, 'gh has none'],
    ['gh prints nothing', ':', 'gh has none'],
  ])('says so on both outputs where %s', async (_, body, message) => {
    await using gh = await fakeGh(body ?? ':');
    const answer = await call(['get'], body === undefined ? { PATH: '/nowhere' } : gh.environment, 'ghcr.io');
    expect(answer.exitCode).toBe(1);
    expect(answer.stdout).toContain(message);
    expect(answer.stderr).toBe(answer.stdout);
    expect(answer.stdout).not.toContain(TOKEN);
  });

  it('needs a server', async () => {
    expect((await call(['get'], {}, ' \n')).stdout).toBe('no credentials server URL\n');
  });
});

describe('the other actions', () => {
  it('lists ghcr.io where gh has a token, and nothing where not', async () => {
    await using gh = await fakeGh(`echo ${TOKEN}`);
    expect(await call(['list'], gh.environment)).toEqual({ stdout: '{"ghcr.io":"x-access-token"}\n', stderr: '', exitCode: 0 });
    expect(await call(['list'], { PATH: '/nowhere' })).toEqual({ stdout: '{}\n', stderr: '', exitCode: 0 });
  });

  it.each([
    ['store', 1, 'gh auth login'],
    ['erase', 1, 'gh auth logout'],
    ['version', 0, 'docker-credential-ocidsl-gh (ocidsl) 9.9.9'],
    ['--version', 0, '9.9.9'],
    ['--help', 0, 'Usage: docker-credential-ocidsl-gh'],
    ['other', 1, 'unknown action: other'],
  ])('answers %s', async (action, exitCode, text) => {
    const answer = await call([action], {});
    expect(answer.exitCode).toBe(exitCode);
    expect(answer.stdout).toContain(text);
  });

  it('wants one action', async () => {
    expect((await call([], {})).stdout).toContain('Usage: ');
    expect((await call(['get', 'x'], {})).exitCode).toBe(1);
  });
});

describe('within ocidsl', () => {
  const ask = (environment: Record<string, string>, serverUrl = 'ghcr.io') =>
    askCredentialHelper({ helper: 'ocidsl-gh', serverUrl, setBy: 'F', environment, emit: () => undefined });

  it('works where its command is not on PATH', async () => {
    await using gh = await fakeGh(`echo ${TOKEN}`);
    const credential = await ask(gh.environment);
    expect(credential?.type === 'password' && credential.password.reveal()).toBe(TOKEN);
    expect(await ask(gh.environment, 'other.io')).toBeUndefined();
    expect(await failureOf(ask({ PATH: '/nowhere' }))).toMatchObject({ code: 'OCIDSL_GH_MISSING', kind: 'credentials' });
  });
});

const hasGh = spawnSync('gh', ['--version']).status === 0;

describe.skipIf(!hasGh)('with the real gh (needs gh)', () => {
  it('gives the token of its file, and that of GH_TOKEN before it', async () => {
    await using home = await temporaryFolder();
    await mkdir(join(home.path, 'gh'));
    await writeFile(
      join(home.path, 'gh/hosts.yml'),
      `github.com:\n  user: octo\n  oauth_token: ${TOKEN}\nghe.example.com:\n  user: octo\n  oauth_token: ent\n`,
    );
    const environment = { PATH: process.env['PATH'] ?? '', HOME: home.path, GH_CONFIG_DIR: join(home.path, 'gh') };
    const secret = async (server: string, more = {}) =>
      JSON.parse((await call(['get'], { ...environment, ...more }, server)).stdout).Secret as string;
    expect(await secret('ghcr.io')).toBe(TOKEN);
    expect(await secret('ghcr.io', { GH_TOKEN: 'other' })).toBe('other');
    expect(await secret('containers.ghe.example.com')).toBe('ent');
    expect(await secret('containers.ghe.example.com', { GH_ENTERPRISE_TOKEN: 'variable' })).toBe('ent');
    expect((await call(['get'], { ...environment, GH_ENTERPRISE_TOKEN: TOKEN }, 'containers.example.org')).stdout).toBe(NOT_FOUND);
  });

  it('says so where it is logged out', async () => {
    await using home = await temporaryFolder();
    const answer = await call(['get'], { PATH: process.env['PATH'] ?? '', HOME: home.path, GH_CONFIG_DIR: home.path }, 'ghcr.io');
    expect(answer.exitCode).toBe(1);
    expect(answer.stderr).toContain('gh auth login --hostname github.com --scopes write:packages');
  });
});
