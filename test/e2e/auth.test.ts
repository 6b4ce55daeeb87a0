// `ocidsl auth` as a user runs it, and docker-credential-ocidsl-gh as docker, podman and ocidsl start it.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { processesWith } from './machine.ts';
import { has, until, workspace, type Run, type RunOptions, type Workspace } from './rig.ts';
import { runProgram } from './run-program.ts';

const TOKEN = 'gho_c4nary0123456789';
const HELPER = join(import.meta.dirname, '../../bin/docker-credential-ocidsl-gh.js');

/** A home folder with programs of its own, in front of those of the machine. */
class Home {
  readonly ws: Workspace = workspace({});
  readonly bin: string = join(this.ws.home, 'bin');
  readonly config: string = join(this.ws.home, '.docker/config.json');

  constructor(programs: Readonly<Record<string, string>> = {}) {
    mkdirSync(this.bin);
    symlinkSync(process.execPath, join(this.bin, 'node'));
    for (const [name, body] of Object.entries(programs)) {
      writeFileSync(join(this.bin, name), `#!/bin/sh\n${body}\n`);
      chmodSync(join(this.bin, name), 0o755);
    }
  }

  /** Puts our helper on PATH, as `npm install --global ocidsl` does. */
  installHelper(): this {
    symlinkSync(HELPER, join(this.bin, 'docker-credential-ocidsl-gh'));
    return this;
  }

  write(text: string, file = this.config): void {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
  }

  /** `ocidsl auth ARGS`; whatever it prints, the token is not in it. */
  async auth(args: readonly string[], options: RunOptions = {}): Promise<Run> {
    const run = await this.ws.ocidsl(['auth', ...args], {
      ...options,
      env: { PATH: this.path, XDG_RUNTIME_DIR: '/nowhere', ...options.env },
    });
    expect(run.stdout + run.stderr).not.toContain(TOKEN);
    return run;
  }

  get path(): string {
    return `${this.bin}:/usr/bin:/bin`;
  }
}

const GH = `[ "$*" = "auth token --hostname github.com" ] && echo ${TOKEN}`;
const gives = (user: string) => `read -r server; echo '{"Username":"${user}","Secret":"${TOKEN}"}'`;

describe('auth setup', () => {
  it('makes a config for a user who has none, and says how to undo it', async () => {
    const home = new Home({ gh: GH }).installHelper();
    const run = await home.auth(['setup', 'ghcr.io', '--helper', 'ocidsl-gh']);
    expect(run.code).toBe(0);
    expect(run.stdout).toBe(`${home.config}: credHelpers["ghcr.io"] = "ocidsl-gh"\ndocker-credential-ocidsl-gh answers for ghcr.io\n`);
    expect(run.stderr).toContain('ocidsl auth setup ghcr.io --remove');
    expect(run.stderr).not.toContain('not on PATH');
    expect(JSON.parse(readFileSync(home.config, 'utf8'))).toEqual({ credHelpers: { 'ghcr.io': 'ocidsl-gh' } });
    expect(readdirSync(dirname(home.config))).toEqual(['config.json']);
  });

  it('keeps everything else of a config, keeps the old one beside it, does nothing twice, and goes back', async () => {
    const home = new Home({ gh: GH }).installHelper();
    const old = '{\n    "auths": { "other.io": { "auth": "dTpw" } },\n    "HttpHeaders": { "n": 12345678901234567890 }\n}\n';
    home.write(old);
    const run = await home.auth(['setup', 'ghcr.io', '--helper', 'docker-credential-ocidsl-gh']);
    expect(run.stdout).toContain(`the file as it was: ${home.config}.backup-1\n`);
    const edited = readFileSync(home.config, 'utf8');
    expect(edited).toBe(`${old.slice(0, -3)},\n    "credHelpers": {\n        "ghcr.io": "ocidsl-gh"\n    }\n}\n`);
    expect(readFileSync(`${home.config}.backup-1`, 'utf8')).toBe(old);
    const again = await home.auth(['setup', 'ghcr.io', '--helper', 'ocidsl-gh', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ changed: false, previous: 'ocidsl-gh', check: { result: 'answers' } });
    expect(readFileSync(home.config, 'utf8')).toBe(edited);
    const removed = await home.auth(['setup', 'ghcr.io', '--remove', '--json']);
    expect(JSON.parse(removed.stdout)).toMatchObject({ changed: true, previous: 'ocidsl-gh', backup: `${home.config}.backup-2` });
    expect(readFileSync(home.config, 'utf8')).toBe(old);
    expect((await home.auth(['setup', 'ghcr.io', '--remove'])).stdout).toBe(`${home.config} has no credHelpers["ghcr.io"]\n`);
    expect(readdirSync(dirname(home.config)).sort()).toEqual(['config.json', 'config.json.backup-1', 'config.json.backup-2']);
  });

  it('edits the config that DOCKER_CONFIG names, with the key that docker has for Docker Hub', async () => {
    const home = new Home({ 'docker-credential-x': gives('u') });
    const run = await home.auth(['setup', 'docker.io', '--helper', 'x'], { env: { DOCKER_CONFIG: join(home.ws.home, 'other') } });
    expect(run.code).toBe(0);
    const config: unknown = JSON.parse(readFileSync(join(home.ws.home, 'other/config.json'), 'utf8'));
    expect(config).toEqual({ credHelpers: { 'https://index.docker.io/v1/': 'x' } });
    expect(existsSync(home.config)).toBe(false);
  });

  it.each(['{ "auths": ', '[]', TOKEN, '{"credHelpers":[]}'])('does not touch %j', async (text) => {
    const home = new Home({ 'docker-credential-x': gives('u') });
    home.write(text);
    const run = await home.auth(['setup', 'ghcr.io', '--helper', 'x', '--debug']);
    expect(run.code).toBe(4);
    expect(run.stderr).toContain(`Cannot edit "${home.config}"`);
    expect(readFileSync(home.config, 'utf8')).toBe(text);
    expect(readdirSync(dirname(home.config))).toEqual(['config.json']);
  });

  it('refuses a helper that is not there, because it would break docker, and changes nothing', async () => {
    const home = new Home();
    const run = await home.auth(['setup', 'ghcr.io', '--helper', 'gone']);
    expect([run.code, run.stdout]).toEqual([4, '']);
    expect(run.stderr).toContain('no docker-credential-gone on PATH');
    expect(existsSync(home.config)).toBe(false);
  });

  it.each([
    ['has nothing', 'echo "credentials not found in native keychain"; exit 1', 'has no credentials for h.io yet'],
    ['fails', `echo ${TOKEN}; echo "it is locked" >&2; exit 1`, 'ended with exit code 1 (it is locked)'],
    ['prints garbage', `echo ${TOKEN}`, 'printed no JSON with Username and Secret'],
  ])('says so where the helper %s', async (_, body, message) => {
    const home = new Home({ 'docker-credential-x': body });
    const run = await home.auth(['setup', 'h.io', '--helper', 'x']);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain(message);
  });

  it('says so where another place comes first', async () => {
    const home = new Home({ 'docker-credential-x': gives('u') });
    const first = join(home.ws.home, 'first.json');
    home.write(JSON.stringify({ auths: { 'h.io': { auth: Buffer.from(`me:${TOKEN}`).toString('base64') } } }), first);
    const run = await home.auth(['setup', 'h.io', '--helper', 'x'], { env: { REGISTRY_AUTH_FILE: first } });
    expect(run.stdout).toContain(`but auths["h.io"] of ${first} ($REGISTRY_AUTH_FILE) comes first`);
  });

  it('says that docker will not find our helper where npm has not put it on PATH; ocidsl does', async () => {
    const home = new Home({ gh: GH });
    const run = await home.auth(['setup', 'ghcr.io', '--helper', 'ocidsl-gh']);
    expect(run.stdout).toContain('docker-credential-ocidsl-gh answers for ghcr.io');
    expect(run.stderr).toContain('npm install --global ocidsl');
  });

  it.each([
    [['setup', 'ghcr.io'], 'no helper is named'],
    [['setup', 'ghcr.io', '--helper', 'x', '--remove'], 'expected --helper or --remove'],
    [['setup', 'ghcr.io', '--helper', '../x'], 'expected NAME of a program'],
    [['setup', 'https://ghcr.io', '--helper', 'x'], 'it is not a registry'],
    [['setup', 'ghcr.io/acme', '--helper', 'x'], 'it is not a registry'],
    [['setup', 'acme', '--helper', 'x'], 'it is not a registry'],
    [['explain', 'ghcr.io/UPPER'], 'upper-case'],
    [['explain'], 'missing required argument'],
    [['nonsense'], 'unknown command'],
  ])('%j is a wrong use', async (args, message) => {
    const run = await new Home().auth(args);
    expect([run.code, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toContain(message);
  });
});

describe('auth explain', () => {
  it('says which file, key and helper are used, and why the others are not', async () => {
    const home = new Home({ gh: GH }).installHelper();
    const podman = join(home.ws.home, '.config/containers/auth.json');
    home.write('{"credHelpers":{"ghcr.io":"ocidsl-gh"}}');
    home.write(JSON.stringify({ auths: { 'ghcr.io': { auth: Buffer.from(`me:${TOKEN}`).toString('base64') } } }), podman);
    const run = await home.auth(['explain', 'ghcr.io/acme/x:1']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout.replaceAll(/ {2,}/g, '  ').split('\n')).toEqual([
      `1. ${home.config}  credHelpers["ghcr.io"]: docker-credential-ocidsl-gh gave user "x-access-token" with a password`,
      '2. /nowhere/containers/auth.json  not looked at',
      `3. ${podman}  not looked at`,
      `4. ${home.ws.home}/.dockercfg  not looked at`,
      `credentials of ghcr.io/acme/x: docker-credential-ocidsl-gh (credHelpers["ghcr.io"] of ${home.config})`,
      '',
    ]);
    const loggedOut = await home.auth(['explain', 'ghcr.io'], { env: { PATH: join(home.bin, '..', 'none') } });
    expect(loggedOut.stdout).toContain('there is no gh on PATH');
    expect(loggedOut.stdout).toContain(`credentials of ghcr.io: auths["ghcr.io"] of ${podman}`);
  });

  it('prints the same as JSON', async () => {
    const home = new Home();
    home.write(JSON.stringify({ auths: { 'h.io/ns': { identitytoken: TOKEN } } }));
    const run = await home.auth(['explain', '--json', 'h.io/ns/app']);
    expect(JSON.parse(run.stdout)).toMatchObject({
      registry: 'h.io',
      repository: 'ns/app',
      anonymous: false,
      source: `auths["h.io/ns"] of ${home.config}`,
      steps: [{ result: 'used', key: 'auths["h.io/ns"]', outcome: 'auths["h.io/ns"]: an identity token' }, {}, {}, {}],
    });
  });

  it('concludes with anonymous access where there is nothing', async () => {
    const run = await new Home().auth(['explain', 'hello']);
    expect(run.stdout).toMatch(/credentials of docker\.io\/library\/hello: none: access is anonymous\n$/);
  });
});

describe('docker-credential-ocidsl-gh', () => {
  it('answers as a program: JSON on stdout, its messages on both outputs', async () => {
    const home = new Home({ gh: GH }).installHelper();
    const ask = async (action: string, input: string, path = home.path) => {
      const child = spawn(join(home.bin, 'docker-credential-ocidsl-gh'), [action], { env: { PATH: path, HOME: home.ws.home } });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      child.stdin.end(input);
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
      return { code, stdout, stderr };
    };
    const got = await ask('get', 'ghcr.io');
    expect(got).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(got.stdout)).toEqual({ ServerURL: 'ghcr.io', Username: 'x-access-token', Secret: TOKEN });
    expect(await ask('get', 'h.io')).toEqual({ code: 1, stdout: 'credentials not found in native keychain\n', stderr: '' });
    expect(await ask('get', 'x'.repeat(200_000))).toMatchObject({ code: 1, stdout: 'credentials not found in native keychain\n' });
    const stored = await ask('store', '{"ServerURL":"ghcr.io","Username":"u","Secret":"s"}');
    expect(stored).toMatchObject({ code: 1, stdout: stored.stderr });
  });

  it('ends gh when it is told to end', async () => {
    const home = new Home({ gh: 'exec sleep 86399.5' }).installHelper();
    const child = spawn(join(home.bin, 'docker-credential-ocidsl-gh'), ['get'], {
      env: { PATH: home.path },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.end('ghcr.io');
    const ended = new Promise((resolve) => child.on('close', resolve));
    await until('gh runs', () => processesWith('sleep 86399.5').length > 0);
    child.kill('SIGTERM');
    expect(await ended).toBe(1);
    await until('gh is gone', () => processesWith('sleep 86399.5').length === 0);
  });

  it.skipIf(!has('skopeo'))("gives skopeo, and podman by the same library, the user's name (needs skopeo)", async () => {
    const home = new Home({ gh: GH }).installHelper();
    home.write('{"credHelpers":{"ghcr.io":"ocidsl-gh"}}');
    const env = { PATH: home.path, HOME: home.ws.home, XDG_RUNTIME_DIR: '/nowhere' };
    const run = await runProgram('skopeo', ['login', '--get-login', 'ghcr.io'], { env });
    expect(run).toMatchObject({ code: 0, stdout: 'x-access-token\n' });
  });

  it.skipIf(!has('docker'))('refuses what docker wants to store and erase, and docker shows why (needs docker)', async () => {
    const home = new Home({ gh: GH }).installHelper();
    home.write('{"credHelpers":{"ghcr.io":"ocidsl-gh"}}');
    const docker = process.env['PATH']!.split(':').find((folder) => existsSync(join(folder, 'docker')))!;
    const env = { PATH: `${home.path}:${docker}`, HOME: home.ws.home };
    const run = await runProgram('docker', ['logout', 'ghcr.io'], { env });
    expect(run.stdout + run.stderr).toContain('keeps no credentials of its own');
  });

  it.skipIf(!has('gh'))('takes the token of the real gh (needs gh)', async () => {
    const gh = process.env['PATH']!.split(':').find((folder) => existsSync(join(folder, 'gh')))!;
    const home = new Home();
    mkdirSync(join(home.ws.home, '.config/gh'), { recursive: true });
    writeFileSync(join(home.ws.home, '.config/gh/hosts.yml'), `github.com:\n  user: octo\n  oauth_token: ${TOKEN}\n`);
    const env = { PATH: `${home.path}:${gh}` };
    const run = await home.auth(['setup', 'ghcr.io', '--helper', 'ocidsl-gh'], { env });
    expect(run.stdout).toContain('docker-credential-ocidsl-gh answers for ghcr.io');
    writeFileSync(join(home.ws.home, '.config/gh/hosts.yml'), '');
    const loggedOut = await home.auth(['explain', 'ghcr.io'], { env });
    expect(loggedOut.stdout).toContain('gh auth login --hostname github.com');
    expect((await home.auth(['explain', 'ghcr.io'], { env: { ...env, GITHUB_TOKEN: TOKEN } })).stdout).toContain(
      'gave user "x-access-token"',
    );
  });
});
