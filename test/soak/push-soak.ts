// Pushes through faults, looked at after each one: no wrong blob, no document without what it names, no tag that a failed push moved.
import { randomBytes } from 'node:crypto';
import { sha256Hex } from '../../lib/base/digest.ts';
import { createRegistryClient } from '../../lib/registry/client.ts';
import type { RegistryClient } from '../../lib/registry/client.ts';
import { systemClock } from '../../lib/registry/http.ts';
import { pushImages } from '../../lib/sinks/push.ts';
import { startFakeRegistry } from '../../lib/testing/fake-registry.ts';
import type { FakeFault, FakeRegistry } from '../../lib/testing/fake-registry.ts';
import { randomPlan, seededRandom, startChaosProxy } from '../chaos-proxy.ts';
import { REAL_REGISTRIES } from '../conformance/real-registries.ts';
import { multiPlatformImage } from '../unit/sinks/push-rig.ts';
import type { MadeImage } from '../unit/sinks/push-rig.ts';

/** What a soak is asked to do. */
export interface PushSoakOptions {
  readonly pushes: number;
  /** Makes faults, and the share of them, the same in each run. */
  readonly seed: number;
  /**
   * Share of the requests that go wrong (default: 0.2) or, with docker-registry, of the connections that are to (default: 0.4, since half of them
   * end before their fault's turn comes).
   */
  readonly rate?: number;
}

/** What came of it. */
export interface PushSoakResult {
  readonly pushed: number;
  readonly failed: number;
  /** Requests, or connections, and those of them that a fault hit. */
  readonly attempts: number;
  readonly faults: number;
  /** Blobs whose bytes have another digest than they are stored under. */
  readonly wrongBlobs: number;
  /** Tags that were not where they had to be: moved by a push that failed before it got to them, or not moved by one that succeeded. */
  readonly wrongTags: number;
  /** Tags whose image lacks something. */
  readonly incomplete: number;
  /** Failed pushes whose last request moved the tag and whose answer was lost: the tag's image is whole. */
  readonly unanswered: number;
}

const REPOSITORY = 'soak/app';
const TAG = 'v1';

/** Pushes to a fake registry of which a share of all requests fails, in every way that it knows. */
export async function soakFakeRegistry(options: PushSoakOptions): Promise<PushSoakResult> {
  const random = seededRandom(options.seed);
  let faults = 0;
  await using registry = await startFakeRegistry({
    location: 'relative',
    fault: () => {
      if (random() >= (options.rate ?? 0.2)) return undefined;
      faults++;
      return pickFault(random);
    },
  });
  const result = { pushed: 0, failed: 0, wrongBlobs: 0, wrongTags: 0, incomplete: 0, unanswered: 0 };
  const known = new WeakSet<Buffer>();
  const repository = registry.storage.repository(REPOSITORY);
  const shared = randomBytes(30_000);
  await withClient(registry.host, async (client) => {
    for (let push = 0; push < options.pushes; push++) {
      const before = repository.tags.get(TAG);
      const image = await multiPlatformImage(shared);
      const seen = registry.requests.length;
      const isPushed = await pushOnce(client, registry.host, image);
      result[isPushed ? 'pushed' : 'failed']++;
      for (const [digest, bytes] of repository.blobs) {
        if (known.has(bytes)) continue;
        if (`sha256:${sha256Hex(bytes)}` !== digest) result.wrongBlobs++;
        known.add(bytes);
      }
      const after = repository.tags.get(TAG);
      if (after !== undefined && !isWhole(registry, after)) result.incomplete++;
      const isAsked = registry.requests.slice(seen).some(({ method, path }) => method === 'PUT' && path.endsWith(`/manifests/${TAG}`));
      if (isPushed && after !== image.root.digest) result.wrongTags++;
      if (!isPushed && after !== before) result[isAsked ? 'unanswered' : 'wrongTags']++;
    }
  });
  return { ...result, attempts: registry.requests.length, faults };
}

/** Pushes to Debian's docker-registry through a proxy that ends connections anywhere. */
export async function soakDockerRegistry(options: PushSoakOptions): Promise<PushSoakResult> {
  const real = REAL_REGISTRIES.find(({ program }) => program === 'docker-registry')!;
  const registry = await real.start();
  const result = { pushed: 0, failed: 0, wrongBlobs: 0, wrongTags: 0, incomplete: 0, unanswered: 0 };
  try {
    const plan = randomPlan(options.seed, { rate: options.rate ?? 0.4, withinBytes: 60_000 });
    await using proxy = await startChaosProxy(registry.host, plan);
    const shared = randomBytes(30_000);
    let before: string | undefined;
    await withClient(registry.host, async (direct) => {
      const stored = direct.repository({ registry: registry.host, repository: REPOSITORY });
      for (let push = 0; push < options.pushes; push++) {
        const image = await multiPlatformImage(shared);
        // A client for each push, as each command is: every connection is new, and may be hit.
        const isPushed = await withClient(proxy.host, (client) => pushOnce(client, proxy.host, image));
        result[isPushed ? 'pushed' : 'failed']++;
        const after = (await stored.headManifest(TAG))?.digest;
        if (isPushed && after !== image.root.digest) result.wrongTags++;
        if (!isPushed && after !== before) result[after === image.root.digest ? 'unanswered' : 'wrongTags']++;
        if (after === image.root.digest) await checkStored(stored, image, result);
        before = after;
      }
    });
    return { ...result, attempts: proxy.connections, faults: proxy.faults };
  } finally {
    await registry.close();
  }
}

async function withClient<T>(registry: string, run: (client: RegistryClient) => Promise<T>): Promise<T> {
  // Pauses are taken as over: what is tested is what is sent, not when.
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  const client = createRegistryClient({ environment: {}, insecure: [registry], clock, limits: { resumeFromBytes: 1 } });
  try {
    return await run(client);
  } finally {
    await client.close();
  }
}

async function pushOnce(client: RegistryClient, registry: string, { root, source }: MadeImage): Promise<boolean> {
  const destinations = [{ repository: { registry, repository: REPOSITORY }, tags: [TAG] }];
  return await pushImages({ client, images: [{ root, source, destinations }] }).then(
    () => true,
    () => false,
  );
}

function pickFault(random: () => number): FakeFault {
  const bytes = Math.floor(random() * 40_000);
  const faults: readonly FakeFault[] = [
    'reset',
    'lost answer',
    { cutRequestAfter: bytes },
    { cutResponseAfter: bytes % 300 },
    { cutResponseAfter: bytes % 300, quietly: true },
    { status: 500 },
    { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad Gateway</html>' },
    { status: 503, headers: { 'retry-after': '1' } },
    { status: 429, headers: { 'retry-after': '1' } },
    { status: 408 },
    // Not worth a second try: the push fails.
    { status: 403, body: JSON.stringify({ errors: [{ code: 'DENIED', message: 'no' }] }) },
  ];
  // One fault in fifty is a refusal, so that most pushes get through and some do not.
  const last = faults.length - 1;
  return faults[random() < 0.02 ? last : Math.floor(random() * last)]!;
}

interface Document {
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
  readonly manifests?: readonly { readonly digest: string }[];
}

function isWhole(registry: FakeRegistry, digest: string): boolean {
  const { blobs, manifests } = registry.storage.repository(REPOSITORY);
  const bytes = manifests.get(digest)?.bytes;
  if (bytes === undefined || `sha256:${sha256Hex(bytes)}` !== digest) return false;
  const { config, layers = [], manifests: children = [] } = JSON.parse(bytes.toString()) as Document;
  const needed = [...(config === undefined ? [] : [config]), ...layers];
  return needed.every((blob) => blobs.has(blob.digest)) && children.every((child) => isWhole(registry, child.digest));
}

async function checkStored(
  stored: ReturnType<RegistryClient['repository']>,
  image: MadeImage,
  result: { wrongBlobs: number; incomplete: number },
): Promise<void> {
  for (const { digest } of [image.root, ...image.manifests]) {
    const manifest = await stored.getManifest(digest).catch(() => undefined);
    if (manifest === undefined) {
      result.incomplete++;
      continue;
    }
    const { config, layers = [] } = JSON.parse(manifest.bytes.toString()) as { config?: Blob; layers?: Blob[] };
    for (const blob of config === undefined ? [] : [config, ...layers]) {
      try {
        for await (const _ of stored.readBlob(blob));
      } catch (error) {
        result[(error as { code?: string }).code === 'OCIDSL_BLOB_NOT_FOUND' ? 'incomplete' : 'wrongBlobs']++;
      }
    }
  }
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}
