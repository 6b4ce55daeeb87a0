// Uploads that do not go smoothly.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { seededRandom, startChaosProxy } from '../../chaos-proxy.ts';
import { isInstalled, REAL_REGISTRIES } from '../../conformance/real-registries.ts';
import { blobOf, collect, expectStored, failureOf, rawServer, testClient, UPLOAD_LIMITS as LIMITS, uploadRig as rig } from './rig.ts';

describe('an upload', () => {
  it('is one POST and one PUT with a known length', async () => {
    await using test = await rig();
    const bytes = randomBytes(300_000);
    const blob = blobOf(bytes);
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
    expect(test.registry.log().map((line) => line.split(' ')[0])).toEqual(['POST', 'PUT']);
    const put = test.registry.requests[1]!;
    expect(put.headers).toMatchObject({ 'content-length': '300000', 'content-type': 'application/octet-stream' });
    expect(put.headers['transfer-encoding']).toBeUndefined();
    expect(test.registry.requests[0]!.headers['content-length']).toBe('0');
  });

  for (const at of [0, 1, 2, 1000, 65_535, 65_536, 65_537, 250_000, 299_999]) {
    it(`N10 goes on where a PUT was cut after ${at} bytes, by the registry's count`, async () => {
      await using test = await rig();
      const bytes = randomBytes(300_000);
      const blob = blobOf(bytes);
      test.registry.failNext('PUT', { cutRequestAfter: at });
      await test.repository.putBlob(blob);
      expectStored(test.registry, bytes, blob.digest);
      const patch = test.registry.requests.find((request) => request.method === 'PATCH');
      // Nothing and one byte are both reported as `0-0`, so these start again.
      expect(patch?.headers['content-range']).toBe(at > 1 ? `${at}-299999` : undefined);
    });
  }

  it('N10 survives cuts at random places, again and again', async () => {
    for (let round = 0; round < 20; round++) {
      await using test = await rig();
      const bytes = randomBytes(200_000);
      const blob = blobOf(bytes, 10_000);
      for (let cut = 0; cut < 4; cut++) test.registry.failNext(/PUT|PATCH/, { cutRequestAfter: Math.floor(Math.random() * 60_000) });
      await test.repository.putBlob(blob);
      expectStored(test.registry, bytes, blob.digest);
    }
  });

  it('N10 starts again where the registry counts more than was sent', async () => {
    await using test = await rig();
    const bytes = randomBytes(300_000);
    const blob = blobOf(bytes);
    test.registry.failNext('PUT', { cutRequestAfter: 1000 });
    test.registry.failNext('GET', { change: (response) => ({ ...response, headers: { ...response.headers, range: '0-299999' } }) });
    // The whole body may have been handed to the socket, so the count is possible; the digest then tells.
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
  });

  it('N8 never repeats a PATCH without asking for the offset first', async () => {
    await using test = await rig({ ignoresContentRange: true, maxBodyBytes: 100_000 }, { chunkBytes: 100_000, minChunkBytes: 1 });
    const bytes = randomBytes(300_000);
    const blob = blobOf(bytes);
    test.registry.failNext('PATCH', { cutRequestAfter: 50_000 });
    test.registry.failNext('PATCH', 'lost answer');
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
    const methods = test.registry.requests.map((request) => [request.method, request.status] as const);
    methods.forEach(([method, status], index) => {
      if (method === 'PATCH' && status === undefined) expect(methods[index + 1]![0]).toBe('GET');
    });
  });

  it('N10 starts again, once, where a resumed upload has another digest', async () => {
    await using test = await rig();
    const bytes = randomBytes(300_000);
    const blob = blobOf(bytes);
    test.registry.failNext('PUT', { cutRequestAfter: 100_000 });
    test.registry.failNext('GET', { change: (response) => ({ ...response, headers: { ...response.headers, range: '0-49999' } }) });
    test.registry.failNext('PATCH', { status: 202, headers: { range: '0-299999' } });
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
  });

  it('N14 tries damaged bytes once more and not again', async () => {
    await using test = await rig();
    const blob = { ...blobOf(randomBytes(1000)), digest: `sha256:${'0'.repeat(64)}` };
    expect(await failureOf(test.repository.putBlob(blob))).toMatchObject({ code: 'OCIDSL_REGISTRY_DIGEST_INVALID', kind: 'integrity' });
    expect(test.registry.requests.filter((request) => request.method === 'PUT')).toHaveLength(2);
  });

  it.each([
    ['BLOB_UPLOAD_UNKNOWN', false],
    ['BLOB_UPLOAD_INVALID', true],
  ])('N23 starts again where the session is gone: 404 %s', async (_, unknownUploadIsInvalid) => {
    await using test = await rig({ unknownUploadIsInvalid });
    const bytes = randomBytes(1000);
    const blob = blobOf(bytes);
    test.registry.failNext('POST', {
      change: (response) => {
        test.registry.storage.repository('a').uploads.clear();
        return response;
      },
    });
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
  });

  it('N23 always uses the newest Location', async () => {
    let step = 0;
    await using server = await rawServer((request, response) => {
      request.resume().on('end', () => {
        step++;
        const headers = {
          location: `/v2/a/blobs/uploads/s?step=${step}`,
          range: request.headers['content-range'] ? `0-${request.headers['content-range'].split('-')[1]}` : '0-0',
        };
        if (request.method === 'PUT' && Number(request.headers['content-length']) > 0) response.writeHead(413).end();
        else response.writeHead(request.method === 'PUT' ? 201 : request.method === 'DELETE' ? 204 : 202, headers).end();
      });
    });
    await using client = testClient({ limits: { chunkBytes: 1000, minChunkBytes: 1 } });
    await client.repository({ registry: server.host, repository: 'a' }).putBlob(blobOf(randomBytes(2000)));
    const urls = server.requests.map(({ method, url }) => `${method} ${url!.replace(/&digest=.*/, '')}`);
    expect(urls).toEqual([
      'POST /v2/a/blobs/uploads/',
      'PUT /v2/a/blobs/uploads/s?step=1',
      'DELETE /v2/a/blobs/uploads/s?step=1',
      'POST /v2/a/blobs/uploads/',
      'PATCH /v2/a/blobs/uploads/s?step=4',
      'PATCH /v2/a/blobs/uploads/s?step=5',
      'PUT /v2/a/blobs/uploads/s?step=6',
    ]);
  });

  it.each([
    ['PATCH', 201],
    ['PATCH', 204],
    ['PUT', 200],
    ['PUT', 202],
    ['PUT', 204],
  ])('N24 takes %s answered %s', async (method, status) => {
    await using test = await rig(
      { maxBodyBytes: 600, ...(method === 'PATCH' ? { patchStatus: status } : {}) },
      { chunkBytes: 500, minChunkBytes: 1 },
    );
    const bytes = randomBytes(1000);
    const blob = blobOf(bytes);
    if (method === 'PUT')
      test.registry.failNext(/PUT .*digest=/, { change: (response) => (response.status === 201 ? { ...response, status } : response) }, 9);
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
  });

  it('N25 goes over to chunks after a 413, and halves them', async () => {
    await using test = await rig({ maxBodyBytes: 30_000 }, { chunkBytes: 80_000, minChunkBytes: 10_000 });
    const bytes = randomBytes(200_000);
    const blob = blobOf(bytes);
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
    const sizes = test.registry.requests
      .filter((request) => request.method === 'PATCH' && request.status === 202)
      .map((request) => request.bodyBytes);
    expect(sizes).toEqual(Array.from({ length: 10 }, () => 20_000));
  });

  it('N25 says what the registry says where even small chunks are too large', async () => {
    await using test = await rig({ maxBodyBytes: 100 }, { chunkBytes: 80_000, minChunkBytes: 10_000 });
    const failure = await failureOf(test.repository.putBlob(blobOf(randomBytes(200_000))));
    expect(failure).toMatchObject({ code: 'OCIDSL_REGISTRY_HTTP_413', kind: 'network' });
    expect(failure.hint).toContain('size limit');
  });

  it('N25 keeps to OCI-Chunk-Min-Length', async () => {
    await using test = await rig({ minChunkBytes: 50_000, maxBodyBytes: 60_000 }, { chunkBytes: 20_000, minChunkBytes: 1 });
    const bytes = randomBytes(220_000);
    const blob = blobOf(bytes);
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
    const sizes = test.registry.requests.filter((request) => request.method === 'PATCH').map((request) => request.bodyBytes);
    expect(sizes).toEqual([50_000, 50_000, 50_000, 50_000, 20_000]);
  });

  it('N25 goes over to chunks where a proxy closes the connection on large bodies', async () => {
    await using test = await rig({}, { chunkBytes: 50_000, resumeFromBytes: 1e9 });
    const bytes = randomBytes(200_000);
    const blob = blobOf(bytes);
    test.registry.failNext('PUT', { cutRequestAfter: 60_000 }, 2);
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
    expect(test.registry.requests.filter((request) => request.method === 'PATCH')).toHaveLength(4);
  });

  it('N7 waits as the registry asks when it is busy', async () => {
    await using test = await rig();
    test.registry.failNext('PUT', { status: 503, headers: { 'retry-after': '9' } });
    const bytes = randomBytes(1000);
    const blob = blobOf(bytes);
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
    expect(test.client.clock.sleeps).toEqual([9000]);
  });

  it('gives up after five attempts without progress, and cancels the session', async () => {
    await using test = await rig();
    test.registry.failNext('PUT', { status: 500 }, 99);
    expect(await failureOf(test.repository.putBlob(blobOf(randomBytes(10))))).toMatchObject({ code: 'OCIDSL_REGISTRY_HTTP_500' });
    expect(test.registry.requests.filter((request) => request.method === 'PUT')).toHaveLength(5);
    expect(test.registry.storage.repository('a').uploads.size).toBe(0);
  });

  it('does not give up while there is progress', async () => {
    await using test = await rig();
    const bytes = randomBytes(300_000);
    const blob = blobOf(bytes);
    test.registry.failNext(/PUT|PATCH/, { cutRequestAfter: 20_000 }, 14);
    await test.repository.putBlob(blob);
    expectStored(test.registry, bytes, blob.digest);
  });

  it('P4 is cancelled at the registry when it is interrupted', async () => {
    await using test = await rig();
    const stop = new AbortController();
    const blob = blobOf(randomBytes(300_000));
    const slow = {
      ...blob,
      signal: stop.signal,
      async *open() {
        yield Buffer.alloc(1000);
        stop.abort(new Error('interrupted'));
        await new Promise(() => undefined);
      },
    };
    await expect(test.repository.putBlob(slow)).rejects.toThrow('interrupted');
    // It goes over another connection, so it may even overtake the PUT.
    expect(test.registry.log().filter((line) => line.startsWith('DELETE '))).toHaveLength(1);
    expect(test.registry.storage.repository('a').uploads.size).toBe(0);
  });

  it('passes on what reading the blob throws', async () => {
    await using test = await rig();
    const broken = {
      ...blobOf(randomBytes(10)),
      async *open() {
        yield Buffer.alloc(1);
        throw Object.assign(new Error('disk is broken'), { code: 'EIO' });
      },
    };
    await expect(test.repository.putBlob(broken)).rejects.toThrow('disk is broken');
  });

  it('fails, and does not hang, where the blob is shorter than it should be', async () => {
    await using test = await rig();
    const short = { ...blobOf(randomBytes(10)), size: 20 };
    await expect(test.repository.putBlob(short)).rejects.toThrow('ended at 10 bytes, expected 20');
  });
});

for (const real of REAL_REGISTRIES.filter(({ program }) => program !== 'crane')) {
  const isThere = isInstalled(real.program);
  describe.skipIf(!isThere)(
    `uploads to ${real.name} through a connection that breaks${isThere ? '' : ` (skipped: ${real.program} is not installed)`}`,
    () => {
      it('N10 arrive whole whatever the place of the cut', { timeout: 60_000 }, async () => {
        const running = await real.start();
        try {
          for (let round = 0; round < 5; round++) {
            const random = seededRandom(round);
            await using proxy = await startChaosProxy(running.host, (connection) =>
              connection < 2 ? { direction: 'up', afterBytes: Math.floor(random() * 3e6), toxic: 'reset_peer' } : undefined,
            );
            await using client = testClient({ limits: LIMITS });
            const repository = client.repository({ registry: proxy.host, repository: `a${round}` });
            const bytes = randomBytes(2_000_000);
            const blob = blobOf(bytes);
            await repository.putBlob(blob);
            await using direct = testClient();
            const stored = direct.repository({ registry: running.host, repository: `a${round}` });
            expect((await collect(stored.readBlob(blob))).equals(bytes)).toBe(true);
          }
        } finally {
          await running.close();
        }
      });
    },
  );
}
