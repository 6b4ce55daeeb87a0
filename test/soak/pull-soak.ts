// A large download through a proxy that ends the connection every few MB.
import { createHash, randomBytes } from 'node:crypto';
import { createRegistryClient } from '../../lib/registry/client.ts';
import { systemClock } from '../../lib/registry/http.ts';
import { startFakeRegistry } from '../../lib/testing/fake-registry.ts';
import { seededRandom, startChaosProxy } from '../chaos-proxy.ts';
import type { ChaosFault } from '../chaos-proxy.ts';

const MiB = 1 << 20;

/** What to download, and where it ends. */
export interface PullSoakOptions {
  /** A multiple of 1 MiB. */
  readonly sizeBytes: number;
  readonly seed: number;
  /** How connections end. Default: `limit_data`; a reset also takes with it what is under way. */
  readonly toxic?: ChaosFault['toxic'];
  /** Connections end after this many MiB, from and to. Default: 1 to 5. */
  readonly everyMiB?: readonly [number, number];
}

/** What came of it. */
export interface PullSoakResult {
  readonly isRight: boolean;
  /** Connections that were ended. */
  readonly cuts: number;
  /** Share of the blob that was sent to the client more than once, headers of the answers included. */
  readonly twice: number;
  /** The most memory of this process, the registry's copy of the blob not counted. */
  readonly peakBytes: number;
}

/** Downloads a blob of one block again and again, which the registry holds once. */
export async function soakPull(options: PullSoakOptions): Promise<PullSoakResult> {
  const { sizeBytes, seed, toxic = 'limit_data', everyMiB: [from, to] = [1, 5] } = options;
  await using registry = await startFakeRegistry();
  const bytes = Buffer.alloc(sizeBytes, randomBytes(MiB));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  registry.storage.repository('a').blobs.set(digest, bytes);
  const random = seededRandom(seed);
  await using proxy = await startChaosProxy(registry.host, () => ({
    direction: 'down',
    afterBytes: Math.floor((from + (to - from) * random()) * MiB),
    toxic,
  }));
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  const client = createRegistryClient({ environment: {}, clock, limits: { progressBytes: 64 * 1024 } });
  try {
    const hash = createHash('sha256');
    let peakBytes = 0;
    let size = 0;
    for await (const chunk of client.repository({ registry: proxy.host, repository: 'a' }).readBlob({ digest, size: sizeBytes })) {
      hash.update(chunk);
      size += chunk.byteLength;
      if (size % MiB < chunk.byteLength) peakBytes = Math.max(peakBytes, process.memoryUsage.rss() - sizeBytes);
    }
    return {
      isRight: `sha256:${hash.digest('hex')}` === digest,
      cuts: proxy.faults,
      twice: (proxy.passed.down - sizeBytes) / sizeBytes,
      peakBytes,
    };
  } finally {
    await client.close();
  }
}
