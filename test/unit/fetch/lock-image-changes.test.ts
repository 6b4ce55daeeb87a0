// imageChanges(): what moved with a tag, read from the registry.
import { expect, it } from 'vitest';
import { registryDocuments } from '../../../lib/fetch/registry-documents.ts';
import { imageChanges } from '../../../lib/fetch/lock-image-changes.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import { parsePlatform } from '../../../lib/oci/platform.ts';
import type { LockedImage } from '../../../lib/plan/lock.ts';
import { startFakeRegistry, type FakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { testClient } from '../registry/rig.ts';
import { putImage, type PlacedDescriptor } from './image-documents.ts';

const pin = (platforms: Record<string, PlacedDescriptor>): LockedImage => ({
  mediaType: OCI.index,
  digest: `sha256:${'0'.repeat(64)}`,
  size: 1,
  platforms,
});

async function changes(registry: FakeRegistry, from: LockedImage, to: LockedImage, used: string[]) {
  await using client = testClient();
  const repository = client.repository({ registry: registry.host, repository: 'base' });
  return await imageChanges(from, to, used.map(parsePlatform), registryDocuments(repository, 'image', new AbortController().signal));
}

const OLD = { layers: ['one', 'two'], created: '2026-10-01T00:00:00Z' };
const NEW = { layers: ['one', 'two', 'three'], created: '2026-11-01T00:00:00Z' };

it('compares the images of the platforms that are used, and reads no other', async () => {
  await using registry = await startFakeRegistry();
  const [old, now] = [putImage(registry, 'base', OLD), putImage(registry, 'base', NEW)];
  const arm = [
    putImage(registry, 'base', { ...OLD, architecture: 'arm64' }),
    putImage(registry, 'base', { ...NEW, architecture: 'arm64' }),
  ];
  const from = pin({ 'linux/amd64': old, 'linux/arm64': arm[0]! });
  const to = pin({ 'linux/amd64': now, 'linux/arm64': arm[1]! });
  expect(await changes(registry, from, to, ['linux/amd64'])).toEqual([
    {
      platform: 'linux/amd64',
      from: old.digest,
      to: now.digest,
      contents: { layersAdded: 1, layersRemoved: 0, createdFrom: OLD.created, createdTo: NEW.created },
    },
    { platform: 'linux/arm64', from: arm[0]!.digest, to: arm[1]!.digest },
  ]);
  expect(registry.requests).toHaveLength(4);
});

it('says nothing of a platform that stayed, and asks for nothing', async () => {
  await using registry = await startFakeRegistry();
  const image = putImage(registry, 'base', OLD);
  expect(await changes(registry, pin({ 'linux/amd64': image }), pin({ 'linux/amd64': image }), ['linux/amd64'])).toEqual([]);
  expect(registry.requests).toEqual([]);
});

it('knows a platform by another spelling, and platforms that came and went', async () => {
  await using registry = await startFakeRegistry();
  const [old, now] = [putImage(registry, 'base', OLD), putImage(registry, 'base', NEW)];
  const from = pin({ 'linux/arm64': old, 'linux/386': old });
  const to = pin({ 'linux/arm64/v8': now, 'linux/s390x': now });
  expect(await changes(registry, from, to, ['linux/arm64'])).toMatchObject([
    { platform: 'linux/arm64/v8', from: old.digest, to: now.digest, contents: { layersAdded: 1 } },
    { platform: 'linux/s390x', to: now.digest },
    { platform: 'linux/386', from: old.digest },
  ]);
});

it('says less where the old image is gone', async () => {
  await using registry = await startFakeRegistry();
  const old = putImage(registry, 'base', OLD);
  registry.storage.repository('base').manifests.delete(old.digest);
  const now = putImage(registry, 'base', NEW);
  expect(await changes(registry, pin({ 'linux/amd64': old }), pin({ 'linux/amd64': now }), ['linux/amd64'])).toEqual([
    { platform: 'linux/amd64', from: old.digest, to: now.digest },
  ]);
});

it('counts a layer that appears twice as often as it does', async () => {
  await using registry = await startFakeRegistry();
  const old = putImage(registry, 'base', { layers: ['one'] });
  const now = putImage(registry, 'base', { layers: ['two', 'two'] });
  expect(await changes(registry, pin({ 'linux/amd64': old }), pin({ 'linux/amd64': now }), ['linux/amd64'])).toMatchObject([
    { contents: { layersAdded: 2, layersRemoved: 1 } },
  ]);
});
