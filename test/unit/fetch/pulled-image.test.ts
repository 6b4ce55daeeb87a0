// Pulled images against the fake registry: which requests there are, what is in the store, and what is refused.
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf, formatDigest, type Digest } from '../../../lib/base/digest.ts';
import { createPulledImageDiscoverer } from '../../../lib/fetch/discover-pulled-image.ts';
import { registryBlobSource } from '../../../lib/fetch/registry-blob-source.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { NO_NETWORK } from '../no-network.ts';
import { blobOf, collect, testClient } from '../registry/rig.ts';
import { baseImage } from '../tools/image-fixtures.ts';

const IO = { workspaceRoot: '/', environment: {}, signal: new AbortController().signal };

async function rig() {
  const registry = await startFakeRegistry();
  const client = testClient();
  onTestFinished(async () => {
    await client.close();
    await registry[Symbol.asyncDispose]();
  });
  const image = baseImage();
  const repository = client.repository({ registry: registry.host, repository: 'acme/base' });
  await repository.putBlob(blobOf(image.config));
  await repository.putBlob(blobOf(image.layerBlob));
  await repository.putManifest(image.digest, OCI.manifest, image.manifest);
  const entry = {
    mediaType: OCI.manifest,
    digest: image.digest,
    size: image.manifest.length,
    platform: { os: 'linux', architecture: 'amd64' },
  };
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI.index, manifests: [entry] }));
  const indexDigest = formatDigest(digestOf(index));
  await repository.putManifest(indexDigest, OCI.index, index);
  const start = registry.requests.length;
  const cas = new MemoryCas();
  const discoverer = createPulledImageDiscoverer({ ...NO_NETWORK, cas, registry: async () => client });
  const asked = () => registry.requests.slice(start).map(({ method, path }) => `${method} ${path.replace(/^\/v2\/acme\/base\//, '')}`);
  const find = async (args: object) =>
    await discoverer.run({ repository: `${registry.host}/acme/base`, platform: 'linux/amd64', ...args }, IO);
  return { registry, client, image, indexDigest, cas, asked, find };
}

const configDigest = (image: ReturnType<typeof baseImage>) => formatDigest(digestOf(image.config));

describe('the discoverer pulled-image', () => {
  it('asks for index, manifest and config, and never for a layer', async () => {
    const { image, indexDigest, cas, asked, find } = await rig();
    const found = await find({ digest: indexDigest });
    expect(asked()).toEqual([`GET manifests/${indexDigest}`, `GET manifests/${image.digest}`, `GET blobs/${configDigest(image)}`]);
    const [config, manifest] = found.blobs as readonly { readonly name: string; readonly digest: Digest }[];
    expect([config!.name, manifest!.name]).toEqual(['config.json', 'manifest.json']);
    expect(await cas.readBytes(config!.digest)).toEqual(image.config);
    expect(await cas.readBytes(manifest!.digest)).toEqual(image.manifest);
    expect(found).toMatchObject({ files: [], watched: [], facts: { manifest: image.digest } });
  });

  it('makes two requests where a lock says which manifest it is, and none for what the store has', async () => {
    const { image, asked, find } = await rig();
    const pin = { digest: image.digest, size: image.manifest.length, mediaType: OCI.manifest };
    const found = await find(pin);
    expect(asked()).toHaveLength(2);
    expect(await find(pin)).toEqual(found);
    expect(asked()).toHaveLength(2);
  });

  it('says what to do about an image that is gone', async () => {
    const { find } = await rig();
    await expect(find({ digest: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
      code: 'OCIDSL_IMAGE_NOT_FOUND',
      hint: expect.stringContaining('ocidsl lock'),
    });
  });

  it('refuses other bytes than the digest says', async () => {
    const { registry, image, cas, find } = await rig();
    registry.failNext(`GET /v2/acme/base/manifests/${image.digest}`, { change: (response) => ({ ...response, body: Buffer.from('{}') }) });
    await expect(find({ digest: image.digest })).rejects.toMatchObject({ code: 'OCIDSL_DIGEST_MISMATCH' });
    expect(await cas.findMissing([digestOf(Buffer.from('{}'))])).toHaveLength(1);
  });

  it('refuses a platform that the image does not have', async () => {
    const { image, find } = await rig();
    await expect(find({ digest: image.digest, platform: 'linux/arm64' })).rejects.toMatchObject({ code: 'OCIDSL_PLATFORM_MISSING' });
  });
});

describe('registryBlobSource()', () => {
  it('has the blobs of its repository, asked for once, and reads them verified', async () => {
    const { registry, client, image, asked } = await rig();
    const source = registryBlobSource({ registry: registry.host, repository: 'acme/base' }, async () => client);
    const layer = digestOf(image.layerBlob);
    const other = digestOf(Buffer.from('other'));
    expect(await source.findMissing([layer, other])).toEqual([other]);
    expect(await source.findMissing([layer])).toEqual([]);
    expect(asked()).toHaveLength(2);
    expect(await collect(source.read(layer))).toEqual(image.layerBlob);
    expect(await source.readBytes(layer)).toEqual(image.layerBlob);
    await expect(source.readBytes(layer, 1)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_TOO_LARGE' });
  });
});
