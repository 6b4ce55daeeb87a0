// Bases that move, and bases that want us to go somewhere else.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../lib/base/digest.ts';
import { OCI } from '../../lib/oci/media-types.ts';
import { startFakeRegistry } from '../../lib/testing/fake-registry.ts';
import type { FakeRegistry, FakeRegistryOptions } from '../../lib/testing/fake-registry.ts';
import { workspace } from './rig.ts';

async function fakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const registry = await startFakeRegistry(options);
  onTestFinished(() => registry.close());
  return registry;
}

const json = (value: object) => Buffer.from(JSON.stringify(value));

/** An image of one layer, whose config says which it is. */
function putImage(registry: FakeRegistry, name: string, layer: object & { readonly digest: string }): string {
  const config = json({
    os: 'linux',
    architecture: 'amd64',
    config: { Env: [`IMAGE=${name}`] },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  return registry.storage.putManifest(
    'base',
    OCI.manifest,
    json({
      schemaVersion: 2,
      mediaType: OCI.manifest,
      config: { mediaType: OCI.config, digest: registry.storage.putBlob('base', config), size: config.byteLength },
      layers: [layer],
    }),
  );
}

const config = (pull: string) => `import { ociImage, ociPull, pkgTar } from 'ocidsl';
const base = ociPull({ name: 'base', ${pull} });
ociImage({ name: 'image', base, tars: [pkgTar({ name: 'pkg', srcs: ['app.txt'] })] });
`;

it('N42 an image is made of one base, though its tag moves with every request', async () => {
  const digests: string[] = [];
  let asked = 0;
  const registry = await fakeRegistry({
    fault: (line) => {
      if (line.endsWith('/manifests/moving')) registry.storage.repository('base').tags.set('moving', digests[asked++ % digests.length]!);
      return undefined;
    },
  });
  for (const name of ['one', 'two', 'three']) {
    const bytes = Buffer.from(`layer of ${name}`);
    const layer = { mediaType: OCI.layerTar, digest: registry.storage.putBlob('base', bytes), size: bytes.byteLength };
    digests.push(putImage(registry, name, layer));
  }
  registry.storage.repository('base').tags.set('moving', digests[0]!);
  const ws = workspace({
    'build.config.ts': config(`image: '${registry.host}/base', tag: 'moving', platforms: ['linux/amd64']`),
    'app.txt': 'app',
  });
  const lock = await ws.ocidsl(['lock']);
  expect(lock).toMatchObject({ code: 0 });
  const [row] = await ws.build(['--platform', 'linux/amd64', 'image']);
  const blob = (digest: string) => JSON.parse(ws.read(`ocidsl-out/image/blobs/sha256/${digest.slice(7)}`)) as Document;
  const manifest = blob(row!.digest);
  const from = manifest.annotations['org.opencontainers.image.base.digest']!;
  const base = JSON.parse(registry.storage.repository('base').manifests.get(from)!.bytes.toString()) as Document;
  expect(manifest.layers[0]!.digest).toBe(base.layers[0]!.digest);
  const name = ['one', 'two', 'three'][digests.indexOf(from)]!;
  expect(blob(manifest.config.digest).config).toMatchObject({ Env: expect.arrayContaining([`IMAGE=${name}`]) as string[] });
  // Built again and again from the pin.
  const before = asked;
  await ws.build(['--platform', 'linux/amd64', 'image']);
  expect(asked).toBe(before);
});

interface Document {
  readonly annotations: Readonly<Record<string, string>>;
  readonly layers: readonly { readonly digest: string }[];
  readonly config: { readonly digest: string };
}

it('N30 CVE-2020-15157 ggcr#2293 the urls of a layer are never asked, with or without credentials', async () => {
  const asked: unknown[] = [];
  const elsewhere = createServer((request, response) => {
    asked.push(request.headers);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="give me"' }).end();
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void elsewhere.close());
  const registry = await fakeRegistry({ auth: { type: 'basic', username: 'tester', password: 'c4nary' } });
  const digest = `sha256:${sha256Hex('not in the registry')}`;
  const urls = [`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/layer`];
  const auths = { [registry.host]: { auth: Buffer.from('tester:c4nary').toString('base64') } };
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) };
  for (const mediaType of [OCI.foreignLayerTar, OCI.layerTar]) {
    const pin = putImage(registry, mediaType, { mediaType, digest, size: 19, urls } as never);
    const ws = workspace({ 'build.config.ts': config(`image: '${registry.host}/base', digest: '${pin}'`), 'app.txt': 'app' });
    const run = await ws.ocidsl(['build', '--with-base-layers', '--platform', 'linux/amd64', 'image'], { env });
    // What may not be distributed is left out; any other layer has to be there, and is said not to be.
    expect(run.code === 0).toBe(mediaType === OCI.foreignLayerTar);
    if (run.code !== 0) expect(run.stderr).toContain(digest);
  }
  expect(asked).toEqual([]);
});
