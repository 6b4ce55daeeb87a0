// Retries, redirects and what a hostile or broken server may send, seen through whole requests.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { loadAgent, loadUndici } from '../../../lib/registry/dispatcher.ts';
import { DEFAULT_RETRY_POLICY, createBackoff, parseRetryAfter } from '../../../lib/registry/retrying-transport.ts';
import { parseFailureBody } from '../../../lib/registry/registry-failure.ts';
import { parseWarnings } from '../../../lib/registry/warning-transport.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { failureOf, rawServer, tcpServer, testClient, testClock } from './rig.ts';

const OCI = 'application/vnd.oci.image.manifest.v1+json';
const MANIFEST = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI }));

describe('undici', () => {
  it('is loaded in part: when this fails, its files have moved and start-up got slower', async () => {
    expect((await loadAgent()).partial).toBe(true);
    expect((await loadUndici()).partial).toBe(true);
  });
});

describe('parseRetryAfter()', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['7', 7000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Thursday, 01-Jan-26 00:01:00 GMT', 60_000],
    ['Thu Jan  1 00:01:00 2026 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('N7 reads %s', (header, ms) => expect(parseRetryAfter(header, now)).toBe(ms));
});

describe('retries', () => {
  it('N7 waits with full jitter, doubling up to the cap', async () => {
    const clock = testClock(0.999999);
    const backoff = createBackoff({ ...DEFAULT_RETRY_POLICY, firstDelayMs: 1000 }, clock);
    for (let next = 1; next <= 7; next++) await backoff.pause(next, new URL('http://x/'), undefined);
    expect(clock.sleeps).toEqual([999, 1999, 3999, 7999, 15_999, 29_999, 29_999]);
    const low = testClock(0);
    await createBackoff(DEFAULT_RETRY_POLICY, low).pause(5, new URL('http://x/'), undefined);
    expect(low.sleeps).toEqual([0]);
  });

  it.each([408, 429, 500, 502, 503, 504])('N7 repeats a GET answered %s, five times in all', async (status) => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    registry.storage.putManifest('a', OCI, MANIFEST, 't');
    const repository = client.repository({ registry: registry.host, repository: 'a' });
    registry.failNext('GET', { status }, 4);
    expect(await repository.getManifest('t')).toMatchObject({ mediaType: OCI });
    expect(client.clock.sleeps).toEqual([250, 500, 1000, 2000]);
    registry.failNext('GET', { status }, 5);
    expect(await failureOf(repository.getManifest('t'))).toMatchObject({ code: `OCIDSL_REGISTRY_HTTP_${status}`, kind: 'network' });
    expect(registry.requests).toHaveLength(10);
  });

  it.each([400, 403, 404, 405, 413, 416])('N7 does not repeat a GET answered %s', async (status) => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    registry.failNext('GET', { status });
    await client
      .repository({ registry: registry.host, repository: 'a' })
      .getManifest('t')
      .catch(() => undefined);
    expect(registry.requests).toHaveLength(1);
  });

  it.each([
    ['seconds', '7', 7000],
    ['a date', 'Thu, 01 Jan 2026 00:00:42 GMT', 42_000],
  ])('N7 waits as long as Retry-After says in %s, on 429 and on 503, unclipped', async (_, header, ms) => {
    for (const status of [429, 503]) {
      await using registry = await startFakeRegistry();
      await using client = testClient();
      registry.storage.putManifest('a', OCI, MANIFEST, 't');
      registry.failNext('GET', { status, headers: { 'retry-after': header } });
      await client.repository({ registry: registry.host, repository: 'a' }).getManifest('t');
      expect(client.clock.sleeps).toEqual([ms]);
    }
  });

  it('N7 gives up at once where Retry-After is more than ten minutes', async () => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    registry.failNext('GET', { status: 429, headers: { 'retry-after': '3600' } });
    const failure = await failureOf(client.repository({ registry: registry.host, repository: 'a' }).getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_REGISTRY_BUSY', kind: 'network' });
    expect(failure.message).toContain('3600 seconds');
  });

  it('N44 repeats a request on a connection that the server closed meanwhile', async () => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    registry.storage.putManifest('a', OCI, MANIFEST, 't');
    const repository = client.repository({ registry: registry.host, repository: 'a' });
    await repository.getManifest('t');
    registry.failNext('GET', 'reset');
    expect(await repository.getManifest('t')).toBeDefined();
  });

  it('N45 says at once that nothing listens on this machine', async () => {
    await using client = testClient();
    const failure = await failureOf(client.repository({ registry: '127.0.0.1:1', repository: 'a' }).getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_CONNECTION_REFUSED', kind: 'network' });
    expect(failure.message).toContain('nothing listens on 127.0.0.1:1');
    expect(client.clock.sleeps).toEqual([]);
  });

  it('N45 names a host that does not exist', async () => {
    await using client = testClient();
    const failure = await failureOf(client.repository({ registry: 'no-such-host.invalid', repository: 'a' }).getManifest('t'));
    expect(failure.kind).toBe('network');
    expect(failure.message).toContain('no-such-host.invalid');
  });

  it('stops when it is cancelled', async () => {
    await using registry = await startFakeRegistry({ latencyMs: 5_000 });
    await using client = testClient();
    const stop = new AbortController();
    const pending = client
      .repository({ registry: registry.host, repository: 'a' })
      .hasBlob({ digest: `sha256:${'0'.repeat(64)}`, size: 1 }, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 20);
    await expect(pending).rejects.toThrow('enough');
  });
});

describe('redirects', () => {
  it('N18 GHSA-vh4v-2xq2-g5cg drops credentials on another port of the same host, and keeps them off it', async () => {
    await using cdn = await rawServer((_, response) => response.end(Buffer.from('blob')));
    await using registry = await startFakeRegistry({ auth: { type: 'basic', username: 'u', password: 'c4nary' }, blobOrigin: cdn.origin });
    const auths = { [registry.host]: { auth: Buffer.from('u:c4nary').toString('base64') } };
    await using client = testClient({ environment: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } });
    const digest = registry.storage.putBlob('a', Buffer.from('blob'));
    const chunks = [];
    for await (const chunk of client.repository({ registry: registry.host, repository: 'a' }).readBlob({ digest, size: 4 }))
      chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('blob');
    expect(registry.requests.some((request) => request.headers['authorization'])).toBe(true);
    expect(cdn.requests).toHaveLength(1);
    expect(cdn.requests[0]!.headers.authorization).toBeUndefined();
  });

  it('ggcr#2349 does not send credentials again after a detour over another host', async () => {
    let home = '';
    await using detour = await rawServer((_, response) => response.writeHead(307, { location: `${home}/back` }).end());
    await using registry = await rawServer((request, response) => {
      if (request.url === '/back') return response.end(MANIFEST);
      if (request.headers.authorization === undefined) return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return response.writeHead(307, { location: `${detour.origin}/x` }).end();
    });
    home = registry.origin;
    const auths = { [registry.host]: { auth: Buffer.from('u:c4nary').toString('base64') } };
    await using client = testClient({ environment: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } });
    await client.repository({ registry: registry.host, repository: 'a' }).getManifest('t');
    expect(detour.requests[0]!.headers.authorization).toBeUndefined();
    expect(registry.requests.at(-1)).toMatchObject({ url: '/back' });
    expect(registry.requests.at(-1)!.headers.authorization).toBeUndefined();
  });

  it('N19 does not answer the 401 of a host that it was redirected to', async () => {
    await using other = await rawServer((request, response) => {
      const realm = `http://${request.headers.host}/token`;
      return response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}", Basic realm="x"` }).end();
    });
    await using registry = await startFakeRegistry({
      auth: { type: 'basic', username: 'u', password: 'c4nary' },
      blobOrigin: other.origin,
    });
    const auths = { [registry.host]: { auth: Buffer.from('u:c4nary').toString('base64') } };
    await using client = testClient({ environment: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } });
    const digest = registry.storage.putBlob('a', Buffer.from('blob'));
    const repository = client.repository({ registry: registry.host, repository: 'a' });
    // The client now knows what the registry asks for, so the first 401 that it sees is the other host's.
    await repository.headManifest('t');
    const reading = repository.readBlob({ digest, size: 4 });
    expect(
      await failureOf(
        (async () => {
          for await (const _ of reading);
        })(),
      ),
    ).toMatchObject({ code: 'OCIDSL_REGISTRY_HTTP_401', kind: 'credentials' });
    expect(other.requests.map((request) => request.headers.authorization)).toEqual([undefined]);
  });

  it('N18 follows at most ten redirects', async () => {
    await using registry = await rawServer((request, response) => response.writeHead(302, { location: `${request.url}x` }).end());
    await using client = testClient();
    const failure = await failureOf(client.repository({ registry: registry.host, repository: 'a' }).getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_REDIRECT_REFUSED' });
    expect(registry.requests).toHaveLength(11);
  });

  it.each(['ftp://127.0.0.1/x', 'file:///etc/passwd', 'data:,x', 'http://[bad'])('N20 refuses a redirect to %s', async (location) => {
    await using registry = await rawServer((_, response) => response.writeHead(307, { location }).end());
    await using client = testClient();
    const failure = await failureOf(client.repository({ registry: registry.host, repository: 'a' }).getManifest('t'));
    expect(failure.code).toBe('OCIDSL_REDIRECT_REFUSED');
  });
});

describe('answers', () => {
  it('N39 reads at most 64 KiB of an error, and stops', async () => {
    let sent = 0;
    await using registry = await rawServer((_, response) => {
      response.writeHead(400);
      const push = () => {
        while (sent < 1e9 && response.write(Buffer.alloc(65_536, 'x'))) sent += 65_536;
      };
      response.on('drain', push);
      push();
    });
    await using client = testClient();
    const failure = await failureOf(client.repository({ registry: registry.host, repository: 'a' }).getManifest('t'));
    expect(failure.message.length).toBeLessThan(400);
    expect(sent).toBeLessThan(50e6);
  });

  it('says what to do where a server of this machine speaks TLS only', async () => {
    await using server = await rawServer((_, response) => response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n'));
    await using client = testClient();
    const failure = await failureOf(client.repository({ registry: server.host, repository: 'a' }).getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_REGISTRY_HTTP_400', hint: expect.stringContaining('plain HTTP') as string });
  });

  it('N39 understands the error bodies of the spec, and takes nothing from others', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(
      parseFailureBody(`{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"no\\u001b[31m","detail":{"digest":"${digest}"}}]}`),
    ).toEqual({
      codes: ['MANIFEST_BLOB_UNKNOWN'],
      message: 'MANIFEST_BLOB_UNKNOWN: no\\u{1b}[31m',
      digests: [digest],
    });
    expect(parseFailureBody('{"errors":[{"code":"MY OWN","message":"m"}]}')).toMatchObject({ codes: [], message: 'MY OWN: m' });
    for (const text of ['', 'null', '[]', '{}', '{"errors":null}', '{"errors":[]}', '{"errors":[1]}', '{"errors":"x"}', '{"er']) {
      expect(parseFailureBody(text)).toMatchObject({ codes: [], digests: [] });
    }
    expect(parseFailureBody('<html><title>502</title>').message).toBe('');
    expect(parseFailureBody('plain\u0000text').message).toBe('plain\\u{0}text');
  });

  it('N5 tells an unknown repository from other failures', async () => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    registry.failNext('POST', {
      status: 404,
      body: JSON.stringify({ errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known' }] }),
    });
    const blob = {
      digest: `sha256:${sha256Hex('x')}`,
      size: 1,
      open: async function* () {
        yield Buffer.from('x');
      },
    };
    const failure = await failureOf(client.repository({ registry: registry.host, repository: 'a' }).putBlob(blob));
    expect(failure).toMatchObject({ code: 'OCIDSL_REGISTRY_NAME_UNKNOWN', kind: 'network' });
    expect(failure.hint).toContain('created first');
  });

  it('N38 shows a warning once, without control characters', async () => {
    await using registry = await rawServer((_, response) =>
      response.setHeader('warning', '299 - "moves to \\"new\\"", 199 - "not this"').writeHead(404).end(),
    );
    await using client = testClient();
    const repository = client.repository({ registry: registry.host, repository: 'a' });
    await repository.getManifest('t');
    await repository.getManifest('t');
    expect(client.events).toEqual([{ type: 'warning', message: `${registry.host} says: moves to "new"` }]);
    expect(parseWarnings('299 other "x"')).toEqual([]);
  });

  it.each([
    ['not HTTP', 'hello\r\n\r\n'],
    ['a cut header', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['endless headers', `HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(100)}`],
  ])('N12 makes a network error of %s', async (_, bytes) => {
    await using server = await tcpServer((socket) => socket.end(bytes));
    await using client = testClient();
    const failure = await failureOf(client.repository({ registry: server.host, repository: 'a' }).getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_CONNECTION_FAILED', kind: 'network' });
    expect(failure.message).toContain(server.host);
  });

  it('N15 hashes the decoded bytes where a server compresses unasked', async () => {
    const asked: unknown[] = [];
    await using registry = await rawServer((request, response) => {
      asked.push(request.headers['accept-encoding']);
      response.writeHead(200, { 'content-type': OCI, 'content-encoding': 'gzip' }).end(gzipSync(MANIFEST));
    });
    await using client = testClient();
    const manifest = await client.repository({ registry: registry.host, repository: 'a' }).getManifest(`sha256:${sha256Hex(MANIFEST)}`);
    expect(manifest!.bytes.equals(MANIFEST)).toBe(true);
    expect(asked).toEqual(['identity']);
  });
});
