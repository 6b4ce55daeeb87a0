// A base image's layers over a network that breaks connections.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { OCI } from '../../lib/oci/media-types.ts';
import { startFakeRegistry } from '../../lib/testing/fake-registry.ts';
import { seededRandom, startChaosProxy } from '../chaos-proxy.ts';
import { workspace } from './rig.ts';

const MiB = 1 << 20;
const SIZE = 64 * MiB;

it('N9 a base layer is fetched once, but for 1 percent, though the connection ends every few MB', async () => {
  const registry = await startFakeRegistry();
  onTestFinished(() => registry.close());
  const layer = Buffer.alloc(SIZE, randomBytes(MiB));
  const digest = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  registry.storage.repository('big').blobs.set(digest, layer);
  const config = json({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digest] } });
  const manifest = json({
    schemaVersion: 2,
    mediaType: OCI.manifest,
    config: { mediaType: OCI.config, digest: registry.storage.putBlob('big', config), size: config.byteLength },
    layers: [{ mediaType: OCI.layerTar, digest, size: SIZE }],
  });
  const pin = registry.storage.putManifest('big', OCI.manifest, manifest);
  const random = seededRandom(11);
  const proxy = await startChaosProxy(registry.host, () => ({
    direction: 'down',
    afterBytes: Math.floor((2 + 6 * random()) * MiB),
    toxic: 'limit_data',
  }));
  onTestFinished(() => proxy[Symbol.asyncDispose]());

  const ws = workspace({
    'build.config.ts': `import { ociImage, ociPull, pkgTar } from 'ocidsl';
const base = ociPull({ name: 'base', image: '${proxy.host}/big', digest: '${pin}' });
ociImage({ name: 'image', base, tars: [pkgTar({ name: 'pkg', srcs: ['app.txt'] })] });
`,
    'app.txt': 'app',
  });
  await ws.build(['--with-base-layers', '--platform', 'linux/amd64', 'image']);
  const stored = createHash('sha256').update(readFileSync(ws.path(`ocidsl-out/image/blobs/sha256/${digest.slice(7)}`)));
  expect(`sha256:${stored.digest('hex')}`).toBe(digest);
  expect(proxy.faults).toBeGreaterThan(8);
  expect(proxy.passed.down - SIZE).toBeLessThan(SIZE / 100);
});

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
