// Where credentials come from, in which order, and that they are never shown.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { matchAuthFile, normalizeAuthKey, parseAuthFile } from '../../../lib/registry/auth-file.ts';
import { askCredentialHelper } from '../../../lib/registry/credential-helper.ts';
import { createCredentialStore } from '../../../lib/registry/credentials.ts';
import { Secret } from '../../../lib/registry/secret.ts';
import { auths, base64, home, userFor } from './credentials-rig.ts';
import { failureOf, rawServer } from './rig.ts';

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

  it('A9 goes on past a file that cannot be read', async () => {
    await using folder = await home({ '.docker/config.json/x': 'a folder', 'run/containers/auth.json': auths({ 'h.io': 'podman' }) });
    const found = await createCredentialStore(folder.environment).find({ registry: 'h.io', repository: 'a' });
    expect(found.source).toContain('run/containers/auth.json');
    expect(found.problems).toMatchObject([{ code: 'OCIDSL_SYSTEM_EISDIR', kind: 'credentials' }]);
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

  it('A5 waits as long as OCIDSL_CREDENTIAL_HELPER_TIMEOUT says', async () => {
    await using folder = await home({ 'bin/docker-credential-x': script('sleep 60') });
    const wait = async (seconds: string) => {
      const environment = { ...folder.environment, OCIDSL_CREDENTIAL_HELPER_TIMEOUT: seconds };
      return await failureOf(askCredentialHelper({ helper: 'x', serverUrl: 'h.io', setBy: 'F', environment, emit: () => undefined }));
    };
    expect((await wait('1')).message).toContain('did not answer in 1 seconds');
    for (const seconds of ['0', '-1', '1.5', 'x', '99999'])
      expect(await wait(seconds)).toMatchObject({ code: 'OCIDSL_USAGE', kind: 'config' });
  });

  it.each(['../x', '/bin/x', 'a b', 'a;b', '', '-x', 'a\nb', '..'])('A6 refuses the name %j', async (helper) => {
    const failure = await failureOf(askCredentialHelper({ helper, serverUrl: 'h.io', setBy: 'F', environment: {}, emit: () => undefined }));
    expect(failure.code).toBe('OCIDSL_CREDENTIAL_HELPER_FAILED');
  });

  it('A1 is noted once where access goes on without credentials, and not where another place has some', async () => {
    await using folder = await home({
      '.docker/config.json': { credHelpers: { 'h.io': 'gone', 'g.io': 'gone' } },
      'run/containers/auth.json': auths({ 'g.io': 'podman' }),
    });
    const notes: unknown[] = [];
    const store = createCredentialStore(folder.environment, (event) => void notes.push(event));
    for (const repository of ['a', 'a', 'b']) await store.find({ registry: 'h.io', repository });
    await store.find({ registry: 'g.io', repository: 'a' });
    expect(notes).toEqual([
      {
        type: 'note',
        message: expect.stringMatching(/^Going on without credentials for h\.io: .*docker-credential-gone.*no such program/),
      },
    ]);
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
    const origins = ['.docker/config.json', 'run/containers/auth.json', '.config/containers/auth.json', '.dockercfg'];
    expect(found.steps.map(({ origin }) => origin)).toEqual(origins.map((path) => join(folder.path, path)));
    expect(found.steps.map(({ result }) => result)).toEqual(['used', 'not reached', 'not reached', 'not reached']);
    expect(found.steps[0]).toMatchObject({ outcome: 'auths["h.io/ns"]: user "me" with a password', key: 'auths["h.io/ns"]' });
    const helped = await store.find({ registry: 'g.io', repository: 'a' });
    expect(helped.steps[0]).toMatchObject({
      outcome: 'credHelpers["g.io"]: docker-credential-x gave user "it" with a password',
      key: 'credHelpers["g.io"]',
      helper: 'docker-credential-x',
    });
    for (const text of [inspect([found, helped], { depth: 9, showHidden: true }), JSON.stringify([found, helped])])
      expect(text).not.toMatch(/pass-/);
  });

  it('names the reason for which each place was passed over', async () => {
    await using folder = await home({
      'ocidsl.json': '{',
      'registry.json': { credHelpers: { 'h.io': 'none' } },
      '.docker/config.json': auths({ 'other.io': 'x' }),
      'bin/docker-credential-none': '#!/bin/sh\necho "credentials not found in native keychain"; exit 1\n',
    });
    const variables = { OCIDSL_AUTH_FILE: join(folder.path, 'ocidsl.json'), REGISTRY_AUTH_FILE: join(folder.path, 'registry.json') };
    const store = createCredentialStore({ ...folder.environment, ...variables, DOCKER_AUTH_CONFIG: '{}' });
    const { source, steps } = await store.find({ registry: 'h.io', repository: 'a' });
    expect(source).toBeUndefined();
    expect(steps.map(({ result, outcome }) => `${result}: ${outcome}`)).toEqual([
      expect.stringMatching(/^failed: Cannot read credentials from ".*ocidsl.json"/),
      'nothing: credHelpers["h.io"]: docker-credential-none has nothing',
      'no entry: no entry for it',
      'no entry: no entry for it',
      'absent: not there',
      'absent: not there',
      'absent: not there',
    ]);
  });

  it.each(['ghp_0123456789', 'github_pat_1', 'glpat-1', 'dckr_pat_1', 'eyJhbGciOi', 'x'.repeat(40), 'a b', 'a\u001b[31m'])(
    'A10 does not show %j, which may be a token in the place of a user name',
    async (username) => {
      const text = JSON.stringify({ auths: { 'h.io': { auth: base64(`${username}:x-oauth-basic`) } } });
      const { steps } = await createCredentialStore({ DOCKER_AUTH_CONFIG: text }).find({ registry: 'h.io', repository: 'a' });
      expect(steps[0]!.outcome).toBe('auths["h.io"]: a user with a password');
    },
  );

  it('A10 a Secret shows itself nowhere', () => {
    const secret = new Secret('c4nary');
    expect(
      [String(secret), JSON.stringify({ secret }), inspect({ secret }, { showHidden: true }), String(Object.values(secret))].join(),
    ).not.toContain('c4nary');
    expect(secret.reveal()).toBe('c4nary');
  });
});
