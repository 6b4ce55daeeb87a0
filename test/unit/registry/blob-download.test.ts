// Downloads that break off, lie or do not end.
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { collect, failureOf, rawServer, tcpServer, testClient } from './rig.ts';

const bytes = randomBytes(200_000);
const digest = `sha256:${sha256Hex(bytes)}`;
const blob = { digest, size: bytes.byteLength };

async function rig() {
  const registry = await startFakeRegistry();
  registry.storage.putBlob('a', bytes);
  const client = testClient({ limits: { progressBytes: 1 } });
  const repository = client.repository({ registry: registry.host, repository: 'a' });
  const close = async () => {
    await client.close();
    await registry.close();
  };
  return { registry, client, repository, [Symbol.asyncDispose]: close };
}

describe('readBlob()', () => {
  it.each([0, 1, 1000, 65_536, 199_999])('N9 goes on by Range where the answer was cut after %s bytes', async (at) => {
    await using test = await rig();
    test.registry.failNext('GET', { cutResponseAfter: at });
    expect((await collect(test.repository.readBlob(blob))).equals(bytes)).toBe(true);
    const second = test.registry.requests[1]!;
    if (at > 0) expect(second.headers).toMatchObject({ 'if-range': `"${digest}"` });
  });

  it('N9 survives cuts at random places without limit while there is progress', async () => {
    await using test = await rig();
    test.registry.failNext('GET', { cutResponseAfter: 7_001 }, 25);
    expect((await collect(test.repository.readBlob(blob))).equals(bytes)).toBe(true);
    expect(test.registry.requests.length).toBeGreaterThan(20);
  });

  it('N9 gives up after five attempts without progress', async () => {
    await using test = await rig();
    test.registry.failNext('GET', { cutResponseAfter: 0 }, 99);
    expect(await failureOf(collect(test.repository.readBlob(blob)))).toMatchObject({ code: 'OCIDSL_CONNECTION_FAILED', kind: 'network' });
    expect(test.registry.requests).toHaveLength(5);
  });

  it('N9 passes over what it has where a 200 answers a range', async () => {
    await using test = await rig();
    test.registry.failNext('GET', { cutResponseAfter: 100_000 });
    test.registry.failNext('GET', { status: 200, body: bytes });
    expect((await collect(test.repository.readBlob(blob))).equals(bytes)).toBe(true);
  });

  it('N9 refuses another range than it asked for', async () => {
    await using test = await rig();
    test.registry.failNext('GET', { cutResponseAfter: 100_000 });
    test.registry.failNext('GET', { status: 206, headers: { 'content-range': 'bytes 0-199999/200000' }, body: bytes });
    expect(await failureOf(collect(test.repository.readBlob(blob)))).toMatchObject({ code: 'OCIDSL_DIGEST_MISMATCH', kind: 'integrity' });
  });

  it('N12 notices the quiet end of a body without length', async () => {
    await using test = await rig();
    test.registry.failNext('GET', { cutResponseAfter: 50_000, quietly: true });
    expect((await collect(test.repository.readBlob(blob))).equals(bytes)).toBe(true);
    expect(test.registry.requests[1]!.headers['range']).toBe('bytes=50000-');
  });

  it.each([
    ['a Content-Length that is too small', `HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n`],
    ['a chunk that is cut', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nabc`],
  ])('N12 fails in the end with %s', async (_, head) => {
    await using server = await tcpServer((socket) => socket.end(head));
    await using client = testClient();
    const failure = await failureOf(collect(client.repository({ registry: server.host, repository: 'a' }).readBlob(blob)));
    expect(['OCIDSL_CONNECTION_FAILED', 'OCIDSL_DIGEST_MISMATCH']).toContain(failure.code);
  });

  it('N13 stops at the first byte too many', async () => {
    let sent = 0;
    await using server = await rawServer((_, response) => {
      const push = () => {
        while (response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', push);
      push();
    });
    await using client = testClient();
    const failure = await failureOf(collect(client.repository({ registry: server.host, repository: 'a' }).readBlob(blob)));
    expect(failure).toMatchObject({ code: 'OCIDSL_DIGEST_MISMATCH', kind: 'integrity' });
    expect(sent).toBeLessThan(30e6);
  });

  it('N14 says what came and what was expected, from where, and does not try again', async () => {
    await using test = await rig();
    const wrong = randomBytes(bytes.byteLength);
    test.registry.storage.repository('a').blobs.set(digest, wrong);
    const failure = await failureOf(collect(test.repository.readBlob(blob)));
    expect(failure).toMatchObject({ code: 'OCIDSL_DIGEST_MISMATCH', kind: 'integrity' });
    for (const part of [digest, `sha256:${sha256Hex(wrong)}`, test.registry.origin]) expect(failure.message).toContain(part);
    expect(test.registry.requests).toHaveLength(1);
  });

  it('N15 reads a blob that is compressed on its way', async () => {
    await using server = await rawServer((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes)));
    await using client = testClient();
    expect((await collect(client.repository({ registry: server.host, repository: 'a' }).readBlob(blob))).equals(bytes)).toBe(true);
  });

  it('N5 says that a blob is not there', async () => {
    await using test = await rig();
    const failure = await failureOf(collect(test.repository.readBlob({ digest: `sha256:${'0'.repeat(64)}`, size: 1 })));
    expect(failure).toMatchObject({ code: 'OCIDSL_BLOB_NOT_FOUND', kind: 'network' });
  });

  it('reads an empty blob', async () => {
    await using test = await rig();
    const empty = test.registry.storage.putBlob('a', Buffer.alloc(0));
    expect(await collect(test.repository.readBlob({ digest: empty, size: 0 }))).toHaveLength(0);
  });
});
