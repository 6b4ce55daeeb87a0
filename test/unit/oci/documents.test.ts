// Reading and writing manifests, indexes and configs: order and bytes, unknown fields, and what is refused (N27–N34).
import { describe, expect, it } from 'vitest';
import { digestOf, formatDigest } from '../../../lib/base/digest.ts';
import { encodeImageConfig, parseImageConfig, type ImageConfig } from '../../../lib/oci/config.ts';
import { descriptorDigest, descriptorOf, encodeDescriptor, withPlatform } from '../../../lib/oci/descriptor.ts';
import { alignHistory, historyLayerCount } from '../../../lib/oci/history.ts';
import { encodeImageIndex, parseImageIndex } from '../../../lib/oci/image-index.ts';
import { encodeManifest, manifestBlobBytes, parseManifest } from '../../../lib/oci/manifest.ts';
import { DOCKER, layerCompression, OCI, toOciMediaType } from '../../../lib/oci/media-types.ts';
import { loadSpecSchemas } from './image-spec-schemas.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const json = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

const manifest = {
  layers: [{ size: 3, digest: B, mediaType: OCI.layerGzip }],
  zzz: { b: 1, a: [{ d: 1, c: 2 }] },
  annotations: { b: '1', a: '2', '\u{1f600}': '3', '\uff5e': '4' },
  config: { size: 2, data: 'e30=', mediaType: OCI.config, digest: A, extra: true },
  mediaType: OCI.manifest,
  schemaVersion: 2,
};

const config: ImageConfig = {
  architecture: 'amd64',
  os: 'linux',
  created: '1970-01-01T00:00:00Z',
  config: { Env: ['A=ü'], User: '1', Labels: { b: '', a: '' }, ExposedPorts: { '80/tcp': {} } },
  rootfs: { type: 'layers', diff_ids: [A] },
  history: [{ created_by: 'x', created: '1970-01-01T00:00:00Z' }],
};

describe('golden bytes', () => {
  it('of a manifest: the spec order, then unknown fields, maps by UTF-8', () => {
    expect(encodeManifest(parseManifest(json(manifest), 'm')).toString()).toBe(
      `{"schemaVersion":2,"mediaType":"${OCI.manifest}",` +
        `"config":{"mediaType":"${OCI.config}","digest":"${A}","size":2,"data":"e30=","extra":true},` +
        `"layers":[{"mediaType":"${OCI.layerGzip}","digest":"${B}","size":3}],` +
        `"annotations":{"a":"2","b":"1","\uff5e":"4","\u{1f600}":"3"},"zzz":{"a":[{"c":2,"d":1}],"b":1}}`,
    );
  });

  it('of an index', () => {
    const entry = withPlatform(descriptorOf(OCI.manifest, json('{}')), {
      os: 'linux',
      architecture: 'arm64',
      variant: 'v8',
      osVersion: '1',
      osFeatures: ['f'],
    });
    expect(encodeImageIndex({ manifests: [entry], mediaType: OCI.index, schemaVersion: 2 }).toString()).toBe(
      `{"schemaVersion":2,"mediaType":"${OCI.index}","manifests":[{"mediaType":"${OCI.manifest}",` +
        `"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,` +
        `"platform":{"architecture":"arm64","os":"linux","os.version":"1","os.features":["f"],"variant":"v8"}}]}`,
    );
  });

  it('of a config', () => {
    expect(encodeImageConfig(config).toString()).toBe(
      '{"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux",' +
        '"config":{"User":"1","ExposedPorts":{"80/tcp":{}},"Env":["A=ü"],"Labels":{"a":"","b":""}},' +
        `"rootfs":{"type":"layers","diff_ids":["${A}"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"x"}]}`,
    );
  });

  it('do not depend on the order of properties', () => {
    const shuffled = Object.fromEntries(Object.entries(config).toReversed()) as unknown as ImageConfig;
    expect(encodeImageConfig(shuffled)).toEqual(encodeImageConfig(config));
  });

  it('have sizes in bytes, not characters', () => {
    const bytes = encodeImageConfig(config);
    expect(bytes.byteLength).toBe(bytes.toString().length + 1);
    expect(descriptorOf(OCI.config, bytes)).toEqual({
      mediaType: OCI.config,
      digest: formatDigest(digestOf(bytes)),
      size: bytes.byteLength,
    });
  });
});

describe('reading', () => {
  it('keeps unknown fields, __proto__ among them, everywhere', () => {
    const text = `{"architecture":"amd64","os":"linux","config":{"Healthcheck":{"Test":["NONE"]},"__proto__":{"x":1}},"rootfs":{"type":"layers","diff_ids":[]},"docker_version":"1","__proto__":2}`;
    const parsed = parseImageConfig(json(text), 'c');
    expect(Object.keys(parsed)).toContain('__proto__');
    expect(encodeImageConfig(parsed).toString()).toBe(
      '{"architecture":"amd64","os":"linux","config":{"Healthcheck":{"Test":["NONE"]},"__proto__":{"x":1}},"rootfs":{"type":"layers","diff_ids":[]},"__proto__":2,"docker_version":"1"}',
    );
  });

  it('takes null for an absent field, as Docker writes it', () => {
    const text =
      '{"architecture":"amd64","os":"linux","config":{"Cmd":null,"Volumes":null,"Labels":null,"OnBuild":null},"rootfs":{"type":"layers","diff_ids":[]},"history":null}';
    expect(parseImageConfig(json(text), 'c').config).toEqual({ OnBuild: null });
  });

  const image = (change: object) => json({ schemaVersion: 2, config: manifest.config, layers: [], ...change });
  it.each([
    ['a document of both kinds', image({ manifests: [] }), 'OCIDSL_MANIFEST_AMBIGUOUS', 'it has the fields of both'],
    [
      'an index that says manifest',
      json({ schemaVersion: 2, mediaType: OCI.manifest, manifests: [] }),
      'OCIDSL_MANIFEST_AMBIGUOUS',
      'its mediaType says manifest and its fields say index',
    ],
    ['a manifest that says index', image({ mediaType: OCI.index }), 'OCIDSL_MANIFEST_AMBIGUOUS', 'its mediaType says index'],
    ['an index', json({ schemaVersion: 2, manifests: [] }), 'OCIDSL_MANIFEST_KIND', 'it is an image index, expected an image manifest'],
    ['schema 1', json({ schemaVersion: 1, fsLayers: [] }), 'OCIDSL_MANIFEST_SCHEMA1', "Docker's first format"],
    ['schema 1 by its type', image({ mediaType: DOCKER.schema1Signed }), 'OCIDSL_MANIFEST_SCHEMA1', "Docker's first format"],
    ['no schemaVersion', json({ config: manifest.config, layers: [] }), 'OCIDSL_MANIFEST_KIND', 'schemaVersion 2'],
    ['another JSON', json({ schemaVersion: 2 }), 'OCIDSL_MANIFEST_KIND', 'no image document'],
    ['a list', json([]), 'OCIDSL_DOCUMENT_FIELD', 'it is a list, expected an object'],
    ['duplicate keys', json('{"schemaVersion":2,"config":1,"layers":[],"layers":[]}'), 'OCIDSL_JSON_SYNTAX', 'appears twice'],
    ['no layers', json({ schemaVersion: 2, config: manifest.config }), 'OCIDSL_DOCUMENT_FIELD', 'layers is absent'],
    ['a layer without digest', image({ layers: [{ mediaType: 'a/b', size: 1 }] }), 'OCIDSL_DOCUMENT_FIELD', 'layers[0].digest is absent'],
    [
      'a digest that climbs',
      image({ layers: [{ mediaType: 'a/b', size: 1, digest: 'sha256:../../etc' }] }),
      'OCIDSL_DOCUMENT_FIELD',
      'layers[0].digest is no digest',
    ],
    [
      'a digest in upper case',
      image({ layers: [{ mediaType: 'a/b', size: 1, digest: A.toUpperCase() }] }),
      'OCIDSL_DOCUMENT_FIELD',
      'layers[0].digest is no digest',
    ],
    [
      'another algorithm',
      image({ layers: [{ mediaType: 'a/b', size: 1, digest: `sha512:${'a'.repeat(128)}` }] }),
      'OCIDSL_DOCUMENT_FIELD',
      'layers[0].digest',
    ],
    [
      'a negative size',
      image({ layers: [{ mediaType: 'a/b', size: -1, digest: A }] }),
      'OCIDSL_DOCUMENT_FIELD',
      'layers[0].size is -1, expected an integer from 0 on',
    ],
    ['half a size', image({ layers: [{ mediaType: 'a/b', size: 1.5, digest: A }] }), 'OCIDSL_DOCUMENT_FIELD', 'layers[0].size is 1.5'],
    ['a size as text', image({ layers: [{ mediaType: 'a/b', size: '1', digest: A }] }), 'OCIDSL_DOCUMENT_FIELD', 'layers[0].size is "1"'],
    [
      'a bad media type',
      image({ layers: [{ mediaType: 'ab', size: 1, digest: A }] }),
      'OCIDSL_DOCUMENT_FIELD',
      'layers[0].mediaType is no media type',
    ],
    [
      'an annotation that is no string',
      image({ annotations: { 'a.b': 1 } }),
      'OCIDSL_DOCUMENT_FIELD',
      'annotations.a.b is 1, expected a string',
    ],
  ])('refuses as a manifest %s', (_, bytes, code, message) => {
    expect(() => parseManifest(bytes, 'manifest "x"')).toThrowError(
      expect.objectContaining({ code, kind: 'integrity', message: expect.stringContaining(message) as string }) as Error,
    );
  });

  it('refuses a document under another media type', () => {
    const bytes = image({ mediaType: DOCKER.manifest });
    expect(() => parseManifest(bytes, 'm', DOCKER.manifest)).not.toThrow();
    expect(() => parseManifest(bytes, 'm', OCI.manifest)).toThrowError(
      expect.objectContaining({ code: 'OCIDSL_MANIFEST_AMBIGUOUS' }) as Error,
    );
  });

  it('takes a manifest without mediaType', () => {
    expect(parseManifest(image({}), 'm', OCI.manifest).layers).toEqual([]);
  });

  it.each([
    ['rootfs.type', { rootfs: { type: 'other', diff_ids: [] } }, 'rootfs.type is "other", expected "layers"'],
    ['no diff_ids', { rootfs: { type: 'layers' } }, 'rootfs.diff_ids is absent'],
    ['a bad diff ID', { rootfs: { type: 'layers', diff_ids: [A, 'sha256:1'] } }, 'rootfs.diff_ids[1]'],
    ['no rootfs', { rootfs: undefined }, 'rootfs is absent'],
    ['no os', { os: undefined }, 'os is absent'],
    ['env with a number', { config: { Env: [1] } }, 'config.Env[0] is 1'],
    ['ports that are no set', { config: { ExposedPorts: { '80/tcp': 1 } } }, 'config.ExposedPorts."80/tcp" is 1'],
    ['history of strings', { history: ['x'] }, 'history[0] is "x"'],
  ])('refuses a config with %s', (_, change, message) => {
    expect(() => parseImageConfig(json({ ...config, ...change }), 'config "x"')).toThrow(`Cannot read config "x": ${message}`);
  });

  it('takes an index with unknown media types and platforms', () => {
    const bytes = json({
      schemaVersion: 2,
      manifests: [
        { mediaType: 'text/plain', size: 1, digest: A },
        { mediaType: OCI.manifest, size: 1, digest: B, platform: { os: 'unknown', architecture: 'unknown', features: ['x'] } },
      ],
    });
    const index = parseImageIndex(bytes, 'i');
    expect(index.manifests.map((entry) => entry.mediaType)).toEqual(['text/plain', OCI.manifest]);
    expect(encodeImageIndex(index).toString()).toContain('"features":["x"]');
  });
});

it('media types map to OCI family by family', () => {
  expect(toOciMediaType(DOCKER.manifest)).toBe(OCI.manifest);
  expect(toOciMediaType(DOCKER.layerGzip)).toBe(OCI.layerGzip);
  expect(toOciMediaType(DOCKER.foreignLayerGzip)).toBe(OCI.foreignLayerGzip);
  expect(toOciMediaType('text/plain')).toBe('text/plain');
  expect([OCI.layerTar, DOCKER.layerGzip, OCI.layerZstd, 'text/plain', OCI.config].map(layerCompression)).toEqual([
    'none',
    'gzip',
    'zstd',
    undefined,
    undefined,
  ]);
});

it('descriptorDigest() is what a store takes', () => {
  expect(descriptorDigest({ digest: A, size: 7 })).toEqual({ hash: 'a'.repeat(64), sizeBytes: 7 });
  expect(() => descriptorDigest({ digest: 'sha256:../x', size: 7 })).toThrow('Cannot parse digest');
});

it('manifestBlobBytes() counts a blob once', () => {
  const parsed = parseManifest(json({ ...manifest, layers: [...manifest.layers, ...manifest.layers] }), 'm');
  expect(manifestBlobBytes(parsed)).toBe(5);
});

describe('alignHistory()', () => {
  const layer = { created_by: 'l' };
  const empty = { created_by: 'e', empty_layer: true };
  const filler = { created_by: 'filler' };
  it.each([
    ['an aligned history', [layer, empty, layer], 2, [layer, empty, layer]],
    ['no history', [], 2, [filler, filler]],
    ['a history that is too short', [empty, layer], 3, [empty, layer, filler, filler]],
    ['a history that is too long', [layer, layer, empty], 1, [filler]],
    ['a history without layers', [empty], 0, [empty]],
  ])('of %s', (_, history, count, expected) => {
    const aligned = alignHistory(history, count, filler);
    expect(aligned).toEqual(expected);
    expect(historyLayerCount(aligned)).toBe(count);
  });
});

const schemas = loadSpecSchemas();

describe.skipIf(schemas.skipReason !== undefined)(
  `JSON schemas of the image-spec${schemas.skipReason ? ` (skipped: ${schemas.skipReason})` : ''}`,
  () => {
    const problems = (...args: Parameters<Extract<typeof schemas, { problems: unknown }>['problems']>) =>
      schemas.skipReason === undefined ? schemas.problems(...args) : [];

    it('take the golden documents', () => {
      expect(problems('manifest', encodeManifest(parseManifest(json(manifest), 'm')))).toEqual([]);
      expect(problems('config', encodeImageConfig(config))).toEqual([]);
      expect(problems('descriptor', json(encodeDescriptor(descriptorOf(OCI.config, json('{}')))))).toEqual([]);
      expect(problems('index', encodeImageIndex({ schemaVersion: 2, mediaType: OCI.index, manifests: [] }))).toEqual([]);
    });

    it('can fail: they refuse broken documents', () => {
      expect(problems('manifest', json({ schemaVersion: 2, layers: [] }))).not.toEqual([]);
      expect(problems('manifest', json({ ...manifest, config: { ...manifest.config, digest: 'x' } }))).not.toEqual([]);
      expect(problems('index', json({ manifests: [] }))).not.toEqual([]);
      expect(problems('config', json({ ...config, rootfs: { type: 'x', diff_ids: [] } }))).not.toEqual([]);
      expect(problems('layout', json({}))).not.toEqual([]);
    });
  },
);
