// Referrers, with the API and without.
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { fallbackTag } from '../../../lib/registry/referrers.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import type { FakeRegistryOptions } from '../../../lib/testing/fake-registry.ts';
import { failureOf, testClient } from './rig.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

async function rig(options: FakeRegistryOptions = {}) {
  const registry = await startFakeRegistry(options);
  const client = testClient();
  const repository = client.repository({ registry: registry.host, repository: 'a' });
  const empty = Buffer.from('{}');
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: registry.storage.putBlob('a', empty), size: 2 };
  const image = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [config] }));
  const subject = { mediaType: MANIFEST, digest: registry.storage.putManifest('a', MANIFEST, image), size: image.byteLength };
  const referrer = (artifactType: string, note: string) => {
    const document = { schemaVersion: 2, mediaType: MANIFEST, artifactType, config, layers: [config], subject, annotations: { note } };
    const bytes = Buffer.from(JSON.stringify(document));
    return { bytes, digest: `sha256:${sha256Hex(bytes)}` };
  };
  const put = (artifactType: string, note: string) => {
    const { bytes, digest } = referrer(artifactType, note);
    return repository.putReferrer(digest, bytes);
  };
  const close = async () => {
    await client.close();
    await registry.close();
  };
  return { registry, client, repository, subject, put, [Symbol.asyncDispose]: close };
}

describe.each([
  ['with the API', {}],
  ['without the API', { referrers: false }],
])('N26 referrers %s', (_, options) => {
  it('are found again, by artifact type too, with their annotations', async () => {
    await using test = await rig(options);
    await test.put('application/x-sbom', 'one');
    await test.put('application/x-signature', 'two');
    await test.put('application/x-signature', 'two');
    const all = await test.repository.listReferrers(test.subject.digest);
    expect(all.map((descriptor) => [descriptor.artifactType, descriptor.annotations?.['note']])).toEqual([
      ['application/x-sbom', 'one'],
      ['application/x-signature', 'two'],
    ]);
    expect(await test.repository.listReferrers(test.subject.digest, 'application/x-sbom')).toHaveLength(1);
    expect(test.registry.storage.repository('a').tags.has(fallbackTag(test.subject.digest))).toBe('referrers' in options);
  });

  it('of something without any are none', async () => {
    await using test = await rig(options);
    expect(await test.repository.listReferrers(`sha256:${'0'.repeat(64)}`)).toEqual([]);
  });
});

describe('N26 the fallback tag', () => {
  it.each([400, 404, 405, 406])('is read where the API answers %s', async (status) => {
    await using test = await rig({ referrers: false });
    await test.put('application/x-sbom', 'one');
    test.registry.failNext('/referrers/', { status });
    expect(await test.repository.listReferrers(test.subject.digest)).toHaveLength(1);
  });

  it('is read where the API answers 200 with a web page', async () => {
    await using test = await rig({ referrers: false });
    await test.put('application/x-sbom', 'one');
    test.registry.failNext('/referrers/', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' });
    expect(await test.repository.listReferrers(test.subject.digest)).toHaveLength(1);
  });

  it('is not overwritten where it is not an index', async () => {
    await using test = await rig({ referrers: false });
    const tag = fallbackTag(test.subject.digest);
    test.registry.storage.repository('a').tags.set(tag, test.subject.digest);
    expect(await failureOf(test.put('application/x-sbom', 'one'))).toMatchObject({ code: 'OCIDSL_REFERRERS_TAG' });
    expect(test.registry.storage.repository('a').tags.get(tag)).toBe(test.subject.digest);
  });

  it('keeps what another writer added between reading and writing', async () => {
    await using test = await rig({ referrers: false });
    await test.put('application/x-sbom', 'one');
    const tag = fallbackTag(test.subject.digest);
    const { tags } = test.registry.storage.repository('a');
    const before = tags.get(tag)!;
    let isFirst = true;
    // Right after our write somebody else writes the list that they had read before it.
    test.registry.failNext(
      `PUT /v2/a/manifests/${tag}`,
      {
        change: (response) => {
          if (isFirst) tags.set(tag, before);
          isFirst = false;
          return response;
        },
      },
      2,
    );
    await test.put('application/x-signature', 'two');
    expect(await test.repository.listReferrers(test.subject.digest)).toHaveLength(2);
  });

  it('is made of at most 32 and 64 characters that a tag may have', () => {
    expect(fallbackTag(`sha256:${'a'.repeat(64)}`)).toBe(`sha256-${'a'.repeat(64)}`);
    expect(fallbackTag(`sha512:${'a'.repeat(128)}`)).toBe(`sha512-${'a'.repeat(64)}`);
    expect(fallbackTag('x+y:a')).toBe('x-y-a');
    expect(fallbackTag(`sha256:${'a'.repeat(64)}`).length).toBeLessThan(129);
  });
});
