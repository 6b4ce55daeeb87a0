// Manifests and tag lists from servers that are slow to tell the truth.
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { failureOf, rawServer, testClient } from './rig.ts';

const OCI = 'application/vnd.oci.image.manifest.v1+json';
const MANIFEST = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI }));

describe('manifests', () => {
  const repositoryOf = (client: ReturnType<typeof testClient>, host: string) => client.repository({ registry: host, repository: 'a' });

  it('N6 asks with GET where HEAD is not known', async () => {
    await using registry = await startFakeRegistry({ noManifestHead: true });
    await using client = testClient();
    const digest = registry.storage.putManifest('a', OCI, MANIFEST, 't');
    expect(await repositoryOf(client, registry.host).headManifest('t')).toEqual({ mediaType: OCI, digest, size: MANIFEST.byteLength });
  });

  it('N3 asks with GET for the reason of a 403 to HEAD', async () => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    registry.failNext('HEAD', { status: 403 });
    registry.failNext('GET', { status: 403, body: JSON.stringify({ errors: [{ code: 'DENIED', message: 'plan expired' }] }) });
    const failure = await failureOf(repositoryOf(client, registry.host).headManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_REGISTRY_DENIED', kind: 'credentials' });
    expect(failure.message).toContain('plan expired');
  });

  it.each([
    ['by digest', `sha256:${sha256Hex(MANIFEST)}`],
    ['by tag', 't'],
  ])('N16 refuses a manifest that is not what Docker-Content-Digest says, %s', async (_, reference) => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    registry.storage.putManifest('a', OCI, MANIFEST, 't');
    registry.failNext('GET', { change: (response) => ({ ...response, body: Buffer.from('{"schemaVersion":3}') }) });
    const failure = await failureOf(repositoryOf(client, registry.host).getManifest(reference));
    expect(failure).toMatchObject({ code: 'OCIDSL_DIGEST_MISMATCH', kind: 'integrity' });
  });

  it('N16 believes the body where a manifest comes by digest and the header is wrong', async () => {
    await using registry = await startFakeRegistry({ contentDigest: `sha256:${'0'.repeat(64)}` });
    await using client = testClient();
    const digest = registry.storage.putManifest('a', OCI, MANIFEST);
    expect(await repositoryOf(client, registry.host).getManifest(digest)).toMatchObject({ digest });
  });

  it('N17 refuses another digest in the answer to a PUT', async () => {
    await using registry = await startFakeRegistry({ contentDigest: `sha256:${'0'.repeat(64)}` });
    await using client = testClient();
    expect(await failureOf(repositoryOf(client, registry.host).putManifest('t', OCI, MANIFEST))).toMatchObject({
      code: 'OCIDSL_DIGEST_MISMATCH',
      kind: 'integrity',
    });
  });

  it('N48 accepts a sha256 answer to a sha512 push, and verifies sha512', async () => {
    const digest = `sha512:${createHash('sha512').update(MANIFEST).digest('hex')}`;
    await using registry = await rawServer((request, response) => {
      if (request.method === 'PUT') return response.writeHead(201, { 'docker-content-digest': `sha256:${sha256Hex(MANIFEST)}` }).end();
      return response.writeHead(200, { 'content-type': OCI }).end(request.url!.endsWith('0'.repeat(128)) ? 'other' : MANIFEST);
    });
    await using client = testClient();
    const repository = repositoryOf(client, registry.host);
    expect(await repository.putManifest(digest, OCI, MANIFEST)).toEqual({ digest });
    expect(await repository.getManifest(digest)).toMatchObject({ digest });
    expect(await failureOf(repository.getManifest(`sha512:${'0'.repeat(128)}`))).toMatchObject({ kind: 'integrity' });
  });

  it.each([
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    'application/vnd.docker.distribution.manifest.v1+json; charset=utf-8',
  ])('N28 refuses %s', async (type) => {
    await using registry = await rawServer((_, response) => response.writeHead(200, { 'content-type': type }).end('{}'));
    await using client = testClient();
    const failure = await failureOf(repositoryOf(client, registry.host).getManifest('t'));
    expect(failure.code).toBe('OCIDSL_MANIFEST_SCHEMA1');
    expect(failure.hint).toContain('rebuild');
  });

  it('N31 CVE-2020-1702 stops reading a manifest at 8 MiB', async () => {
    let sent = 0;
    await using registry = await rawServer((_, response) => {
      response.writeHead(200, { 'content-type': OCI });
      const push = () => {
        while (response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', push);
      push();
    });
    await using client = testClient();
    expect(await failureOf(repositoryOf(client, registry.host).getManifest('t'))).toMatchObject({ code: 'OCIDSL_MANIFEST_TOO_LARGE' });
    expect(sent).toBeLessThan(40e6);
  });

  it('N31 warns before it pushes more than 4 MiB', async () => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    const large = Buffer.from(JSON.stringify({ schemaVersion: 2, annotations: { x: randomBytes(2.2e6).toString('hex') } }));
    expect(await failureOf(repositoryOf(client, registry.host).putManifest('t', OCI, large))).toMatchObject({
      code: 'OCIDSL_REGISTRY_MANIFEST_INVALID',
    });
    expect(client.events).toMatchObject([{ type: 'warning' }]);
  });

  it('repeats a PUT whose answer was lost', async () => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    registry.failNext('PUT', 'lost answer');
    await repositoryOf(client, registry.host).putManifest('t', OCI, MANIFEST);
    expect(registry.storage.repository('a').tags.get('t')).toBe(`sha256:${sha256Hex(MANIFEST)}`);
    expect(registry.log()).toEqual(['PUT /v2/a/manifests/t', 'PUT /v2/a/manifests/t']);
  });
});

describe('lists', () => {
  it('N41 ggcr#2332 reads all pages, ends a loop, and follows no link to another host', async () => {
    await using registry = await startFakeRegistry();
    await using client = testClient();
    const digest = registry.storage.putManifest('a', OCI, MANIFEST);
    for (let i = 10; i < 35; i++) registry.storage.repository('a').tags.set(`t${i}`, digest);
    const repository = client.repository({ registry: registry.host, repository: 'a' });
    expect(await repository.listTags(10)).toHaveLength(25);
    expect(registry.requests).toHaveLength(3);

    await using other = await rawServer((_, response) => response.end('{"tags":[]}'));
    const page = { status: 200, body: '{"tags":["x"]}' };
    registry.failNext('tags/list', { ...page, headers: { link: `<${other.origin}/v2/a/tags/list?last=x>; rel="next"` } });
    expect(await failureOf(repository.listTags())).toMatchObject({ code: 'OCIDSL_REGISTRY_PAGE' });
    expect(other.requests).toEqual([]);
    registry.failNext('tags/list', { ...page, headers: { link: '</v2/a/tags/list?last=x>; rel="next"' } }, 2);
    expect(await repository.listTags()).toEqual(['x', 'x']);
  });
});
