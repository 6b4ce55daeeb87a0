// lockImage(): what a tag stands for, in how many requests, and what is refused.
import { describe, expect, it } from 'vitest';
import { lockImage } from '../../../lib/fetch/lock-image.ts';
import { DOCKER, OCI } from '../../../lib/oci/media-types.ts';
import { startFakeRegistry, type FakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { failureOf, testClient } from '../registry/rig.ts';
import { putImage, putIndex } from './image-documents.ts';

const linux = (architecture: string, variant?: string) => ({
  platform: { architecture, os: 'linux', ...(variant === undefined ? {} : { variant }) },
});

async function lock(registry: FakeRegistry, tag = 'base:1', platforms?: readonly string[], signal = new AbortController().signal) {
  await using client = testClient();
  return await lockImage({ kind: 'image', reference: `${registry.host}/${tag}`, platforms }, client, signal);
}

describe('lockImage()', () => {
  it('pins an index with the manifest of each platform, in one request', async () => {
    await using registry = await startFakeRegistry();
    const amd64 = putImage(registry, 'base');
    const arm64 = putImage(registry, 'base', { architecture: 'arm64', variant: 'v8' });
    const index = putIndex(
      registry,
      'base',
      [
        { ...amd64, ...linux('amd64') },
        { ...arm64, ...linux('arm64', 'v8') },
      ],
      '1',
    );
    const pin = await lock(registry);
    expect(pin).toEqual({ ...index, platforms: { 'linux/amd64': amd64, 'linux/arm64/v8': arm64 } });
    expect(registry.log()).toEqual(['GET /v2/base/manifests/1']);
  });

  it('pins a single manifest with the platform of its config, in two requests', async () => {
    await using registry = await startFakeRegistry();
    const manifest = putImage(registry, 'base', { architecture: 'arm', variant: 'v6' }, '1');
    expect(await lock(registry)).toEqual({ ...manifest, platforms: { 'linux/arm/v6': manifest } });
    expect(registry.log()).toHaveLength(2);
  });

  it('pins Docker documents as they are', async () => {
    await using registry = await startFakeRegistry();
    const manifest = putImage(registry, 'base', { manifestType: DOCKER.manifest, configType: DOCKER.config });
    const index = putIndex(registry, 'base', [{ ...manifest, ...linux('amd64') }], '1', DOCKER.index);
    expect(await lock(registry)).toEqual({ ...index, platforms: { 'linux/amd64': manifest } });
  });

  it('leaves attestations, unknown media types and artifacts out', async () => {
    await using registry = await startFakeRegistry();
    const amd64 = putImage(registry, 'base');
    const attestation = {
      ...putImage(registry, 'base', { created: '2026-01-01T00:00:00Z' }),
      platform: { os: 'unknown', architecture: 'unknown' },
    };
    const other = { mediaType: 'application/vnd.example+json', digest: `sha256:${'0'.repeat(64)}`, size: 1 };
    const chart = putImage(registry, 'base', { configType: 'application/vnd.cncf.helm.config.v1+json' });
    putIndex(registry, 'base', [attestation, other, chart, { ...amd64, ...linux('amd64') }], '1');
    expect((await lock(registry)).platforms).toEqual({ 'linux/amd64': amd64 });
  });

  it('follows nested indexes, and asks the config where no index says the platform', async () => {
    await using registry = await startFakeRegistry();
    const amd64 = putImage(registry, 'base');
    const arm64 = putImage(registry, 'base', { architecture: 'arm64' });
    const inner = putIndex(registry, 'base', [arm64]);
    putIndex(registry, 'base', [{ ...amd64, ...linux('amd64') }, inner], '1');
    expect((await lock(registry)).platforms).toEqual({ 'linux/amd64': amd64, 'linux/arm64': arm64 });
  });

  it('bounds the nesting', async () => {
    await using registry = await startFakeRegistry();
    let entry = putIndex(registry, 'base', [{ ...putImage(registry, 'base'), ...linux('amd64') }]);
    for (let i = 0; i < 20; i++) entry = putIndex(registry, 'base', [entry], '1');
    expect(await failureOf(lock(registry))).toMatchObject({ code: 'OCIDSL_INDEX_LIMIT', kind: 'integrity' });
  });

  it('takes the first of two manifests for one platform, however it is spelt', async () => {
    await using registry = await startFakeRegistry();
    const first = putImage(registry, 'base', { architecture: 'arm64', variant: 'v8' });
    const second = putImage(registry, 'base', { architecture: 'arm64', layers: ['other'] });
    putIndex(
      registry,
      'base',
      [
        { ...first, ...linux('arm64', 'v8') },
        { ...second, ...linux('arm64') },
      ],
      '1',
    );
    expect((await lock(registry)).platforms).toEqual({ 'linux/arm64/v8': first });
  });

  it('has requested platforms under another spelling, and for an older CPU', async () => {
    await using registry = await startFakeRegistry();
    const arm64 = putImage(registry, 'base', { architecture: 'arm64' });
    const amd64 = putImage(registry, 'base');
    putIndex(
      registry,
      'base',
      [
        { ...arm64, ...linux('arm64') },
        { ...amd64, ...linux('amd64') },
      ],
      '1',
    );
    const pin = await lock(registry, 'base:1', ['linux/arm64/v8', 'linux/amd64/v3']);
    expect(Object.keys(pin.platforms)).toEqual(['linux/arm64', 'linux/amd64']);
  });

  it('lists what there is where a requested platform is absent', async () => {
    await using registry = await startFakeRegistry();
    putIndex(registry, 'base', [{ ...putImage(registry, 'base'), ...linux('amd64') }], '1');
    expect(await failureOf(lock(registry, 'base:1', ['linux/amd64', 'linux/s390x']))).toMatchObject({
      code: 'OCIDSL_PLATFORM_MISSING',
      message: `Cannot find platform "linux/s390x" in image "${registry.host}/base:1": it has linux/amd64, expected one that runs on linux/s390x`,
    });
    const missing = { code: 'OCIDSL_PLATFORM_MISSING' };
    expect(await failureOf(lock(registry, 'base:1', ['linux/riscv64', 'linux/s390x']))).toMatchObject({ errors: [missing, missing] });
  });

  it.each(['base:2', 'nothing:1'])('says that %s does not exist', async (name) => {
    await using registry = await startFakeRegistry();
    putImage(registry, 'base', {}, '1');
    expect(await failureOf(lock(registry, name))).toMatchObject({
      code: 'OCIDSL_IMAGE_UNKNOWN',
      kind: 'config',
      message: `Cannot find image "${registry.host}/${name}": ${registry.host} has no such tag or repository, expected one that exists`,
      hint: expect.stringContaining('Check the name and the tag'),
    });
  });

  it('refuses schema 1 with a hint', async () => {
    await using registry = await startFakeRegistry();
    registry.storage.putManifest('base', OCI.manifest, Buffer.from('{"schemaVersion":1,"fsLayers":[],"history":[]}'), '1');
    for (const type of [DOCKER.schema1, DOCKER.schema1Signed, OCI.manifest]) {
      registry.failNext('manifests/1', { change: (response) => ({ ...response, headers: { ...response.headers, 'content-type': type } }) });
      expect(await failureOf(lock(registry))).toMatchObject({ code: 'OCIDSL_MANIFEST_SCHEMA1', hint: expect.stringContaining('Ask ') });
    }
  });

  it('refuses what is no container image', async () => {
    await using registry = await startFakeRegistry();
    putImage(registry, 'base', { configType: 'application/vnd.cncf.helm.config.v1+json' }, '1');
    putIndex(registry, 'base', [], '2');
    putImage(registry, 'base', {}, '3');
    registry.failNext('manifests/3', { change: (response) => ({ ...response, headers: { 'content-type': 'text/html' } }) });
    for (const tag of ['1', '2', '3'])
      expect(await failureOf(lock(registry, `base:${tag}`))).toMatchObject({ code: 'OCIDSL_NOT_AN_IMAGE' });
  });

  it('refuses a document that is an index and a manifest', async () => {
    await using registry = await startFakeRegistry();
    const { config } = { config: putImage(registry, 'base') };
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [], manifests: [] }));
    for (const type of [OCI.index, OCI.manifest]) {
      registry.storage.putManifest('base', type, bytes, '1');
      expect(await failureOf(lock(registry))).toMatchObject({ code: 'OCIDSL_MANIFEST_AMBIGUOUS', kind: 'integrity' });
    }
  });

  it('refuses an answer that is not what the registry says that it is', async () => {
    await using registry = await startFakeRegistry();
    putImage(registry, 'base', {}, '1');
    registry.failNext('manifests/1', { change: (response) => ({ ...response, body: Buffer.from('{}') }) });
    expect(await failureOf(lock(registry))).toMatchObject({ code: 'OCIDSL_DIGEST_MISMATCH', kind: 'integrity' });
  });

  it('says so where a nested index is missing, has another size, or is too large', async () => {
    await using registry = await startFakeRegistry();
    const inner = putIndex(registry, 'base', [{ ...putImage(registry, 'base'), ...linux('amd64') }]);
    putIndex(registry, 'base', [{ ...inner, size: inner.size + 1 }], '1');
    putIndex(registry, 'base', [{ ...inner, size: 1e9 }], '2');
    putIndex(registry, 'base', [{ ...inner, digest: `sha256:${'0'.repeat(64)}` }], '3');
    expect(await failureOf(lock(registry, 'base:1'))).toMatchObject({ code: 'OCIDSL_DOCUMENT_SIZE', kind: 'integrity' });
    expect(await failureOf(lock(registry, 'base:2'))).toMatchObject({ code: 'OCIDSL_DOCUMENT_SIZE', kind: 'integrity' });
    expect(await failureOf(lock(registry, 'base:3'))).toMatchObject({ code: 'OCIDSL_IMAGE_INCOMPLETE', kind: 'network' });
  });

  it('is interrupted while it waits for the registry', async () => {
    await using registry = await startFakeRegistry();
    putImage(registry, 'base', {}, '1');
    const stop = new AbortController();
    registry.failNext('manifests/1', {
      change: (response) => {
        stop.abort(new Error('stopped by the test'));
        return response;
      },
    });
    expect((await failureOf(lock(registry, 'base:1', undefined, stop.signal))).message).toContain('stopped by the test');
    expect(registry.log()).toEqual(['GET /v2/base/manifests/1']);
  });
});
