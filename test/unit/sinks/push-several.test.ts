// Several images and repositories in one push: what is asked and sent once, what is mounted, and that no tag moves before everything is stored.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { OCI } from '../../../lib/oci/media-types.ts';
import { planPush, type PushPlan } from '../../../lib/sinks/push-plan.ts';
import { pushImages, type PushedImage } from '../../../lib/sinks/push.ts';
import { startFakeRegistry, type FakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { failureOf } from '../registry/rig.ts';
import { multiPlatformImage, pushRig } from './push-rig.ts';

/** How often a blob was asked for, mounted and uploaded in a registry, over all of its repositories. */
function requestsFor({ requests }: FakeRegistry, digest: string) {
  const about = requests.filter(({ path }) => decodeURIComponent(path).includes(digest) && !path.includes('/manifests/'));
  const count = (method: string, part = '') => about.filter((each) => each.method === method && each.path.includes(part)).length;
  return { asked: count('HEAD'), mounted: count('POST', 'mount='), uploaded: count('PUT') };
}

const isWrite = ({ method }: { readonly method: string }) => !['GET', 'HEAD'].includes(method);

describe('several images in one push', () => {
  it('asks for a blob that they share once and uploads it once in a repository', async () => {
    await using test = await pushRig();
    const layer = randomBytes(30_000);
    const images = await Promise.all(['a', 'b', 'c'].map(async () => await multiPlatformImage(layer)));
    const pushed = await pushImages({
      client: test.client,
      images: images.map((image, i) => ({ ...image, destinations: [{ repository: test.at('app'), tags: [`v${i}`] }] })),
    });
    expect(requestsFor(test.registry, images[0]!.shared.digest)).toEqual({ asked: 1, mounted: 0, uploaded: 1 });
    expect(pushed.map(([each]) => each!.summary.outcomes.get(images[0]!.shared.digest))).toEqual(['uploaded', 'present', 'present']);
    const { blobs, tags } = test.registry.storage.repository('app');
    const sizes = [...blobs.values(), ...[...test.registry.storage.repository('app').manifests.values()].map(({ bytes }) => bytes)];
    expect(pushed.reduce((sum, [each]) => sum + each!.summary.uploadedBytes, 0)).toBe(
      sizes.reduce((sum, { byteLength }) => sum + byteLength, 0),
    );
    expect([...tags]).toEqual(images.map(({ root }, i) => [`v${i}`, root.digest]));
  });

  it('uploads such a blob to one repository of a registry and mounts it into the others', async () => {
    await using test = await pushRig({ latencyMs: 2 });
    const names = ['one', 'two', 'three', 'four'];
    const layer = randomBytes(30_000);
    const images = await Promise.all(names.map(async () => await multiPlatformImage(layer)));
    await pushImages({
      client: test.client,
      images: images.map((image, i) => ({ ...image, destinations: [{ repository: test.at(names[i]!), tags: ['t'] }] })),
    });
    expect(requestsFor(test.registry, images[0]!.shared.digest)).toEqual({ asked: 4, mounted: 3, uploaded: 1 });
    for (const name of names) expect(test.registry.storage.repository(name).blobs.has(images[0]!.shared.digest)).toBe(true);
  });

  it('mounts from a repository of the push that has had the blob all along, whichever comes first', async () => {
    await using test = await pushRig();
    await test.push({ destinations: [{ repository: test.at('old'), tags: ['t'] }] });
    const before = test.registry.requests.length;
    const [fresh, old] = await test.push({ destinations: ['new', 'old'].map((name) => ({ repository: test.at(name), tags: ['t'] })) });
    const blobs = ['mounted', 'uploaded'].map((outcome) => [...fresh!.summary.outcomes.values()].filter((each) => each === outcome).length);
    expect(blobs).toEqual([5, 3]);
    expect(old!.summary.uploadedBytes).toBe(0);
    expect(test.registry.requests.slice(before).filter(({ method }) => method === 'PATCH' || method === 'DELETE')).toEqual([]);
  });

  it('uploads once more where a registry does not mount', async () => {
    await using test = await pushRig({ mount: 202 });
    await test.push({ destinations: ['one', 'two'].map((name) => ({ repository: test.at(name), tags: ['t'] })) });
    expect(requestsFor(test.registry, test.shared.digest)).toEqual({ asked: 2, mounted: 1, uploaded: 2 });
  });

  it('stores everything of every image before any tag moves', async () => {
    await using test = await pushRig({ latencyMs: 1 });
    const images = await Promise.all(['a', 'b', 'c'].map(async () => await multiPlatformImage()));
    await pushImages({
      client: test.client,
      images: images.map((image, i) => ({ ...image, destinations: [{ repository: test.at(`app${i}`), tags: ['t', 'u'] }] })),
    });
    const writes = test.registry.requests.filter(isWrite).map(({ method, path }) => `${method} ${path}`);
    expect(writes.slice(-6)).toEqual([0, 1, 2].flatMap((i) => [`PUT /v2/app${i}/manifests/t`, `PUT /v2/app${i}/manifests/u`]));
    expect(writes.slice(0, -6).filter((line) => /manifests\/[tu]$/.test(line))).toEqual([]);
  });

  it('moves no tag of any where the last one fails', async () => {
    await using test = await pushRig();
    const images = await Promise.all(['a', 'b', 'c'].map(async () => await multiPlatformImage()));
    const old = test.registry.storage.putManifest('app0', OCI.manifest, Buffer.from('{"schemaVersion":2}'), 't');
    test.registry.failNext(`PUT /v2/app2/manifests/${images[2]!.root.digest}`, { status: 403 }, 9);
    const job = {
      client: test.client,
      images: images.map((image, i) => ({ ...image, destinations: [{ repository: test.at(`app${i}`), tags: ['t'] }] })),
    };
    expect(await failureOf(pushImages(job))).toMatchObject({ kind: 'credentials' });
    expect([0, 1, 2].map((i) => test.registry.storage.repository(`app${i}`).tags.get('t'))).toEqual([old, undefined, undefined]);
  });

  it('stops what goes on in other repositories when one fails, and leaves no session there', async () => {
    await using test = await pushRig({ latencyMs: 5 });
    await using broken = await startFakeRegistry();
    broken.failNext('POST', { status: 403 }, 99);
    const destinations = [
      { repository: test.at('app'), tags: ['t'] },
      { repository: { registry: broken.host, repository: 'app' }, tags: ['t'] },
    ];
    await failureOf(test.push({ destinations }));
    const { manifests, uploads } = test.registry.storage.repository('app');
    expect([manifests.size, uploads.size]).toEqual([0, 0]);
  });

  it('says which tags have moved where moving one of them fails', async () => {
    await using test = await pushRig();
    test.registry.failNext('PUT /v2/app/manifests/latest', { status: 409, body: 'immutable' }, 9);
    const warnings: string[] = [];
    const events = (event: { readonly type: string; readonly message?: string }) => {
      if (event.type === 'warning') warnings.push(event.message!);
    };
    await failureOf(test.push({ events }));
    expect(warnings).toEqual([`These tags had been moved before the push failed: ${test.registry.host}/app:v1`]);
  });

  it('refuses two images for one tag before anything is asked', async () => {
    await using test = await pushRig();
    const other = await multiPlatformImage();
    const destinations = [{ repository: test.at('app'), tags: ['t'] }];
    const job = { client: test.client, images: [test, other].map(({ root, source }) => ({ root, source, destinations })) };
    const expected = { code: 'OCIDSL_PUSH_TAG_TWICE', kind: 'config', message: expect.stringContaining('/app:t"') as string };
    expect(await failureOf(pushImages(job))).toMatchObject(expected);
    expect(await failureOf(planPush(job))).toMatchObject(expected);
    expect(test.registry.requests).toEqual([]);
  });

  it('sets a tag once where two targets push the same image to it', async () => {
    await using test = await pushRig();
    const destinations = [{ repository: test.at('app'), tags: ['t'] }];
    await pushImages({ client: test.client, images: [test, test].map(({ root, source }) => ({ root, source, destinations })) });
    expect(test.registry.log().filter((line) => line === 'PUT /v2/app/manifests/t')).toHaveLength(1);
  });

  it('asks for each tag and for nothing else where nothing changed', async () => {
    await using test = await pushRig();
    const images = await Promise.all(['a', 'b', 'c'].map(async () => await multiPlatformImage()));
    const job = {
      client: test.client,
      images: images.map((image, i) => ({ ...image, destinations: [{ repository: test.at(`app${i}`), tags: ['t'] }] })),
    };
    await pushImages(job);
    const before = test.registry.requests.length;
    await pushImages(job);
    expect(test.registry.log().slice(before).sort()).toEqual([0, 1, 2].map((i) => `HEAD /v2/app${i}/manifests/t`));
  });

  it('only sets the tag where the image is there under another one', async () => {
    await using test = await pushRig();
    await test.push();
    const before = test.registry.requests.length;
    await test.push({ destinations: [{ repository: test.at('app'), tags: ['v2'] }] });
    expect(test.registry.log().slice(before)).toEqual([
      'HEAD /v2/app/manifests/v2',
      `HEAD /v2/app/manifests/${test.root.digest}`,
      'PUT /v2/app/manifests/v2',
    ]);
  });

  it('pushes by digest alone where there are no tags', async () => {
    await using test = await pushRig();
    await test.push({ destinations: [{ repository: test.at('app'), tags: [] }] });
    expect(test.registry.storage.repository('app').manifests.has(test.root.digest)).toBe(true);
    expect(test.registry.storage.repository('app').tags.size).toBe(0);
  });
});

describe('a blob that only another registry has', () => {
  it('is not read where the destination has it, and neither is where it comes from asked', async () => {
    await using test = await pushRig();
    await test.push();
    const source = { ...forbidden(), readBytes: test.source.readBytes.bind(test.source) };
    await test.push({ source, destinations: [{ repository: test.at('app'), tags: ['other'] }] });
    await test.push({ source, destinations: [{ repository: test.at('copy'), tags: ['t'] }], mountCandidates: () => [test.at('app')] });
    expect(test.registry.storage.repository('copy').blobs.size).toBe(5);
  });

  it('is read once for each registry', async () => {
    await using test = await pushRig();
    await using other = await startFakeRegistry();
    const reads = new Map<string, number>();
    const source = {
      findMissing: test.source.findMissing.bind(test.source),
      readBytes: test.source.readBytes.bind(test.source),
      read(digest: { readonly hash: string; readonly sizeBytes: number }) {
        reads.set(digest.hash, (reads.get(digest.hash) ?? 0) + 1);
        return test.source.read(digest);
      },
    };
    const destinations = [test.registry.host, other.host].flatMap((registry) =>
      ['one', 'two', 'three'].map((repository) => ({ repository: { registry, repository }, tags: ['t'] })),
    );
    await test.push({ source, destinations });
    expect([...reads.values()]).toEqual([2, 2, 2, 2, 2]);
  });

  it('is read from where the upload broke off', async () => {
    await using test = await pushRig();
    const layer = randomBytes(3 << 20);
    const image = await multiPlatformImage(layer);
    const offsets: number[] = [];
    const source = {
      findMissing: image.source.findMissing.bind(image.source),
      readBytes: image.source.readBytes.bind(image.source),
      read: image.source.read.bind(image.source),
      async *readFrom(digest: { readonly hash: string }, offset: number) {
        expect(digest.hash).toBe(image.shared.digest.slice(7));
        offsets.push(offset);
        yield layer.subarray(offset);
      },
    };
    test.registry.failNext(new RegExp(`^PUT .*${encodeURIComponent(image.shared.digest)}`), { cutRequestAfter: 2 << 20 });
    await test.push({ root: image.root, source });
    expect(offsets).toEqual([2 << 20]);
    expect(test.registry.storage.repository('app').blobs.get(image.shared.digest)?.equals(layer)).toBe(true);
  });
});

describe('planPush() of several images', () => {
  it('counts what they share once, and mounts it in the second repository', async () => {
    await using test = await pushRig();
    const layer = randomBytes(30_000);
    const [a, b, c] = await Promise.all([multiPlatformImage(layer), multiPlatformImage(layer), multiPlatformImage(layer)]);
    const plans = await planPush({
      client: test.client,
      images: [a, b, c].map((image, i) => ({ ...image, destinations: [{ repository: test.at(i < 2 ? 'one' : 'two'), tags: ['t' + i] }] })),
    });
    const shared = plans.map(([plan]) => plan!.blobs.find(({ digest }) => digest === a.shared.digest)!);
    expect(shared.map(({ action, from }) => [action, from])).toEqual([
      ['upload', undefined],
      ['skip', undefined],
      ['mount', `${test.registry.host}/one`],
    ]);
    expect(test.registry.requests.filter(isWrite)).toEqual([]);
  });

  it('promises what the push then does', async () => {
    await using test = await pushRig();
    await test.push({ destinations: [{ repository: test.at('base'), tags: ['t'] }] });
    const image = await multiPlatformImage(await test.source.readBytes({ hash: test.shared.digest.slice(7), sizeBytes: test.shared.size }));
    const job = {
      client: test.client,
      images: [
        { ...image, destinations: [{ repository: test.at('app'), tags: ['t'] }], mountCandidates: candidatesOf(test.shared.digest) },
      ],
    };
    function candidatesOf(digest: string) {
      return (descriptor: { readonly digest: string }) => (descriptor.digest === digest ? [test.at('base')] : []);
    }
    const [[plan]] = (await planPush(job)) as [[PushPlan]];
    const [[pushed]] = (await pushImages(job)) as [[PushedImage]];
    const DONE: Readonly<Record<string, string>> = { upload: 'uploaded', mount: 'mounted', skip: 'present' };
    expect(plan.blobs.map(({ digest, action }) => [digest, DONE[action]])).toEqual([...pushed.summary.outcomes]);
    expect(plan.uploadBytes).toBe(pushed.summary.uploadedBytes);
    expect(plan.blobs.filter(({ action }) => action === 'mount')).toHaveLength(1);
  });

  it('sets an unchanged tag to what it is', async () => {
    await using test = await pushRig();
    await test.push();
    const [plan] = await test.plan();
    expect(plan!.tags).toEqual(['v1', 'latest'].map((tag) => ({ tag, from: test.root.digest, to: test.root.digest })));
    expect(new Set(plan!.blobs.map(({ action }) => action))).toEqual(new Set(['skip']));
    expect(plan!.uploadBytes).toBe(0);
  });
});

// A source of documents only: whoever asks for more fails the test.
function forbidden() {
  const fail = (): never => expect.fail('a blob was looked for or read');
  return { findMissing: fail, read: fail, localPath: fail, readFrom: fail };
}
