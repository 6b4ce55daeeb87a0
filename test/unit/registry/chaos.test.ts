// The client behind a proxy that breaks connections: downloads go on where they were, uploads leave no wrong blob.
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { startChaosProxy } from '../../chaos-proxy.ts';
import { soakPull } from '../../soak/pull-soak.ts';
import { blobOf, collect, failureOf, testClient } from './rig.ts';

const MiB = 1 << 20;

describe('a large download', () => {
  it('N9 is fetched once, but for 1 percent, through a proxy that ends the connection every few MB', async () => {
    const result = await soakPull({ sizeBytes: 128 * MiB, seed: 7 });
    expect(result.isRight).toBe(true);
    expect(result.cuts).toBeGreaterThan(30);
    expect(result.twice).toBeLessThan(0.01);
  });

  it('N9 arrives whole through a proxy that resets the connection, bytes under way included', async () => {
    const result = await soakPull({ sizeBytes: 32 * MiB, seed: 7, toxic: 'reset_peer', everyMiB: [4, 8] });
    expect(result.isRight).toBe(true);
    expect(result.cuts).toBeGreaterThan(3);
  });

  it('N11 goes on after a server that fell silent', { timeout: 30_000 }, async () => {
    const bytes = randomBytes(300_000);
    await using registry = await startFakeRegistry();
    const digest = registry.storage.putBlob('a', bytes);
    await using proxy = await startChaosProxy(registry.host, (connection) =>
      connection === 0 ? { direction: 'down', afterBytes: 100_000, toxic: 'timeout' } : undefined,
    );
    await using client = testClient({ timeouts: { headersMs: 1000, bodyMs: 1000 } });
    const read = collect(client.repository({ registry: proxy.host, repository: 'a' }).readBlob({ digest, size: bytes.byteLength }));
    expect((await read).equals(bytes)).toBe(true);
    expect(registry.requests.at(-1)!.headers['range']).toMatch(/^bytes=9\d{4}-$/);
  });

  it('N11 takes a slow server for what it is', { timeout: 30_000 }, async () => {
    const bytes = randomBytes(3000);
    await using registry = await startFakeRegistry();
    const digest = registry.storage.putBlob('a', bytes);
    await using proxy = await startChaosProxy(registry.host, () => ({
      direction: 'down',
      afterBytes: 0,
      toxic: { bytes: 100, everyMs: 60 },
    }));
    // In all it takes longer than either timeout.
    await using client = testClient({ timeouts: { headersMs: 1000, bodyMs: 1000 }, retry: { attempts: 1 } });
    const read = collect(client.repository({ registry: proxy.host, repository: 'a' }).readBlob({ digest, size: bytes.byteLength }));
    expect((await read).equals(bytes)).toBe(true);
    expect(proxy.connections).toBe(1);
  });
});

describe('a reader that stops', () => {
  it('N11 lets the server wait, holds no more than some buffers, and goes on afterwards', { timeout: 30_000 }, async () => {
    const bytes = Buffer.concat(Array.from({ length: 64 }, () => randomBytes(MiB)));
    await using registry = await startFakeRegistry();
    const digest = `sha256:${sha256Hex(bytes)}`;
    registry.storage.repository('a').blobs.set(digest, bytes);
    await using proxy = await startChaosProxy(registry.host, () => undefined);
    await using client = testClient({ timeouts: { headersMs: 500, bodyMs: 500 }, retry: { attempts: 1 } });
    const hash = createHash('sha256');
    let stalls = 0;
    let most = 0;
    let seen = 0;
    for await (const chunk of client.repository({ registry: proxy.host, repository: 'a' }).readBlob({ digest, size: bytes.byteLength })) {
      hash.update(chunk);
      seen += chunk.byteLength;
      if (stalls === 1 || seen < MiB) continue;
      stalls++;
      // Until nothing moves any more; longer than the timeout, which is about the server's silence and not about ours.
      for (let before = -1; before !== proxy.passed.down;) {
        before = proxy.passed.down;
        await new Promise((resolve) => setTimeout(resolve, 2500));
      }
      most = proxy.passed.down - seen;
    }
    expect(`sha256:${hash.digest('hex')}`).toBe(digest);
    expect(stalls).toBe(1);
    expect(most).toBeLessThan(32 * MiB);
    expect(registry.requests).toHaveLength(1);
  });
});

describe('an upload', () => {
  it('N11 ends where the registry takes no more bytes, and says so', { timeout: 30_000 }, async () => {
    await using registry = await startFakeRegistry({ location: 'relative' });
    await using proxy = await startChaosProxy(registry.host, () => ({ direction: 'up', afterBytes: 100_000, toxic: 'timeout' }));
    await using client = testClient({ timeouts: { headersMs: 500, bodyMs: 500 }, retry: { attempts: 2 } });
    const blob = { ...blobOf(randomBytes(32 * MiB)) };
    const failure = await failureOf(client.repository({ registry: proxy.host, repository: 'a' }).putBlob(blob));
    expect(failure).toMatchObject({ code: 'OCIDSL_CONNECTION_TIMEOUT', kind: 'network' });
    expect(registry.storage.repository('a').blobs.size).toBe(0);
  });
});
