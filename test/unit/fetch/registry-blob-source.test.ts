// Blobs of a registry on their way to another one: what is asked for, and how much of it again after a cut.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { registryBlobSource } from '../../../lib/fetch/registry-blob-source.ts';
import { digestOf } from '../../../lib/base/digest.ts';
import { chainBlobSources } from '../../../lib/store/chain-blob-source.ts';
import { readFrom } from '../../../lib/store/blob-source.ts';
import { pushImages } from '../../../lib/sinks/push.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { collect, testClient, UPLOAD_LIMITS } from '../registry/rig.ts';
import { multiPlatformImage } from '../sinks/push-rig.ts';

const LAYER = randomBytes(3 << 20);

async function rig() {
  const base = await startFakeRegistry();
  const client = testClient({ limits: UPLOAD_LIMITS });
  base.storage.putBlob('base', LAYER);
  const name = { registry: base.host, repository: 'base' };
  const source = registryBlobSource(name, async () => client);
  const gets = () =>
    base.requests
      .filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'))
      .map(({ headers }) => headers['range'] ?? 'all');
  const close = async () => {
    await client.close();
    await base.close();
  };
  return { base, client, name, source, gets, [Symbol.asyncDispose]: close };
}

test('a blob is read from an offset by asking for the rest only', async () => {
  await using test = await rig();
  const rest = await collect(readFrom(test.source, digestOf(LAYER), 1_000_000));
  expect(rest.equals(LAYER.subarray(1_000_000))).toBe(true);
  expect(test.gets()).toEqual(['bytes=1000000-']);
});

test('reading from an offset goes on after a cut, from where it was', async () => {
  await using test = await rig();
  test.base.failNext('GET /v2/base/blobs', { cutResponseAfter: 500_000 });
  const rest = await collect(readFrom(test.source, digestOf(LAYER), 1_000_000));
  expect(rest.equals(LAYER.subarray(1_000_000))).toBe(true);
  expect(test.gets()).toEqual(['bytes=1000000-', expect.stringMatching(/^bytes=1[0-5]\d{5}-$/)]);
});

test('a registry that ignores ranges is read from its start, and the rest is what comes', async () => {
  await using test = await rig();
  test.base.failNext('GET /v2/base/blobs', { status: 200, body: LAYER });
  expect((await collect(readFrom(test.source, digestOf(LAYER), 2_000_000))).equals(LAYER.subarray(2_000_000))).toBe(true);
});

test('a source that cannot begin at an offset is read and skipped', async () => {
  const cas = new MemoryCas();
  const digest = await cas.write(LAYER);
  for (const offset of [0, 1, 1 << 20, LAYER.byteLength - 1, LAYER.byteLength])
    expect((await collect(readFrom(cas, digest, offset))).equals(LAYER.subarray(offset))).toBe(true);
});

test('a layer of another registry is streamed once, and after a cut from where the destination has it', async () => {
  await using test = await rig();
  await using destination = await startFakeRegistry();
  const { root, source: own, shared } = await multiPlatformImage(LAYER);
  // What is on this machine: everything but the layer.
  const missing = digestOf(LAYER);
  const documents = {
    findMissing: async (digests: Parameters<typeof own.findMissing>[0]) => digests.filter(({ hash }) => hash === missing.hash),
    read: own.read.bind(own),
    readBytes: own.readBytes.bind(own),
  };
  const source = chainBlobSources([documents, test.source]);
  destination.failNext(new RegExp(`^PUT .*${encodeURIComponent(shared.digest)}`), { cutRequestAfter: 2 << 20 });
  const destinations = ['one', 'two'].map((repository) => ({ repository: { registry: destination.host, repository }, tags: ['t'] }));
  await pushImages({ client: test.client, images: [{ root, source, destinations, mountCandidates: () => [test.name] }] });
  for (const name of ['one', 'two']) expect(destination.storage.repository(name).blobs.get(shared.digest)?.equals(LAYER)).toBe(true);
  expect(test.gets()).toEqual(['all', `bytes=${2 << 20}-`]);
});
