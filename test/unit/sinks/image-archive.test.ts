import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import { imageArchive, type ImageArchiveOptions } from '../../../lib/sinks/image-archive.ts';
import { readImage } from '../../../lib/sinks/load-read-image.ts';
import { missing, withContainerd } from './load-engines.ts';
import { addImage, MemorySource, tarOf } from './load-rig.ts';

const has = (program: string) => spawnSync(program, ['--version']).status === 0;

async function archive(options: Omit<ImageArchiveOptions, 'image'> & { manifest: Parameters<typeof readImage>[0] }): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of imageArchive({ ...options, image: await readImage(options.manifest, options.source) })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function entries(tar: Buffer): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const reader = extract();
  reader.end(tar);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    found.set(entry.header.name, Buffer.concat(chunks));
  }
  return found;
}

describe('imageArchive()', () => {
  const names = ['docker.io/library/hello:latest', 'ghcr.io/acme/hello:1.0'];
  let folder: string;
  let source: MemorySource;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ocidsl-test-archive-'));
    source = new MemorySource();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is an OCI layout and a docker archive of the same blobs, with what names them last', async () => {
    const { manifest, config, layers } = await addImage(source, { layers: [{ a: '1' }, { b: '2' }] });
    const files = await entries(await archive({ manifest, source, names }));
    const path = (digest: string) => `blobs/${digest.replace(':', '/')}`;
    expect([...files.keys()]).toEqual([
      'blobs/',
      'blobs/sha256/',
      ...[...layers, config, manifest].map((blob) => path(blob.digest)),
      'manifest.json',
      'index.json',
      'oci-layout',
    ]);
    for (const [name, bytes] of files) if (name.length > 64) expect(name).toBe(`blobs/sha256/${sha256Hex(bytes)}`);
    const json = (name: string) => JSON.parse(files.get(name)!.toString()) as unknown;
    expect(json('oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' });
    expect(json('manifest.json')).toEqual([
      { Config: path(config.digest), RepoTags: names, Layers: layers.map((layer) => path(layer.digest)) },
    ]);
    expect(json('index.json')).toEqual({
      schemaVersion: 2,
      mediaType: OCI.index,
      manifests: [
        { ...manifest, annotations: { 'io.containerd.image.name': names[0], 'org.opencontainers.image.ref.name': 'latest' } },
        { ...manifest, annotations: { 'io.containerd.image.name': names[1], 'org.opencontainers.image.ref.name': '1.0' } },
      ],
    });
  });

  it('has one unnamed image where there are no names', async () => {
    const { manifest } = await addImage(source, { layers: [{ a: '1' }] });
    const files = await entries(await archive({ manifest, source, names: [] }));
    expect(JSON.parse(files.get('index.json')!.toString())).toMatchObject({ manifests: [{ digest: manifest.digest }] });
    expect(JSON.parse(files.get('manifest.json')!.toString())).toMatchObject([{ RepoTags: [] }]);
  });

  it('stores a repeated layer once and lists it as often as there are diff IDs', async () => {
    const { manifest, layers } = await addImage(source, { layers: [{ a: '1' }, { b: '2' }, { a: '1' }] });
    const files = await entries(await archive({ manifest, source, names }));
    const { Layers } = (JSON.parse(files.get('manifest.json')!.toString()) as [{ Layers: string[] }])[0];
    expect(Layers).toHaveLength(3);
    expect(Layers[2]).toBe(Layers[0]);
    expect(source.reads).toEqual([layers[0]!.digest, layers[1]!.digest]);
  });

  it('leaves out the layers that the receiver has, and still lists them', async () => {
    const { manifest, layers } = await addImage(source, { layers: [{ a: '1' }, { b: '2' }] });
    const files = await entries(await archive({ manifest, source, names, omittedLayers: new Set([layers[0]!.digest]) }));
    expect(source.reads).toEqual([layers[1]!.digest]);
    expect(files.get('manifest.json')!.toString()).toContain(layers[0]!.digest.slice('sha256:'.length));
  });

  it('is the same bytes each time: a change of these is a change of the format', async () => {
    // No compressor takes part, whose version could change the digest.
    const tar = await tarOf({ a: '1' });
    const layer = source.add(OCI.layerTar, tar);
    const config = source.add(
      OCI.config,
      Buffer.from(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["${layer.digest}"]}}`),
    );
    const manifest = source.add(
      OCI.manifest,
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI.manifest, config, layers: [layer] })),
    );
    const bytes = await archive({ manifest, source, names });
    expect(bytes.length % 512).toBe(0);
    expect(sha256Hex(bytes)).toBe(sha256Hex(await archive({ manifest, source, names, verifyDiffIds: true })));
    expect(sha256Hex(bytes)).toMatchInlineSnapshot(`"7281047c607a135f06aeba12b09e5d2f347e9d1212f6a2c321016ceae3c42251"`);
  });

  it('reads nothing ahead of its consumer, and ends its reading where the consumer stops', async () => {
    const { manifest } = await addImage(source, { layers: [{ a: '1' }] });
    const layer = Buffer.alloc(1024 * 1024);
    let chunks = 0;
    let isClosed = false;
    const endless = Object.create(source) as MemorySource;
    endless.read = async function* () {
      try {
        for (; chunks < 10_000; chunks++) yield layer;
      } finally {
        isClosed = true;
      }
    };
    const image = await readImage(manifest, source);
    const big = { ...image, layers: [{ ...image.layers[0]!, size: 10_000 * layer.length }] };
    let seen = 0;
    for await (const chunk of imageArchive({ image: big, source: endless, names })) {
      if (chunk.length === layer.length && ++seen === 5) break;
    }
    expect(chunks).toBe(4);
    expect(isClosed).toBe(true);
  });

  it('carries layers above 8 GiB', async () => {
    const { manifest } = await addImage(source, { layers: [{ a: '1' }] });
    const image = await readImage(manifest, source);
    const big = { ...image, layers: [{ ...image.layers[0]!, size: 9 * 2 ** 30 }] };
    const chunks: Uint8Array[] = [];
    for await (const chunk of imageArchive({ image: big, source, names })) {
      chunks.push(chunk);
      if (chunks.length === 3) break;
    }
    writeFileSync(join(folder, 'big.tar'), Buffer.concat(chunks));
    const script = 'import sys, tarfile; t = tarfile.open(sys.argv[1]); t.next(); t.next(); print(t.next().size)';
    expect(execFileSync('python3', ['-c', script, join(folder, 'big.tar')], { encoding: 'utf8' }).trim()).toBe(String(9 * 2 ** 30));
  });

  it('refuses a source that gives more or fewer bytes than the descriptor says', async () => {
    const { manifest } = await addImage(source, { layers: [{ a: '1' }] });
    const image = await readImage(manifest, source);
    for (const difference of [-1, 1]) {
      const wrong = { ...image, layers: [{ ...image.layers[0]!, size: image.layers[0]!.size + difference }] };
      const lying = Object.create(source) as MemorySource;
      lying.read = async function* () {
        yield source.blobs.get(image.layers[0]!.digest)!;
      };
      const consume = async () => {
        for await (const _ of imageArchive({ image: wrong, source: lying, names })) void _;
      };
      await expect(consume()).rejects.toThrow('Broken invariant');
    }
  });

  it.each([
    ['another diff ID', (tar: Buffer) => gzipSync(tar), /its uncompressed bytes are sha256:[a-f0-9]{64}, expected sha256:1{64}/],
    ['no gzip stream', () => Buffer.from('plain text, not gzip'), /it cannot be decompressed \(incorrect header check\)/],
    [
      'a gzip stream that ends early',
      (tar: Buffer) => gzipSync(tar).subarray(0, 40),
      /it cannot be decompressed \(unexpected end of file\)/,
    ],
    [
      'a broken gzip stream',
      (tar: Buffer) => Buffer.concat([Buffer.from('1f8b0800000000000003', 'hex'), deflateRawSync(tar), Buffer.alloc(8)]),
      /incorrect data check/,
    ],
  ])('finds a layer with %s', async (_, make, message) => {
    const layer = source.add(OCI.layerGzip, make(await tarOf({ a: '1'.repeat(100_000) })));
    const diffId = `sha256:${'1'.repeat(64)}`;
    const config = source.add(
      OCI.config,
      Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [diffId] } })),
    );
    const manifest = source.add(
      OCI.manifest,
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI.manifest, config, layers: [layer] })),
    );
    await expect(archive({ manifest, source, names, verifyDiffIds: true })).rejects.toMatchObject({
      code: 'OCIDSL_IMAGE_DIFF_ID',
      kind: 'integrity',
      message: expect.stringMatching(message),
    });
    await expect(archive({ manifest, source, names })).resolves.toBeInstanceOf(Buffer);
  });

  it.skipIf(!has('skopeo'))('is read by skopeo as both formats (needs skopeo)', async () => {
    const { manifest, config } = await addImage(source, { layers: [{ a: '1' }, { b: '2' }] });
    const file = join(folder, 'image.tar');
    writeFileSync(file, await archive({ manifest, source, names: names.slice(0, 1) }));
    const raw = execFileSync('skopeo', ['inspect', '--raw', `oci-archive:${file}`]);
    expect(`sha256:${sha256Hex(raw)}`).toBe(manifest.digest);
    const dockerConfig = execFileSync('skopeo', ['inspect', '--raw', '--config', `docker-archive:${file}`]);
    expect(`sha256:${sha256Hex(dockerConfig)}`).toBe(config.digest);
    execFileSync('skopeo', ['copy', `docker-archive:${file}`, `dir:${join(folder, 'copy')}`], { stdio: 'ignore' });
    expect(readFileSync(join(folder, 'copy/manifest.json'), 'utf8')).toContain(config.digest);
  });

  const noContainerd = missing.containerd;
  it.skipIf(noContainerd !== undefined)(
    `is imported by containerd under each name, digests kept (${noContainerd ?? 'containerd'})`,
    async () => {
      const { manifest, config, layers } = await addImage(source, { layers: [{ a: '1' }, { b: '2' }] });
      const file = join(folder, 'image.tar');
      writeFileSync(file, await archive({ manifest, source, names }));
      await withContainerd((ctr) => {
        ctr('images', 'import', '--no-unpack', file);
        const images = ctr('images', 'ls');
        for (const name of names)
          expect(images).toMatch(new RegExp(`^${name} +${manifest.mediaType.replaceAll(/[.+]/g, '\\$&')} +${manifest.digest} `, 'm'));
        const content = ctr('content', 'ls', '--quiet').trim().split('\n');
        expect(content).toEqual(expect.arrayContaining([manifest, config, ...layers].map((blob) => blob.digest)));
      });
    },
    60_000,
  );

  it.skipIf(!has('python3') || !has('tar'))('is read by GNU tar and Python (needs both)', async () => {
    const { manifest } = await addImage(source, { layers: [{ a: '1' }] });
    const file = join(folder, 'image.tar');
    writeFileSync(file, await archive({ manifest, source, names }));
    const gnu = execFileSync('tar', ['--list', '--file', file], { encoding: 'utf8' }).trim().split('\n');
    const python = execFileSync(
      'python3',
      ['-c', 'import sys, tarfile\nfor m in tarfile.open(sys.argv[1]): print(m.name + ("/" if m.isdir() else ""))', file],
      { encoding: 'utf8' },
    );
    expect(python.trim().split('\n')).toEqual(gnu);
    expect(gnu).toHaveLength(8);
  });
});

describe('readImage()', () => {
  it.each([
    ['an index', { schemaVersion: 2, mediaType: OCI.index, manifests: [] }, 'OCIDSL_MANIFEST_AMBIGUOUS'],
    ['no image', { schemaVersion: 2 }, 'OCIDSL_MANIFEST_KIND'],
  ])('refuses %s', async (_, document, code) => {
    const source = new MemorySource();
    const manifest = source.add(OCI.manifest, Buffer.from(JSON.stringify(document)));
    await expect(readImage(manifest, source)).rejects.toMatchObject({ code, kind: 'integrity' });
  });

  it('refuses as many layers as there are not diff IDs', async () => {
    const source = new MemorySource();
    const { manifest } = await addImage(source, { layers: [{ a: '1' }], diffIds: [] });
    await expect(readImage(manifest, source)).rejects.toMatchObject({
      code: 'OCIDSL_IMAGE_LAYERS',
      message: `Cannot load image "${manifest.digest}": it has 1 layers and 0 diff_ids, expected as many`,
    });
  });
});
