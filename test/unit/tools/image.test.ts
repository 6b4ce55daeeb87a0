import { describe, expect, it } from 'vitest';
import { DOCKER, OCI } from '../../../lib/oci/media-types.ts';
import { encodeManifest } from '../../../lib/oci/manifest.ts';
import { IMAGE_TOOL } from '../../../lib/oci/image-spec.ts';
import { encodeLayerSpec } from '../../../lib/tar/layer-spec.ts';
import { imageTool } from '../../../lib/tools/image.ts';
import { layerTool } from '../../../lib/tools/layer.ts';
import { loadSpecSchemas } from '../oci/image-spec-schemas.ts';
import { baseImage, json, layer, makeImage, makeImageOn } from './image-fixtures.ts';
import { layerSpec } from './layer-fixtures.ts';
import { runTool } from './memory-tool.ts';

const code = (wanted: string, message = '') =>
  expect.objectContaining({ code: wanted, message: expect.stringContaining(message) as string }) as Error;

describe('an image from scratch', () => {
  it('has golden bytes', async () => {
    const app = layer('app');
    const { manifestBytes, configBytes } = await makeImage(
      {
        layers: [{ json: 'l.json', historyComment: 'the app' }],
        entrypoint: ['/app'],
        env: [['PATH', '/bin']],
        user: '65532:65532',
        labels: { b: '1', a: 'ü' },
      },
      { 'l.json': app.json },
    );
    expect(configBytes.toString()).toBe(
      '{"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux",' +
        '"config":{"User":"65532:65532","Env":["PATH=/bin"],"Entrypoint":["/app"],"Labels":{"a":"ü","b":"1"}},' +
        '"rootfs":{"type":"layers","diff_ids":["sha256:a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333"]},' +
        '"history":[{"created":"1970-01-01T00:00:00Z","created_by":"ocidsl layer","comment":"the app"}]}',
    );
    expect(manifestBytes.toString()).toBe(
      `{"schemaVersion":2,"mediaType":"${OCI.manifest}","config":{"mediaType":"${OCI.config}",` +
        `"digest":"sha256:6b5832c28afdbf2daa7d44a5a16e0568cd65758d126425cc36fd6e17c63a660b","size":${configBytes.length}},` +
        `"layers":[{"mediaType":"${OCI.layerGzip}","digest":"${app.description.digest}","size":${app.description.size}}]}`,
    );
  });

  it('has the platform of the spec', async () => {
    const { config } = await makeImage({
      platform: { os: 'windows', architecture: 'amd64', osVersion: '10.0.20348.1', osFeatures: ['win32k'] },
    });
    expect(config).toMatchObject({ os: 'windows', architecture: 'amd64', 'os.version': '10.0.20348.1', 'os.features': ['win32k'] });
    expect((await makeImage({ platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } })).config.variant).toBe('v8');
  });

  it('has created, author and stop signal', async () => {
    const { config } = await makeImage(
      { created: '2024-05-01T12:00:00Z', author: 'me', stopSignal: 'SIGQUIT', layers: [{ json: 'l.json' }] },
      { 'l.json': layer('x').json },
    );
    expect(config).toMatchObject({ created: '2024-05-01T12:00:00Z', author: 'me', config: { StopSignal: 'SIGQUIT' } });
    expect(config.history).toEqual([{ created: '2024-05-01T12:00:00Z', created_by: 'ocidsl layer' }]);
    await expect(makeImage({ created: 'yesterday' })).rejects.toThrow(code('OCIDSL_IMAGE_VALUE', 'creation time'));
  });

  it('names no input path in its documents', async () => {
    const { manifestBytes, configBytes } = await makeImage(
      { layers: [{ json: 'secret/path.json' }] },
      { 'secret/path.json': layer('x').json },
    );
    expect(`${manifestBytes.toString()}${configBytes.toString()}`).not.toContain('secret');
  });

  it('may list one layer twice', async () => {
    const { manifest } = await makeImage({ layers: [{ json: 'l.json' }, { json: 'l.json' }] }, { 'l.json': layer('x').json });
    expect(manifest.layers).toHaveLength(2);
  });

  it('of too many layers is made with a warning', async () => {
    const { lines } = await makeImage({ layers: Array.from({ length: 128 }, () => ({ json: 'l.json' })) }, { 'l.json': layer('x').json });
    expect(lines).toEqual([expect.stringContaining('128 layers')]);
  });
});

describe('an image on a base', () => {
  it('keeps the base and adds its own', async () => {
    const base = baseImage();
    const { manifest, config } = await makeImageOn(
      base,
      { layers: [{ json: 'l.json' }], env: [['X', '$BASE']], labels: { b: '1' } },
      { 'l.json': layer('own').json },
    );
    expect(manifest.layers.map(({ digest }) => digest)).toEqual([base.layerDescription.digest, layer('own').description.digest]);
    expect(config.rootfs.diff_ids).toEqual([base.layerDescription.diffID, layer('own').description.diffID]);
    expect(config.config).toEqual({
      User: 'root',
      Env: ['PATH=/usr/bin:/bin', 'BASE=1', 'X=1'],
      Cmd: ['sh'],
      Labels: { a: 'base', b: '1' },
      WorkingDir: '/',
    });
    expect(config.created).toBe('1970-01-01T00:00:00Z');
    expect(config.author).toBe('base author');
    expect(config.history).toEqual([
      { created: '2001-02-03T04:05:06Z', created_by: 'ADD rootfs' },
      { created_by: 'CMD ["sh"]', empty_layer: true },
      { created: '1970-01-01T00:00:00Z', created_by: 'ocidsl layer' },
    ]);
  });

  it('does not embed data of descriptors', async () => {
    const { manifestBytes } = await makeImageOn(baseImage());
    expect(manifestBytes.toString()).not.toContain('"data"');
  });

  it('keeps unknown fields of config and layers', async () => {
    const base = baseImage({ config: { 'x.future': { b: 1, a: 2 } } });
    const { config } = await makeImageOn(base);
    expect(config).toMatchObject({ 'x.future': { a: 2, b: 1 } });
  });

  it("does not take over the base's subject or artifactType", async () => {
    const subject = { mediaType: OCI.manifest, digest: `sha256:${'0'.repeat(64)}`, size: 1 };
    const { manifest } = await makeImageOn(baseImage({ manifest: { subject, artifactType: 'a/b' } }));
    expect(Object.keys(manifest)).toEqual(['schemaVersion', 'mediaType', 'config', 'layers', 'annotations']);
  });

  it('pads a missing history', async () => {
    const { config } = await makeImageOn(
      baseImage({ config: { history: undefined } }),
      { layers: [{ json: 'l.json' }] },
      { 'l.json': layer('x').json },
    );
    expect(config.history).toEqual([
      { created: '2001-02-03T04:05:06Z', created_by: 'layer of the base image' },
      { created: '1970-01-01T00:00:00Z', created_by: 'ocidsl layer' },
    ]);
  });

  it('replaces a history of other layers', async () => {
    const { config } = await makeImageOn(baseImage({ config: { history: [{ created_by: 'a' }, { created_by: 'b' }] } }));
    expect(config.history).toEqual([{ created: '2001-02-03T04:05:06Z', created_by: 'layer of the base image' }]);
  });

  describe('annotations', () => {
    const annotations = {
      'org.opencontainers.image.title': 'base',
      'org.opencontainers.image.created': '2001-01-01T00:00:00Z',
      'org.opencontainers.image.base.name': 'older',
      x: 'base',
    };
    it("are the base's that are still true, and the image's own over them", async () => {
      const base = baseImage({ manifest: { annotations } });
      const { manifest } = await makeImageOn(base, { annotations: { x: 'own', y: 'own' } });
      expect(manifest.annotations).toEqual({
        'org.opencontainers.image.title': 'base',
        'org.opencontainers.image.base.digest': base.digest,
        x: 'own',
        y: 'own',
      });
    });
    it('name the base where it is given', async () => {
      const base = baseImage({ manifest: { annotations } });
      const names = {
        manifest: 'base/manifest.json',
        config: 'base/config.json',
        name: 'gcr.io/distroless/static:nonroot',
      };
      const { manifest } = await makeImageOn(base, { base: names });
      expect(manifest.annotations).toMatchObject({
        'org.opencontainers.image.base.name': 'gcr.io/distroless/static:nonroot',
        'org.opencontainers.image.base.digest': base.digest,
      });
    });
    it("name the base's digest only where the base has no name", async () => {
      const base = baseImage();
      const { manifest } = await makeImageOn(base);
      expect(manifest.annotations).toEqual({ 'org.opencontainers.image.base.digest': base.digest });
    });
  });

  describe("of Docker's types", () => {
    it("is converted as a whole, and Docker's own fields stay", async () => {
      const { manifest, config, manifestBytes } = await makeImageOn(
        baseImage({ docker: true }),
        { layers: [{ json: 'l.json' }] },
        { 'l.json': layer('x').json },
      );
      expect([manifest.mediaType, manifest.config.mediaType, ...manifest.layers.map((l) => l.mediaType)]).toEqual([
        OCI.manifest,
        OCI.config,
        OCI.layerGzip,
        OCI.layerGzip,
      ]);
      expect(manifestBytes.toString()).not.toContain('docker');
      expect(config).toMatchObject({ config: { Healthcheck: { Test: ['CMD', 'true'] } }, docker_version: '20.10' });
    });
    it.each([
      [DOCKER.layerTar, OCI.layerTar],
      [DOCKER.layerZstd, OCI.layerZstd],
      [DOCKER.foreignLayerGzip, OCI.foreignLayerGzip],
    ])('maps %s', async (docker, oci) => {
      expect((await makeImageOn(baseImage({ docker: true, layerType: docker }))).manifest.layers[0]?.mediaType).toBe(oci);
    });
    it('keeps the urls of a layer that may not be distributed', async () => {
      const base = baseImage({ docker: true });
      const { layers } = JSON.parse(base.manifest.toString()) as { layers: object[] };
      const foreign = baseImage({
        docker: true,
        manifest: { layers: [{ ...layers[0], mediaType: DOCKER.foreignLayerGzip, urls: ['https://example.com/l'] }] },
      });
      expect((await makeImageOn(foreign)).manifest.layers[0]).toMatchObject({
        mediaType: OCI.foreignLayerGzip,
        urls: ['https://example.com/l'],
      });
    });
  });

  it.each([
    [
      'an index',
      baseImage({ manifest: { config: undefined, layers: undefined, mediaType: OCI.index, manifests: [] } }),
      'OCIDSL_MANIFEST_KIND',
      'it is an image index',
    ],
    ['schema 1', baseImage({ manifest: { schemaVersion: 1 } }), 'OCIDSL_MANIFEST_SCHEMA1', ''],
    [
      'an artifact',
      baseImage({ manifest: { config: { mediaType: OCI.empty, digest: `sha256:${'0'.repeat(64)}`, size: 2 } } }),
      'OCIDSL_BASE_IMAGE',
      'its config is of type application/vnd.oci.empty.v1+json',
    ],
    ['another config', { ...baseImage(), config: json({ architecture: 'amd64' }) }, 'OCIDSL_BASE_IMAGE', 'its config is sha256:'],
    [
      'too few diff IDs',
      baseImage({ config: { rootfs: { type: 'layers', diff_ids: [] } } }),
      'OCIDSL_BASE_IMAGE',
      'its config has 0 diff IDs and its manifest 1 layers',
    ],
    ['an encrypted layer', baseImage({ layerType: `${OCI.layerGzip}+encrypted` }), 'OCIDSL_BASE_IMAGE', 'layer 0 is of type'],
    ['both kinds at once', baseImage({ manifest: { manifests: [] } }), 'OCIDSL_MANIFEST_AMBIGUOUS', ''],
  ])('refuses %s', async (_, base, wanted, message) => {
    await expect(makeImageOn(base)).rejects.toThrow(code(wanted, message));
    await expect(makeImageOn(base)).rejects.toThrow(expect.objectContaining({ kind: 'integrity' }) as Error);
  });

  describe('platform', () => {
    const on = (config: object, platform: object) =>
      makeImageOn(baseImage({ config }), { platform: { os: 'linux', architecture: 'amd64', ...platform } });
    it.each<[string, object, object, string | undefined]>([
      ['arm64 as the base writes it', { architecture: 'arm64' }, { architecture: 'arm64', variant: 'v8' }, undefined],
      ['arm64/v8 as the base writes it', { architecture: 'arm64', variant: 'v8' }, { architecture: 'arm64' }, 'v8'],
      ['amd64/v3 on a base for amd64', {}, { variant: 'v3' }, 'v3'],
      ['arm on a base for arm/v6', { architecture: 'arm', variant: 'v6' }, { architecture: 'arm' }, 'v7'],
    ])('%s', async (_, config, platform, variant) => {
      expect((await on(config, platform)).config.variant).toBe(variant);
    });
    it('refuses a base for another', async () => {
      await expect(on({ architecture: 'arm64' }, {})).rejects.toThrow(
        code('OCIDSL_BASE_PLATFORM', 'it is for linux/arm64, expected one for linux/amd64'),
      );
      await expect(on({ variant: 'v3' }, {})).rejects.toThrow(code('OCIDSL_BASE_PLATFORM', 'linux/amd64/v3'));
    });
    it("keeps the base's version of Windows", async () => {
      const { config } = await on({ os: 'windows', 'os.version': '10.0.1' }, { os: 'windows' });
      expect(config['os.version']).toBe('10.0.1');
    });
  });
});

describe('the entrypoint', () => {
  const mac = layer('x', { executables: { app: { os: 'darwin', architecture: 'arm64', format: 'mach-o' } } });
  it('of another platform is refused', async () => {
    await expect(makeImage({ layers: [{ json: 'l.json' }], entrypoint: ['/app'] }, { 'l.json': mac.json })).rejects.toThrow(
      code('OCIDSL_ENTRYPOINT_PLATFORM', 'darwin/arm64'),
    );
  });
  it('is found through the merged environment and working directory', async () => {
    const linked = layer('x', { executables: { 'opt/app': { os: 'darwin', architecture: 'arm64', format: 'mach-o' } } });
    const spec = { layers: [{ json: 'l.json' }], entrypoint: ['app'], env: [['PATH', '/opt:$PATH']] as const };
    await expect(makeImageOn(baseImage(), spec, { 'l.json': linked.json })).rejects.toThrow(code('OCIDSL_ENTRYPOINT_PLATFORM', '/opt/app'));
  });
  it('is not checked where that is switched off', async () => {
    await expect(
      makeImage({ layers: [{ json: 'l.json' }], entrypoint: ['/app'], checkEntrypoint: false }, { 'l.json': mac.json }),
    ).resolves.toBeDefined();
  });
  it('that no layer has is no failure', async () => {
    await expect(makeImage({ entrypoint: ['/nowhere'] })).resolves.toBeDefined();
  });
});

it.each(['none', 'gzip'] as const)('takes what the layer tool writes, compression %s', async (format) => {
  const elf = Buffer.alloc(64);
  // The head of an ELF program for arm64.
  elf.write('7f454c460201', 'hex');
  elf.writeUInt16LE(183, 18);
  const spec = layerSpec({
    entries: [
      { path: 'opt/app', type: 'file', input: 'app' },
      { path: 'app', type: 'symlink', linkTarget: 'opt/app' },
      { path: 'usr/bin/hard', type: 'hardlink', linkTarget: 'opt/app' },
    ],
    compression: { format },
  });
  const { outputs } = await runTool(layerTool, ['layer.json'], { 'layer.json': encodeLayerSpec(spec), app: elf });
  const layers = { layers: [{ json: 'l.json' }] };
  const files = { 'l.json': outputs.get('layer.json') };
  const { manifest, config } = await makeImage(
    { ...layers, platform: { os: 'linux', architecture: 'arm64' }, entrypoint: ['/app'] },
    files,
  );
  expect(manifest.layers).toEqual([expect.objectContaining({ mediaType: format === 'gzip' ? OCI.layerGzip : OCI.layerTar })]);
  expect(config.rootfs.diff_ids).toHaveLength(1);
  for (const entrypoint of ['/opt/app', '/app', 'hard']) {
    await expect(makeImage({ ...layers, entrypoint: [entrypoint] }, files)).rejects.toThrow(
      code('OCIDSL_ENTRYPOINT_PLATFORM', '/opt/app is for linux/arm64'),
    );
  }
});

it('the tool has the name and version of the contract', () => {
  expect({ name: imageTool.name, version: imageTool.version }).toEqual(IMAGE_TOOL);
});

const schemas = loadSpecSchemas();
it.skipIf(schemas.skipReason !== undefined)(
  `the image-spec's schemas take the documents${schemas.skipReason ? ` (skipped: ${schemas.skipReason})` : ''}`,
  async () => {
    if (schemas.skipReason !== undefined) return;
    for (const docker of [false, true]) {
      const { manifestBytes, configBytes, manifest } = await makeImageOn(
        baseImage({ docker }),
        {
          layers: [{ json: 'l.json' }],
          entrypoint: null,
          cmd: [],
          volumes: ['/v'],
          exposedPorts: ['1'],
          annotations: { a: 'b' },
          labels: { a: 'b' },
          stopSignal: 'SIGTERM',
        },
        { 'l.json': layer('x').json },
      );
      expect(schemas.problems('manifest', manifestBytes)).toEqual([]);
      expect(schemas.problems('config', configBytes)).toEqual([]);
      expect(encodeManifest(manifest)).toEqual(manifestBytes);
    }
  },
);
