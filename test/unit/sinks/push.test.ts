// Pushing whole images: order, skipping, mounting, several destinations, plans, and what a failure leaves behind.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { descriptorOf } from '../../../lib/oci/descriptor.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import { createRegistryClient } from '../../../lib/registry/client.ts';
import { pushImages, type PushedImage } from '../../../lib/sinks/push.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { isInstalled, REAL_REGISTRIES } from '../../conformance/real-registries.ts';
import { failureOf } from '../registry/rig.ts';
import { multiPlatformImage, pushRig } from './push-rig.ts';

describe('pushImages()', () => {
  it('gives the digest reference, and stores everything and the tags', async () => {
    await using test = await pushRig();
    const [pushed] = await test.push();
    expect(pushed!.reference).toBe(`${test.registry.host}/app@${test.root.digest}`);
    const { blobs, manifests, tags, uploads } = test.registry.storage.repository('app');
    expect([blobs.size, manifests.size, uploads.size]).toEqual([5, 3, 0]);
    expect([...tags]).toEqual([
      ['v1', test.root.digest],
      ['latest', test.root.digest],
    ]);
    expect(pushed!.summary.uploadedBytes).toBeGreaterThan(90_000);
  });

  it('N43 stores blobs before their manifest, manifests before the index, tags last', async () => {
    await using test = await pushRig({ latencyMs: 3 });
    await test.push();
    const puts = test.registry.requests.filter(({ method }) => method === 'PUT').map(({ path }) => path.replace(/\?.*/, ''));
    const index = puts.indexOf(`/v2/app/manifests/${test.root.digest}`);
    expect(puts.slice(index)).toEqual([`/v2/app/manifests/${test.root.digest}`, '/v2/app/manifests/v1', '/v2/app/manifests/latest']);
    expect(puts.slice(0, index).slice(-1)[0]).toContain('/manifests/');
    // The fake registry itself refuses a manifest whose children are missing.
    expect(test.registry.requests.filter(({ status }) => (status ?? 0) >= 400 && status !== 404)).toEqual([]);
  });

  it('uploads a shared layer once', async () => {
    await using test = await pushRig();
    await test.push();
    const uploads = test.registry.requests.filter(
      ({ method, path }) => method === 'PUT' && path.includes(encodeURIComponent(test.shared.digest)),
    );
    expect(uploads).toHaveLength(1);
  });

  it('asks for its tags only where nothing changed', async () => {
    await using test = await pushRig();
    await test.push();
    const before = test.registry.requests.length;
    const [pushed] = await test.push();
    expect(test.registry.log().slice(before)).toEqual(['HEAD /v2/app/manifests/v1', 'HEAD /v2/app/manifests/latest']);
    expect(pushed!.summary.uploadedBytes).toBe(0);
  });

  it('asks for the images of a missing index and for their blobs at the same time', async () => {
    let answered: number | undefined;
    const fault = (line: string) => {
      const isChild = ({ path }: { readonly path: string }) => test.manifests.some(({ digest }) => path.endsWith(digest));
      if (line.startsWith('HEAD /v2/app/blobs/')) answered ??= test.registry.requests.filter(isChild).length;
      return undefined;
    };
    await using test = await pushRig({ latencyMs: 50, fault });
    await test.push();
    expect(answered).toBe(0);
  });

  it('uploads only what a changed image lacks', async () => {
    await using test = await pushRig();
    test.registry.storage.putBlob('app', await test.source.readBytes({ hash: test.shared.digest.slice(7), sizeBytes: test.shared.size }));
    const [pushed] = await test.push();
    expect(pushed!.summary.outcomes.get(test.shared.digest)).toBe('present');
  });

  it('mounts what a candidate has and never reads it', async () => {
    await using test = await pushRig();
    const key = { hash: test.shared.digest.slice(7), sizeBytes: test.shared.size };
    test.registry.storage.putBlob('base', await test.source.readBytes(key));
    const source = {
      findMissing: test.source.findMissing.bind(test.source),
      readBytes: test.source.readBytes.bind(test.source),
      read: (digest: typeof key) => (digest.hash === key.hash ? expect.fail('a mounted layer was read') : test.source.read(digest)),
    };
    const [pushed] = await test.push({ source, mountCandidates: () => [test.at('base'), { registry: 'other.io', repository: 'x' }] });
    expect(pushed!.summary.outcomes.get(test.shared.digest)).toBe('mounted');
  });

  it('mounts from the first of several repositories of one registry', async () => {
    await using test = await pushRig();
    const destinations = ['one', 'two'].map((name) => ({ repository: test.at(name), tags: ['t'] }));
    const [, second] = await test.push({ destinations });
    expect(new Set([...second!.summary.outcomes].filter(([, outcome]) => outcome !== 'uploaded').map(([, outcome]) => outcome))).toEqual(
      new Set(['mounted']),
    );
    expect(test.registry.storage.repository('two').blobs.size).toBe(5);
  });

  it('N43 moves no tag anywhere unless every destination has everything', async () => {
    await using test = await pushRig();
    await using broken = await startFakeRegistry();
    broken.failNext(/PUT .*manifests/, { status: 403 }, 99);
    const destinations = [
      { repository: test.at('app'), tags: ['t'] },
      { repository: { registry: broken.host, repository: 'app' }, tags: ['t'] },
    ];
    expect(await failureOf(test.push({ destinations }))).toMatchObject({ code: 'OCIDSL_REGISTRY_HTTP_403', kind: 'credentials' });
    expect(test.registry.storage.repository('app').tags.size).toBe(0);
    expect(broken.storage.repository('app').tags.size).toBe(0);
  });

  it('N43 leaves the old tag whichever request fails', async () => {
    await using probe = await pushRig();
    await probe.push();
    const total = probe.registry.requests.length;
    for (let failing = 0; failing < total; failing++) {
      await using test = await pushRig();
      const old = test.registry.storage.putManifest('app', OCI.manifest, Buffer.from('{"schemaVersion":2}'), 'v1');
      test.registry.storage.repository('app').tags.set('latest', old);
      let seen = 0;
      const isTurn = { test: () => seen++ === failing } as unknown as RegExp;
      test.registry.failNext(isTurn, { status: 403 }, 1);
      const outcome = await test.push().then(
        () => 'pushed',
        () => 'failed',
      );
      const { tags, manifests, blobs } = test.registry.storage.repository('app');
      for (const digest of tags.values()) {
        expect(manifests.has(digest)).toBe(true);
        if (digest === test.root.digest) expect(blobs.size).toBe(5);
      }
      if (outcome === 'failed' && failing < total - 1) expect([...tags.values()]).toEqual([old, old]);
    }
  });

  it('N46 uploads again what the registry said it had, once', async () => {
    await using test = await pushRig();
    test.registry.failNext(`HEAD /v2/app/blobs/${test.shared.digest}`, { status: 200 });
    await test.push();
    expect(test.registry.storage.repository('app').blobs.has(test.shared.digest)).toBe(true);
    expect(test.registry.storage.repository('app').tags.get('v1')).toBe(test.root.digest);
  });

  it('N47 notices with verify that a registry stored nothing', async () => {
    await using test = await pushRig({ forgetsManifests: true, acceptsIncompleteManifests: true });
    expect(await failureOf(test.push({ verify: true }))).toMatchObject({ code: 'OCIDSL_PUSH_INCOMPLETE', kind: 'integrity' });
  });

  it('P4 stops when it is cancelled, moves no tag and leaves no session', async () => {
    await using test = await pushRig({ latencyMs: 20 });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('interrupted')), 50);
    await expect(test.push({ signal: stop.signal })).rejects.toThrow('interrupted');
    expect(test.registry.storage.repository('app').tags.size).toBe(0);
    expect(test.registry.storage.repository('app').uploads.size).toBe(0);
  });

  it('N30 leaves foreign layers where their urls are', async () => {
    await using test = await pushRig();
    const foreign = { mediaType: OCI.foreignLayerGzip, digest: `sha256:${'f'.repeat(64)}`, size: 9, urls: ['https://example.com/layer'] };
    const config = { mediaType: OCI.config, digest: (await put(test.source, '{}')).digest, size: 2 };
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI.manifest, config, layers: [foreign] }));
    await test.source.write(bytes);
    const [pushed] = await test.push({ root: descriptorOf(OCI.manifest, bytes) });
    expect(pushed!.summary.outcomes.get(foreign.digest)).toBe('foreign');
  });

  it('tells of every transfer', async () => {
    await using test = await pushRig();
    const events: string[] = [];
    await test.push({
      events: (event) => void events.push(event.type === 'transfer-finished' ? `${event.type} ${event.outcome}` : event.type),
    });
    expect(events.filter((event) => event === 'transfer-started')).toHaveLength(5);
    expect(events.filter((event) => event === 'transfer-finished done')).toHaveLength(5);
  });
});

describe('planPush()', () => {
  it('says what would be uploaded, mounted and skipped and which tags would move, and changes nothing', async () => {
    await using test = await pushRig();
    const bytes = await test.source.readBytes({ hash: test.shared.digest.slice(7), sizeBytes: test.shared.size });
    test.registry.storage.putBlob('app', bytes);
    const old = test.registry.storage.putManifest('app', OCI.manifest, Buffer.from('{}'), 'latest');
    const destinations = [{ repository: test.at('app'), tags: ['v1', 'latest'] }];
    const [plan] = await test.plan({ destinations });
    expect(plan!.blobs.find((blob) => blob.digest === test.shared.digest)?.action).toBe('skip');
    expect(plan!.blobs.filter((blob) => blob.action === 'upload')).toHaveLength(7);
    expect(plan!.uploadBytes).toBe(plan!.blobs.filter((blob) => blob.action === 'upload').reduce((sum, blob) => sum + blob.size, 0));
    expect(plan!.tags).toEqual([
      { tag: 'v1', to: test.root.digest },
      { tag: 'latest', from: old, to: test.root.digest },
    ]);
    expect(new Set(test.registry.requests.map(({ method }) => method))).toEqual(new Set(['HEAD']));
    const mounting = await test.plan({ destinations, mountCandidates: () => [test.at('base')] });
    expect(mounting[0]!.blobs.filter((blob) => blob.action === 'mount')).toHaveLength(4);
  });
});

const skopeo = spawnSync('skopeo', ['--version']).status === 0;
for (const real of REAL_REGISTRIES) {
  const isThere = isInstalled(real.program) && skopeo;
  describe.skipIf(!isThere)(
    `pushImages() to ${real.name}${isThere ? '' : ` (skipped: ${real.program} or skopeo is not installed)`}`,
    () => {
      it('stores what skopeo reads back, byte for byte', { timeout: 60_000 }, async () => {
        const image = await multiPlatformImage();
        const running = await real.start();
        const client = createRegistryClient({ environment: {} });
        try {
          const destinations = [{ repository: { registry: running.host, repository: 'acme/app' }, tags: ['v1'] }];
          const [[pushed]] = (await pushImages({ images: [{ ...image, destinations }], client, verify: true })) as [[PushedImage]];
          for (const name of [pushed.reference, `${running.host}/acme/app:v1`]) {
            const run = promisify(execFile);
            const { stdout } = await run('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${name}`], { encoding: 'buffer' });
            expect(descriptorOf(OCI.index, stdout).digest).toBe(image.root.digest);
          }
        } finally {
          await client.close();
          await running.close();
        }
      });
    },
  );
}

async function put(source: { write(data: Uint8Array): Promise<unknown> }, text: string) {
  const bytes = Buffer.from(text);
  await source.write(bytes);
  return descriptorOf(OCI.config, bytes);
}
