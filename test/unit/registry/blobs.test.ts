// Where uploads go, mounts, and whether a blob is there.
import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { createByteCursor } from '../../../lib/registry/byte-cursor.ts';
import { withDigest } from '../../../lib/registry/blob-upload.ts';
import { parseRangeEnd } from '../../../lib/registry/upload-session.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { blobOf, collect, expectStored, failureOf, rawServer, testClient, uploadRig as rig } from './rig.ts';

describe('a Location', () => {
  it.each(['absolute', 'relative', 'query-only'] as const)('N22 may be %s', async (location) => {
    await using test = await rig({ location });
    const bytes = randomBytes(1000);
    const blob = blobOf(bytes);
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
    expect(test.registry.requests.at(-1)!.path).toContain(`?_state=a%2Bb&digest=${encodeURIComponent(blob.digest)}`);
  });

  it('N22 keeps its query byte for byte', () => {
    const digest = 'sha256:x';
    for (const query of ['?_state=a%2Bb%3D', '?a=b+c&d', '?x=%20%2f', '?sig=a/b==']) {
      expect(withDigest(new URL(`http://h/p${query}`), digest).href).toBe(`http://h/p${query}&digest=sha256%3Ax`);
    }
    expect(withDigest(new URL('http://h/p'), digest).href).toBe('http://h/p?digest=sha256%3Ax');
  });

  it('N22 GHSA-jxpm-75mh-9fp7 on another host gets the blob and no credentials', async () => {
    await using other = await startFakeRegistry();
    await using test = await rig({ auth: { type: 'basic', username: 'u', password: 'c4nary' }, uploadOrigin: other.origin });
    const auths = { [test.registry.host]: { auth: Buffer.from('u:c4nary').toString('base64') } };
    await using client = testClient({ environment: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } });
    // The session has to exist on the other host.
    test.registry.failNext(
      'POST',
      {
        change: (response) => {
          if (response.status === 202) other.storage.repository('a').uploads.set(response.headers!['docker-upload-uuid']!, []);
          return response;
        },
      },
      9,
    );
    const blob = blobOf(randomBytes(1000));
    await client.repository({ registry: test.registry.host, repository: 'a' }).putBlob(blob);
    expect(other.storage.repository('a').blobs.has(blob.digest)).toBe(true);
    expect(other.requests).not.toEqual([]);
    for (const request of other.requests) expect(request.headers['authorization']).toBeUndefined();
  });

  it.each([
    ['absent', undefined],
    ['not a URL', 'http://['],
    ['of another scheme', 'ftp://127.0.0.1/x'],
    ['a file', 'file:///etc/passwd'],
  ])('N22 is refused where it is %s', async (_, location) => {
    await using server = await rawServer((_request, response) => response.writeHead(202, location === undefined ? {} : { location }).end());
    await using client = testClient();
    const failure = await failureOf(client.repository({ registry: server.host, repository: 'a' }).putBlob(blobOf(randomBytes(1))));
    expect(failure).toMatchObject({ code: 'OCIDSL_UPLOAD_LOCATION_REFUSED', kind: 'network' });
  });

  it.each([
    ['0-0', 0],
    ['0-99', 99],
    ['bytes=0-99', 99],
    ['1-99', undefined],
    ['0-', undefined],
    ['0-9999999999999999999', undefined],
    [undefined, undefined],
  ])('has the Range %s', (header, end) => expect(parseRangeEnd(header)).toBe(end));
});

describe('a mount', () => {
  it('takes one request where the registry has the blob', async () => {
    await using test = await rig();
    const bytes = randomBytes(1000);
    const digest = test.registry.storage.putBlob('base', bytes);
    const blob = blobOf(bytes);
    expect(await test.repository.putBlob(blob, ['base'])).toBe('mounted');
    expect(test.registry.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /v2/a/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=base`,
    ]);
    expect(blob.opened).toEqual([]);
  });

  it.each([202, 401, 403, 404, 405] as const)('N4 falls back to an upload when it is answered %s', async (mount) => {
    await using test = await rig({ mount });
    const bytes = randomBytes(1000);
    test.registry.storage.putBlob('base', bytes);
    const blob = blobOf(bytes);
    expect(await test.repository.putBlob(blob, ['base'])).toBe('uploaded');
    expectStored(test.registry, bytes, blob.digest);
    // The session that a 202 opened is used, not left behind.
    if (mount === 202) expect(test.registry.requests).toHaveLength(2);
  });

  it('tries the next repository, and never itself', async () => {
    await using test = await rig();
    const bytes = randomBytes(1000);
    test.registry.storage.putBlob('second', bytes);
    expect(await test.repository.putBlob(blobOf(bytes), ['a', 'first', 'second'])).toBe('mounted');
    expect(test.registry.storage.repository('a').uploads.size).toBe(0);
  });
});

describe('hasBlob()', () => {
  it('N46 is false where the registry has another size', async () => {
    await using test = await rig();
    const digest = test.registry.storage.putBlob('a', randomBytes(10));
    expect(await test.repository.hasBlob({ digest, size: 10 })).toBe(true);
    expect(await test.repository.hasBlob({ digest, size: 11 })).toBe(false);
  });

  it('N6 is false where HEAD is not known', async () => {
    await using test = await rig();
    test.registry.failNext('HEAD', { status: 405 });
    expect(await test.repository.hasBlob({ digest: `sha256:${'0'.repeat(64)}`, size: 1 })).toBe(false);
  });

  it('N3 has the reason of a 403 from a GET', async () => {
    await using test = await rig();
    test.registry.failNext('HEAD', { status: 403 });
    test.registry.failNext('GET', { status: 403, body: JSON.stringify({ errors: [{ code: 'DENIED', message: 'no plan' }] }) });
    const failure = await failureOf(test.repository.hasBlob({ digest: `sha256:${'0'.repeat(64)}`, size: 1 }));
    expect(failure).toMatchObject({ kind: 'credentials' });
    expect(failure.message).toContain('no plan');
  });
});

describe('createByteCursor()', () => {
  it('reads chunks that follow each other in one pass', async () => {
    const bytes = randomBytes(1000);
    const blob = blobOf(bytes, 300);
    const cursor = createByteCursor((offset) => blob.open(offset));
    for (const [start, end] of [
      [0, 100],
      [100, 650],
      [650, 650],
      [650, 1000],
    ] as const) {
      expect((await collect(cursor.slice(start, end))).equals(bytes.subarray(start, end))).toBe(true);
    }
    expect(blob.opened).toEqual([0]);
    expect((await collect(cursor.slice(10, 20))).equals(bytes.subarray(10, 20))).toBe(true);
    expect(blob.opened).toEqual([0, 10]);
    expect(cursor.furthest).toBe(1000);
  });

  it('opens anew after a reading that was given up', async () => {
    const bytes = randomBytes(1000);
    const blob = blobOf(bytes, 100);
    const cursor = createByteCursor((offset) => blob.open(offset));
    for await (const _ of cursor.slice(0, 500)) break;
    expect((await collect(cursor.slice(100, 200))).equals(bytes.subarray(100, 200))).toBe(true);
    expect(blob.opened).toEqual([0, 100]);
  });

  it('is not moved by a reading that was given up while it waited for a chunk', async () => {
    const bytes = randomBytes(1000);
    const held: (() => void)[] = [];
    async function* open(offset: number) {
      for (let at = offset; at < bytes.length; at += 100) {
        if (offset === 0) await new Promise<void>((resolve) => held.push(resolve));
        yield bytes.subarray(at, at + 100);
      }
    }
    const cursor = createByteCursor(open);
    const first = (cursor.slice(0, 1000) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    const givenUp = first.next();
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const second = (cursor.slice(500, 1000) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    expect((await second.next()).value).toEqual(bytes.subarray(500, 600));
    held[0]!();
    expect((await givenUp).done).toBe(true);
    expect((await second.next()).value).toEqual(bytes.subarray(600, 700));
    expect(cursor.furthest).toBe(700);
  });
});
