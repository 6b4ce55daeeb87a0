// Where credentials come from, in which order, and that they are never shown.
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { matchAuthFile, normalizeAuthKey, parseAuthFile } from '../../../lib/registry/auth-file.ts';
import { askCredentialHelper } from '../../../lib/registry/credential-helper.ts';
import { createCredentialStore } from '../../../lib/registry/credentials.ts';
import { Secret } from '../../../lib/registry/secret.ts';
import { failureOf, rawServer, temporaryFolder } from './rig.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const auths = (entries: Record<string, string>) => ({
  auths: Object.fromEntries(Object.entries(entries).map(([key, user]) => [key, { auth: base64(`${user}:pass-${user}`) }])),
});

async function home(files: Record<string, unknown>) {
  const folder = await temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder.path, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    if (path.startsWith('bin/')) await chmod(file, 0o755);
  }
  const environment = { HOME: folder.path, XDG_RUNTIME_DIR: join(folder.path, 'run'), PATH: `${join(folder.path, 'bin')}:/usr/bin:/bin` };
  return { ...folder, environment };
}

async function userFor(environment: Record<string, string>, registry: string, repository = 'a') {
  const found = await createCredentialStore(environment).find({ registry, repository });
  return found.credential?.type === 'password' ? found.credential.username : found.credential?.type;
}

describe('precedence', () => {
  it('A8 is OCIDSL_AUTH_FILE, REGISTRY_AUTH_FILE, DOCKER_AUTH_CONFIG, docker, podman run, podman config, dockercfg', async () => {
    await using folder = await home({
      'ocidsl.json': auths({ 'h.io': 'ocidsl' }),
      'registry.json': auths({ 'h.io': 'registry' }),
      '.docker/config.json': auths({ 'h.io': 'docker' }),
      'other/config.json': auths({ 'h.io': 'dockerconfig' }),
      'run/containers/auth.json': auths({ 'h.io': 'run' }),
      '.config/containers/auth.json': auths({ 'h.io': 'config' }),
      '.dockercfg': auths({ 'h.io': 'dockercfg' }).auths,
    });
    const path = (name: string) => join(folder.path, name);
    const environment: Record<string, string> = {
      ...folder.environment,
      OCIDSL_AUTH_FILE: path('ocidsl.json'),
      REGISTRY_AUTH_FILE: path('registry.json'),
      DOCKER_AUTH_CONFIG: JSON.stringify(auths({ 'h.io': 'inline' })),
      DOCKER_CONFIG: path('other'),
    };
    const order: unknown[] = [];
    const steps: [string, string | undefined][] = [
      ['OCIDSL_AUTH_FILE', undefined],
      ['REGISTRY_AUTH_FILE', undefined],
      ['DOCKER_AUTH_CONFIG', undefined],
      ['DOCKER_CONFIG', path('empty')],
      ['DOCKER_CONFIG', undefined],
      ['DOCKER_CONFIG', path('empty')],
      ['XDG_RUNTIME_DIR', path('empty')],
      ['XDG_CONFIG_HOME', path('empty')],
    ];
    order.push(await userFor(environment, 'h.io'));
    for (const [name, value] of steps) {
      if (value === undefined) delete environment[name];
      else environment[name] = value;
      order.push(await userFor(environment, 'h.io'));
    }
    expect(order).toEqual(['ocidsl', 'registry', 'inline', 'dockerconfig', 'run', 'docker', 'run', 'config', 'dockercfg']);
  });

  it('A8 goes on to the next file where one has no entry', async () => {
    await using folder = await home({
      '.docker/config.json': auths({ 'other.io': 'x' }),
      'run/containers/auth.json': auths({ 'h.io': 'podman' }),
    });
    expect(await userFor(folder.environment, 'h.io')).toBe('podman');
    expect(await userFor(folder.environment, 'unknown.io')).toBeUndefined();
  });

  it('A8 takes the most specific path', async () => {
    await using folder = await home({ 'run/containers/auth.json': auths({ 'h.io': 'host', 'h.io/ns': 'ns', 'h.io/ns/app': 'app' }) });
    const of = (repository: string) => userFor(folder.environment, 'h.io', repository);
    expect([await of('ns/app'), await of('ns/app/x'), await of('ns/other'), await of('nsx/app'), await of('x')]).toEqual([
      'app',
      'app',
      'ns',
      'host',
      'host',
    ]);
  });

  it.each([
    ['https://index.docker.io/v1/', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['docker.io', 'docker.io'],
    ['https://H.io/v2/', 'h.io'],
    ['http://h.io', 'h.io'],
    ['h.io/ns', 'h.io/ns'],
    ['docker.io/acme', 'docker.io/acme'],
    ['h.io/v1/', 'h.io'],
  ])('A8 reads the key %s as %s', (key, scope) => expect(normalizeAuthKey(key)).toBe(scope));

  it('A8 asks the helper of the host, then the store; entries are no fallback for either', () => {
    const text = JSON.stringify({
      ...auths({ 'a.io': 'u', 'b.io': 'u', 'c.io': 'u' }),
      credHelpers: { 'a.io': 'one', 'c.io': '' },
      credsStore: 'store',
    });
    const docker = parseAuthFile(text, 'f', 'docker');
    const match = (file: typeof docker, registry: string) => matchAuthFile(file, { registry, repository: 'x' });
    expect(match(docker, 'a.io')).toMatchObject({ type: 'helper', helper: 'one', serverUrl: 'a.io' });
    expect(match(docker, 'b.io')).toMatchObject({ type: 'helper', helper: 'store' });
    expect(match(docker, 'c.io')).toMatchObject({ type: 'entry', key: 'auths["c.io"]' });
    expect(match(docker, 'docker.io')).toMatchObject({ type: 'helper', serverUrl: 'https://index.docker.io/v1/' });
    const podman = parseAuthFile(text, 'f', 'podman');
    expect(match(podman, 'b.io')).toMatchObject({ type: 'entry' });
    expect(match(podman, 'docker.io')).toBeUndefined();
  });

  const podman = spawnSync('podman', ['--version']).status === 0;
  it.skipIf(!podman)(
    `A8 finds what podman login wrote${podman ? '' : ' (skipped: podman is not installed)'}`,
    { timeout: 60_000 },
    async () => {
      await using registry = await rawServer((request, response) => {
        if (request.headers.authorization === `Basic ${base64('me:s3cret')}`) return response.end('{}');
        return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      });
      await using folder = await home({});
      const { spawn } = await import('node:child_process');
      const login = spawn('podman', ['login', '--tls-verify=false', '-u', 'me', '--password-stdin', registry.host], {
        env: { ...folder.environment, REGISTRY_AUTH_FILE: join(folder.path, 'auth.json') },
      });
      login.stdin.end('s3cret');
      expect(await new Promise((resolve) => login.once('close', resolve))).toBe(0);
      expect(await userFor({ REGISTRY_AUTH_FILE: join(folder.path, 'auth.json'), HOME: folder.path }, registry.host)).toBe('me');
    },
  );
});

describe('files', () => {
  const find = (entry: unknown) =>
    matchAuthFile(parseAuthFile(JSON.stringify({ auths: { 'h.io': entry } }), 'f', 'docker'), { registry: 'h.io', repository: 'a' });
  const password = (entry: unknown) => {
    const match = find(entry);
    return match?.type === 'entry' && match.credential.type === 'password'
      ? [match.credential.username, match.credential.password.reveal()]
      : match;
  };

  it('A9 reads passwords with colons, NUL padding and missing padding', () => {
    expect(password({ auth: base64('u:p:q') })).toEqual(['u', 'p:q']);
    expect(password({ auth: base64('u:p\0\0') })).toEqual(['u', 'p']);
    expect(password({ auth: base64('u:pw').replace(/=+$/, '') })).toEqual(['u', 'pw']);
    expect(password({ username: 'u', password: 'p' })).toEqual(['u', 'p']);
    expect(password({ auth: base64('u:é') })).toEqual(['u', 'é']);
    expect(password({ auth: base64('u:x'), email: 'unknown field' })).toEqual(['u', 'x']);
  });

  it('A9 takes an entry without anything as none', () => {
    for (const entry of [{}, null, 'x', [], { auth: '' }, { username: 'u' }]) expect(find(entry)).toBeUndefined();
  });

  it('A9 reads identity and registry tokens', () => {
    expect(find({ auth: base64('<token>:'), identitytoken: 'i' })).toMatchObject({ credential: { type: 'identity token' } });
    expect(find({ registrytoken: 'r' })).toMatchObject({ credential: { type: 'registry token' } });
  });

  it('A9 refuses an auth that is not user:password, without showing it', () => {
    for (const auth of ['c4nary!!', base64('c4nary'), base64(':c4nary')]) {
      expect(() => find({ auth })).toThrow(/^(?!.*c4nary).*"auth" of "h\.io" is not base64/);
    }
  });

  it('A9 reads empty files and byte order marks, and refuses others without showing them', () => {
    for (const text of ['', '  \n', '\uFEFF{}', '{}', '{"auths":null}', '{"auths":{}}']) {
      expect(parseAuthFile(text, 'f', 'docker').auths.size).toBe(0);
    }
    for (const text of ['c4nary', '[]', '1', '{"c4nary"', 'null']) {
      expect(() => parseAuthFile(text, '/x/config.json', 'docker')).toThrow(/^(?!.*c4nary).*"\/x\/config\.json"/);
    }
  });

  it('A9 goes on past an unreadable file, and reports it', async () => {
    await using folder = await home({ '.docker/config.json': '{', 'run/containers/auth.json': auths({ 'h.io': 'podman' }) });
    const found = await createCredentialStore(folder.environment).find({ registry: 'h.io', repository: 'a' });
    expect(found.source).toBe(`auths["h.io"] of ${folder.path}/run/containers/auth.json`);
    expect(found.problems).toMatchObject([{ code: 'OCIDSL_AUTH_FILE_SYNTAX', kind: 'credentials' }]);
  });

  it('A9 reports OCIDSL_AUTH_FILE where it names nothing', async () => {
    const found = await createCredentialStore({ OCIDSL_AUTH_FILE: '/no/such/file' }).find({ registry: 'h.io', repository: 'a' });
    expect(found.problems).toMatchObject([{ kind: 'credentials' }]);
    expect(found.problems[0]!.message).toContain('/no/such/file ($OCIDSL_AUTH_FILE)');
  });

  it('A9 reads __proto__ as a key like any other', () => {
    const file = parseAuthFile('{"auths":{"__proto__":{"auth":"x"}},"credHelpers":{"constructor":"x"}}', 'f', 'docker');
    expect(matchAuthFile(file, { registry: 'h.io', repository: 'a' })).toBeUndefined();
    expect(({} as Record<string, unknown>)['auth']).toBeUndefined();
  });
});

describe('helpers', () => {
  const script = (body: string) => `#!/bin/sh\nread -r url\n${body}\n`;
  const ask = async (body: string, options: { timeoutMs?: number; noticeAfterMs?: number } = {}) => {
    await using folder = await home({ 'bin/docker-credential-x': script(body) });
    const events: unknown[] = [];
    const emit = (event: unknown) => void events.push(event);
    const request = { helper: 'x', serverUrl: 'h.io', setBy: 'F', environment: folder.environment, emit, ...options };
    return { result: await askCredentialHelper(request).catch((error: unknown) => error), events };
  };

  it('gets the server on stdin, not in its arguments, and gives a password', async () => {
    const { result } = await ask(
      `[ "$*" = get ] && echo "{\\"ServerURL\\":\\"$url\\",\\"Username\\":\\"user-of-$url\\",\\"Secret\\":\\"s\\"}"`,
    );
    expect(result).toMatchObject({ type: 'password', username: 'user-of-h.io' });
  });

  it('A7 gives an identity token for the user <token>', async () => {
    expect((await ask(`echo '{"Username":"<token>","Secret":"s"}'`)).result).toMatchObject({ type: 'identity token' });
  });

  it('A1 names a helper that is not there, and who asked for it', async () => {
    const failure = await failureOf(
      askCredentialHelper({
        helper: 'no-such',
        serverUrl: 'h.io',
        setBy: 'credsStore in F',
        environment: { PATH: '/nowhere' },
        emit: () => undefined,
      }),
    );
    expect(failure).toMatchObject({ code: 'OCIDSL_CREDENTIAL_HELPER_MISSING', kind: 'credentials' });
    expect(`${failure.message} ${failure.hint}`).toMatch(/docker-credential-no-such.*credsStore in F/);
  });

  it('A2 takes "credentials not found in native keychain" as anonymous', async () => {
    expect((await ask('echo "credentials not found in native keychain"; exit 1')).result).toBeUndefined();
  });

  it('A3 shows exit code and stderr, and never stdout', async () => {
    const { result } = await ask('echo c4nary; echo "keychain is locked" >&2; exit 3');
    expect(result).toMatchObject({ code: 'OCIDSL_CREDENTIAL_HELPER_FAILED', kind: 'credentials' });
    expect(String(result)).toMatch(/exit code 3 \(keychain is locked\)/);
    expect(inspect(result)).not.toContain('c4nary');
  });

  it.each([
    ['nothing', ':'],
    ['no JSON', 'echo c4nary'],
    ['JSON of another shape', 'echo "[\\"c4nary\\"]"'],
    ['JSON without Secret', `echo '{"Username":"c4nary"}'`],
    ['numbers', `echo '{"Username":"u","Secret":4}'`],
    ['two megabytes', 'yes c4nary | head -c 2000000'],
    ['binary', 'head -c 1000 /dev/urandom'],
  ])('A4 refuses %s on stdout, without showing it', async (_, body) => {
    const { result } = await ask(body);
    expect(result).toMatchObject({ code: 'OCIDSL_CREDENTIAL_HELPER_FAILED' });
    expect(inspect(result)).not.toContain('c4nary');
  });

  it('A5 is killed when it hangs, with everything that it started, and the user is told meanwhile', async () => {
    const start = performance.now();
    const { result, events } = await ask('sleep 60 & sleep 60', { timeoutMs: 400, noticeAfterMs: 50 });
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(String(result)).toContain('did not answer in 0.4 seconds');
    expect(events).toEqual([{ type: 'note', message: 'Waiting for docker-credential-x (credentials of h.io)' }]);
  });

  it.each(['../x', '/bin/x', 'a b', 'a;b', '', '-x', 'a\nb', '..'])('A6 refuses the name %j', async (helper) => {
    const failure = await failureOf(askCredentialHelper({ helper, serverUrl: 'h.io', setBy: 'F', environment: {}, emit: () => undefined }));
    expect(failure.code).toBe('OCIDSL_CREDENTIAL_HELPER_FAILED');
  });

  it('A1 docker/cli#3996 one broken helper does not hide the next file', async () => {
    await using folder = await home({
      '.docker/config.json': { credHelpers: { 'h.io': 'broken' } },
      'run/containers/auth.json': auths({ 'h.io': 'podman' }),
      'bin/docker-credential-broken': script('exit 9'),
    });
    expect(await userFor(folder.environment, 'h.io')).toBe('podman');
  });
});

describe('explaining', () => {
  it('A10 names every place and the outcome, and never a secret', async () => {
    await using folder = await home({
      '.docker/config.json': { ...auths({ 'h.io/ns': 'me' }), credHelpers: { 'g.io': 'x' } },
      'bin/docker-credential-x': '#!/bin/sh\necho \'{"Username":"it","Secret":"pass-it"}\'\n',
    });
    const store = createCredentialStore(folder.environment);
    const found = await store.find({ registry: 'h.io', repository: 'ns/app' });
    expect(found.steps.at(-1)).toEqual({
      origin: `${folder.path}/.docker/config.json`,
      outcome: 'auths["h.io/ns"]: user "me" with a password',
    });
    const helped = await store.find({ registry: 'g.io', repository: 'a' });
    expect(helped.steps.at(-1)!.outcome).toBe('credHelpers["g.io"]: docker-credential-x gave user "it" with a password');
    for (const text of [inspect([found, helped], { depth: 9, showHidden: true }), JSON.stringify([found, helped])])
      expect(text).not.toMatch(/pass-/);
  });

  it('A10 a Secret shows itself nowhere', () => {
    const secret = new Secret('c4nary');
    expect(
      [String(secret), JSON.stringify({ secret }), inspect({ secret }, { showHidden: true }), String(Object.values(secret))].join(),
    ).not.toContain('c4nary');
    expect(secret.reveal()).toBe('c4nary');
  });
});
