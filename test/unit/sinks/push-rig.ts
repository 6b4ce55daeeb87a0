// Images, a fake registry and a client for tests of pushes.
import { randomBytes } from 'node:crypto';
import { descriptorOf, type Descriptor } from '../../../lib/oci/descriptor.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import { planPush, type PushPlan } from '../../../lib/sinks/push-plan.ts';
import { pushImages, type PushedImage, type PushImage, type PushOptions } from '../../../lib/sinks/push.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { startFakeRegistry, type FakeRegistryOptions } from '../../../lib/testing/fake-registry.ts';
import { testClient } from '../registry/rig.ts';

/** An index that a test made. */
export interface MadeImage {
  readonly source: MemoryCas;
  readonly root: Descriptor;
  /** The layer that both platforms have. */
  readonly shared: Descriptor;
  readonly manifests: readonly Descriptor[];
}

/** Two platforms that share their first layer, below an index. */
export async function multiPlatformImage(first: Buffer = randomBytes(50_000)): Promise<MadeImage> {
  const source = new MemoryCas();
  const put = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
    await source.write(bytes);
    return descriptorOf(mediaType, bytes);
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const shared = await put(OCI.layerGzip, first);
  const manifests: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const layer = await put(OCI.layerGzip, randomBytes(20_000));
    const rootfs = { type: 'layers', diff_ids: [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`] };
    const config = await put(OCI.config, json({ architecture, os: 'linux', rootfs }));
    const manifest = await put(OCI.manifest, json({ schemaVersion: 2, mediaType: OCI.manifest, config, layers: [shared, layer] }));
    manifests.push({ ...manifest, platform: { os: 'linux', architecture } });
  }
  const root = await put(OCI.index, json({ schemaVersion: 2, mediaType: OCI.index, manifests }));
  return { source, root, shared, manifests };
}

/** What a push of one image is varied by. */
export type PushVariation = Partial<PushImage> & Partial<Omit<PushOptions, 'images'>>;

/** A fake registry, a client for it, and an image to push there as `app:v1` and `app:latest`. */
export async function pushRig(options: FakeRegistryOptions = {}) {
  const image = await multiPlatformImage();
  const registry = await startFakeRegistry(options);
  const client = testClient();
  const at = (repository: string) => ({ registry: registry.host, repository });
  const job = ({ root, source, destinations, mountCandidates, attachments, ...more }: PushVariation): PushOptions => ({
    client,
    images: [
      {
        root: root ?? image.root,
        source: source ?? image.source,
        destinations: destinations ?? [{ repository: at('app'), tags: ['v1', 'latest'] }],
        ...(mountCandidates && { mountCandidates }),
        ...(attachments && { attachments }),
      },
    ],
    ...more,
  });
  return {
    ...image,
    registry,
    client,
    at,
    push: async (more: PushVariation = {}): Promise<PushedImage[]> => (await pushImages(job(more)))[0]!,
    plan: async (more: PushVariation = {}): Promise<PushPlan[]> => (await planPush(job(more)))[0]!,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await registry.close();
    },
  };
}
