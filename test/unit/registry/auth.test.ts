// Challenges, tokens and whom credentials are shown to.
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import type { FakeRegistry, FakeRegistryOptions } from '../../../lib/testing/fake-registry.ts';
import { blobOf, failureOf, rawServer, testClient } from './rig.ts';

const OCI = 'application/vnd.oci.image.manifest.v1+json';
const MANIFEST = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI }));
const CANARY = 'c4nary-password';

async function rig(
  options: FakeRegistryOptions,
  entry: object = { auth: Buffer.from(`me:${CANARY}`).toString('base64') },
  extra: Record<string, string> = {},
) {
  const registry = await startFakeRegistry(options);
  registry.storage.putManifest('a', OCI, MANIFEST, 't');
  const environment = {
    DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [registry.host]: entry } }),
    HOME: '/nonexistent',
    XDG_RUNTIME_DIR: '/nonexistent',
    ...extra,
  };
  const client = testClient({ environment });
  const repository = client.repository({ registry: registry.host, repository: 'a' });
  const close = async () => {
    await client.close();
    await registry.close();
  };
  return { registry, client, repository, [Symbol.asyncDispose]: close };
}

const user = { username: 'me', password: CANARY };
const authorizationsOf = (registry: FakeRegistry) =>
  registry.requests.map((request) => String(request.headers['authorization'] ?? '').split(' ')[0]);

describe('Basic', () => {
  it('logs in once and then without being asked', async () => {
    await using test = await rig({ auth: { type: 'basic', ...user } });
    await test.repository.getManifest('t');
    await test.repository.getManifest('t');
    expect(authorizationsOf(test.registry)).toEqual(['', 'Basic', 'Basic']);
  });

  it('A13 says that there are no credentials, and what to run', async () => {
    await using test = await rig({ auth: { type: 'basic', ...user } }, {});
    const failure = await failureOf(test.repository.getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_CREDENTIALS_MISSING', kind: 'credentials' });
    expect(failure.hint).toContain(`docker login ${test.registry.host}`);
  });

  it('A10 says which credentials were refused, and not what they are', async () => {
    await using test = await rig({ auth: { type: 'basic', username: 'me', password: 'other' } });
    const failure = await failureOf(test.repository.getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_CREDENTIALS_REFUSED', kind: 'credentials' });
    expect(failure.message).toContain(`auths["${test.registry.host}"] of $DOCKER_AUTH_CONFIG`);
    expect(inspect(failure, { depth: 9 })).not.toContain(CANARY);
    expect(test.registry.requests).toHaveLength(2);
  });
});

describe('challenges', () => {
  it.each([
    [['bAsIc realm="x"']],
    [['Negotiate', 'Basic realm="x"']],
    [['Negotiate, Digest realm="d", nonce="n,1", BASIC realm="x"']],
    [['Bearer service="no realm"', 'Basic realm="x"']],
  ])('N1 answers %j', async (challenges) => {
    await using test = await rig({ auth: { type: 'basic', ...user, challenges } });
    expect(await test.repository.getManifest('t')).toBeDefined();
  });

  it('N1 says what a registry asks for that it cannot answer', async () => {
    await using test = await rig({ auth: { type: 'basic', ...user, challenges: ['Negotiate', 'Digest realm="x"'] } });
    const failure = await failureOf(test.repository.getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_CREDENTIALS_UNSUPPORTED', kind: 'credentials' });
    expect(failure.message).toContain('negotiate, digest');
  });

  it('N1 says so where a 401 has no challenge at all', async () => {
    await using test = await rig({ auth: { type: 'basic', ...user, challenges: [] } });
    expect((await failureOf(test.repository.getManifest('t'))).message).toContain('does not say what it asks for');
  });

  it('N1 finds the challenge at /v2/ where a request has none, as at gcr', async () => {
    await using registry = await rawServer((request, response) => {
      if (request.headers.authorization?.startsWith('Basic ')) return response.writeHead(200, { 'content-type': OCI }).end(MANIFEST);
      return response.writeHead(401, request.url === '/v2/' ? { 'www-authenticate': 'Basic realm="x"' } : {}).end();
    });
    const auths = { [registry.host]: { auth: Buffer.from('a:b').toString('base64') } };
    await using client = testClient({ environment: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } });
    expect(await client.repository({ registry: registry.host, repository: 'a' }).getManifest('t')).toBeDefined();
  });
});

describe('tokens', () => {
  it('are asked for once a scope and kept', async () => {
    await using test = await rig({ auth: { type: 'token', ...user } });
    await test.repository.getManifest('t');
    await test.repository.getManifest('t');
    await test.repository.putBlob(blobOf(randomBytes(10)));
    await test.repository.putBlob(blobOf(randomBytes(10)));
    const scopes = test.registry.requests
      .filter(({ path }) => path.startsWith('/token'))
      .map(({ path }) => new URL(path, 'http://x').searchParams.getAll('scope'));
    expect(scopes).toEqual([['repository:a:pull'], ['repository:a:pull,push']]);
    expect(test.registry.requests.filter((request) => request.status === 401)).toHaveLength(1);
  });

  it('A14 50 requests at once ask for one token', async () => {
    await using test = await rig({ auth: { type: 'token', ...user }, latencyMs: 20 });
    await Promise.all(Array.from({ length: 50 }, () => test.repository.getManifest('t')));
    expect(test.registry.tokens).toHaveLength(1);
  });

  it('A12 asks for the source of a mount too, its own scope first, one parameter a scope', async () => {
    await using test = await rig({ auth: { type: 'token', ...user } });
    const bytes = randomBytes(10);
    test.registry.storage.putBlob('base', bytes);
    expect(await test.repository.putBlob(blobOf(bytes), ['base'])).toBe('mounted');
    const token = test.registry.requests.find(({ path }) => path.startsWith('/token'))!;
    expect(new URL(token.path, 'http://x').searchParams.getAll('scope')).toEqual(['repository:a:pull,push', 'repository:base:pull']);
  });

  it('N4 uploads where the source of a mount may not be read', async () => {
    await using test = await rig({ auth: { type: 'token', ...user, denied: ['base'] }, mount: 401 });
    const bytes = randomBytes(10);
    test.registry.storage.putBlob('base', bytes);
    expect(await test.repository.putBlob(blobOf(bytes), ['base'])).toBe('uploaded');
  });

  it('N2 are renewed when they expire in the middle of a push, and nothing else is repeated', async () => {
    await using test = await rig({ auth: { type: 'token', ...user } });
    await test.repository.putBlob(blobOf(randomBytes(10)));
    test.registry.failNext('POST', {
      change: (response) => {
        test.registry.expireTokens();
        return response;
      },
    });
    const bytes = randomBytes(100_000);
    const blob = blobOf(bytes);
    await test.repository.putBlob(blob);
    expect(test.registry.storage.repository('a').blobs.get(blob.digest)?.equals(bytes)).toBe(true);
    expect(test.registry.requests.filter(({ method }) => method === 'POST')).toHaveLength(3);
    expect(blob.opened).toEqual([0, 0]);
  });

  it('P9 are renewed before they run out, by the clock', async () => {
    await using test = await rig({ auth: { type: 'token', ...user, tokenLifetimeSeconds: 100 } });
    await test.repository.getManifest('t');
    await test.client.clock.sleep(85_000);
    await test.repository.getManifest('t');
    expect(test.registry.tokens).toHaveLength(1);
    await test.client.clock.sleep(10_000);
    await test.repository.getManifest('t');
    expect(test.registry.tokens).toHaveLength(2);
  });

  it('anonymous ones pull from a public repository; pushing says what is missing', async () => {
    await using test = await rig({ auth: { type: 'token', ...user, anonymousPull: true } }, {});
    expect(await test.repository.getManifest('t')).toBeDefined();
    expect(test.registry.requests.every((request) => !String(request.headers['authorization']).startsWith('Basic'))).toBe(true);
    expect(await failureOf(test.repository.putBlob(blobOf(randomBytes(1))))).toMatchObject({
      code: 'OCIDSL_CREDENTIALS_MISSING',
      kind: 'credentials',
    });
  });

  it('A1 rules_oci#750 a missing helper does not keep a public image from being pulled, and is named when a push fails', async () => {
    const helpers = (host: string) => JSON.stringify({ credHelpers: { [host]: 'no-such-helper' } });
    await using registry = await startFakeRegistry({ auth: { type: 'token', ...user, anonymousPull: true } });
    registry.storage.putManifest('a', OCI, MANIFEST, 't');
    await using client = testClient({ environment: { DOCKER_AUTH_CONFIG: helpers(registry.host), PATH: '/nowhere' } });
    const repository = client.repository({ registry: registry.host, repository: 'a' });
    expect(await repository.getManifest('t')).toBeDefined();
    expect(await failureOf(repository.putBlob(blobOf(randomBytes(1))))).toMatchObject({
      code: 'OCIDSL_CREDENTIAL_HELPER_MISSING',
      kind: 'credentials',
    });
  });

  it('A7 come from an identity token by OAuth', async () => {
    await using test = await rig({ auth: { type: 'token', ...user, identityToken: CANARY } }, { identitytoken: CANARY });
    await test.repository.putManifest('t2', OCI, MANIFEST);
    const token = test.registry.requests.find(({ path }) => path.startsWith('/token'))!;
    expect(token.method).toBe('POST');
    expect(token.headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  it.each([400, 401, 404, 405])('A7 come by GET where the OAuth form is answered %s', async (status) => {
    await using test = await rig({ auth: { type: 'token', username: '<token>', password: CANARY } }, { identitytoken: CANARY });
    test.registry.failNext('POST /token', { status });
    expect(await test.repository.getManifest('t')).toBeDefined();
  });

  it('registry tokens are sent as they are', async () => {
    const seen: unknown[] = [];
    await using registry = await rawServer((request, response) => {
      seen.push(request.headers.authorization);
      if (request.headers.authorization === 'Bearer given') return response.writeHead(200, { 'content-type': OCI }).end(MANIFEST);
      return response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }).end();
    });
    await using client = testClient({
      environment: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [registry.host]: { registrytoken: 'given' } } }) },
    });
    await client.repository({ registry: registry.host, repository: 'a' }).getManifest('t');
    expect(seen).toEqual([undefined, 'Bearer given']);
  });

  it.each([
    ['nothing', '', 'has no token'],
    ['no JSON', CANARY, 'has no token'],
    ['no token', `{"refresh_token":"${CANARY}"}`, 'has no token'],
    ['an empty token', `{"token":"","x":"${CANARY}"}`, 'has no token'],
    ['a token that is a number', `{"token":1,"x":"${CANARY}"}`, 'has no token'],
    ['a token with a line end', `{"token":"${CANARY}\\r\\nx: y"}`, 'has no token'],
    ['a list', `["${CANARY}"]`, 'has no token'],
    ['more than 128 KiB', `{"token":"${CANARY}${'x'.repeat(200_000)}"}`, 'has no token'],
  ])('N40 are refused from an answer with %s, which is not shown', async (_, body, why) => {
    await using test = await rig({ auth: { type: 'token', ...user } });
    test.registry.failNext('/token', { status: 200, body });
    const failure = await failureOf(test.repository.getManifest('t'));
    expect(failure.message).toContain(why);
    expect(inspect(failure, { depth: 9 })).not.toContain(CANARY);
  });

  it.each([
    [undefined, 60],
    [0, 60],
    [-5, 60],
    ['x', 60],
    [30, 60],
    [120, 120],
    [1e300, 86_400],
  ])('N40 with expires_in %s live %s seconds', async (stated, seconds) => {
    await using test = await rig({ auth: { type: 'token', ...user } });
    const withLifetime = (response: { body?: Buffer | string; status: number }) => {
      const { expires_in: _, ...answer } = JSON.parse(String(response.body)) as Record<string, unknown>;
      return { ...response, body: JSON.stringify({ ...answer, expires_in: stated }) };
    };
    test.registry.failNext('/token', { change: withLifetime }, 99);
    await test.repository.getManifest('t');
    await test.client.clock.sleep((seconds - 11) * 1000);
    await test.repository.getManifest('t');
    expect(test.registry.tokens).toHaveLength(1);
    await test.client.clock.sleep(2_000);
    await test.repository.getManifest('t');
    expect(test.registry.tokens).toHaveLength(2);
  });

  it('N40 access_token will do', async () => {
    await using test = await rig({ auth: { type: 'token', ...user } });
    test.registry.failNext('/token', {
      change: (response) => ({ ...response, body: String(response.body).replace('"token"', '"access_token"') }),
    });
    expect(await test.repository.getManifest('t')).toBeDefined();
  });

  it('A10 a refusal of the token server is about credentials, and shows none', async () => {
    await using test = await rig({ auth: { type: 'token', username: 'me', password: 'other' } });
    const failure = await failureOf(test.repository.getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_REGISTRY_UNAUTHORIZED', kind: 'credentials' });
    expect(failure.hint).toContain('$DOCKER_AUTH_CONFIG');
    expect(inspect(failure, { depth: 9 })).not.toContain(CANARY);
  });
});

describe('A11 a realm', () => {
  // `localhost` and 127.0.0.1 are different hosts, which is all that these tests need.
  const elsewhere = (origin: string) => origin.replace('127.0.0.1', 'localhost');

  it('ggcr#2193, ggcr#2243 of another host gets no credentials', async () => {
    await using evil = await rawServer((_, response) => response.end('{"token":"x"}'));
    await using test = await rig({ auth: { type: 'token', ...user, realm: `${elsewhere(evil.origin)}/token` } });
    const failure = await failureOf(test.repository.getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_REALM_REFUSED', kind: 'credentials' });
    expect(failure.hint).toBe(`If that is right, set OCIDSL_TRUSTED_REALMS=${test.registry.host}=localhost`);
    expect(evil.requests).toEqual([]);
  });

  it('of another host gets no identity token either', async () => {
    await using evil = await rawServer((_, response) => response.end('{"token":"x"}'));
    await using test = await rig({ auth: { type: 'token', realm: `${elsewhere(evil.origin)}/token` } }, { identitytoken: CANARY });
    expect((await failureOf(test.repository.getManifest('t'))).code).toBe('OCIDSL_REALM_REFUSED');
    expect(evil.requests).toEqual([]);
  });

  it('of another host may be asked anonymously', async () => {
    await using other = await rawServer((_, response) => response.end('{"token":"x"}'));
    await using test = await rig({ auth: { type: 'token', ...user, realm: `${elsewhere(other.origin)}/token` } }, {});
    await failureOf(test.repository.getManifest('t'));
    expect(other.requests).toHaveLength(1);
    expect(other.requests[0]!.headers.authorization).toBeUndefined();
  });

  it('of another host gets them where the user says so', async () => {
    await using other = await startFakeRegistry({ auth: { type: 'token', ...user } });
    const registry = await startFakeRegistry({ auth: { type: 'token', ...user, realm: `${elsewhere(other.origin)}/token` } });
    await using _ = registry;
    const auths = { [registry.host]: { auth: Buffer.from(`me:${CANARY}`).toString('base64') } };
    await using client = testClient({
      environment: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }), OCIDSL_TRUSTED_REALMS: `${registry.host}=localhost` },
    });
    await client
      .repository({ registry: registry.host, repository: 'a' })
      .getManifest('t')
      .catch(() => undefined);
    expect(other.requests[0]!.headers['authorization']).toMatch(/^Basic /);
  });

  it('ggcr#2292 that redirects takes no credentials along', async () => {
    await using evil = await rawServer((_, response) => response.end('{"token":"x"}'));
    await using test = await rig({ auth: { type: 'token', ...user } });
    test.registry.failNext('GET /token', { status: 307, headers: { location: `${evil.origin}/token` } });
    await failureOf(test.repository.getManifest('t'));
    expect(evil.requests).toHaveLength(1);
    expect(evil.requests[0]!.headers.authorization).toBeUndefined();
  });

  it('that redirects gets no refresh token sent on', async () => {
    await using evil = await rawServer((_, response) => response.end('{"token":"x"}'));
    await using test = await rig({ auth: { type: 'token', ...user, identityToken: CANARY } }, { identitytoken: CANARY });
    test.registry.failNext('POST /token', { status: 307, headers: { location: `${evil.origin}/token` } });
    expect((await failureOf(test.repository.getManifest('t'))).code).toBe('OCIDSL_REDIRECT_REFUSED');
    expect(evil.requests).toEqual([]);
  });

  it.each(['not a url', 'ftp://127.0.0.1/x', 'http://user@127.0.0.1/token'])('is refused where it is %j', async (realm) => {
    await using test = await rig({ auth: { type: 'token', ...user, realm } });
    const failure = await failureOf(test.repository.getManifest('t'));
    expect(failure.kind === 'credentials' || failure.kind === 'network').toBe(true);
    expect(test.registry.tokens).toEqual([]);
  });
});
