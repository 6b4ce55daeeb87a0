import { describe, expect, it } from 'vitest';
import { encodeImageSpec, INDEX_TOOL, type IndexSpec } from '../../../lib/oci/image-spec.ts';
import { parseImageIndex } from '../../../lib/oci/image-index.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import type { Platform } from '../../../lib/oci/platform.ts';
import { imageIndexTool } from '../../../lib/tools/image-index.ts';
import { loadSpecSchemas } from '../oci/image-spec-schemas.ts';
import { baseImage, json, makeImage } from './image-fixtures.ts';
import { runTool, type MemoryFile } from './memory-tool.ts';

async function makeIndex(platforms: readonly Platform[], spec: Partial<IndexSpec> = {}, more: Readonly<Record<string, MemoryFile>> = {}) {
  const files: Record<string, MemoryFile> = { ...more };
  for (const [i, platform] of platforms.entries()) {
    const image = await makeImage({ platform });
    files[`${i}/manifest.json`] = image.manifestBytes;
    files[`${i}/config.json`] = image.configBytes;
  }
  const images = platforms.map((_, i) => ({ manifest: `${i}/manifest.json`, config: `${i}/config.json` }));
  const { outputs } = await runTool(imageIndexTool, ['spec.json'], { 'spec.json': encodeImageSpec({ images, ...spec }), ...files });
  const bytes = outputs.get('index.json');
  return { bytes, index: parseImageIndex(bytes, 'i') };
}

const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64', variant: 'v8' };

describe('image-index', () => {
  it('has golden bytes', async () => {
    const { bytes } = await makeIndex([AMD64, ARM64], { annotations: { b: '1', a: '2' } });
    expect(bytes.toString()).toBe(
      `{"schemaVersion":2,"mediaType":"${OCI.index}","manifests":[` +
        `{"mediaType":"${OCI.manifest}","digest":"sha256:584a3e8bfbef76e0cd02576a494bcf71d3810fc9c43f8853b9379c2946d4bb3b","size":248,"platform":{"architecture":"amd64","os":"linux"}},` +
        `{"mediaType":"${OCI.manifest}","digest":"sha256:e089fa0ba1185623ddf2b6e3fd2f42ee7eb8271810de480bd6c67a0ebb8bc116","size":248,"platform":{"architecture":"arm64","os":"linux","variant":"v8"}}],` +
        `"annotations":{"a":"2","b":"1"}}`,
    );
  });

  it('keeps the order, and takes the whole platform from the config', async () => {
    const windows = { os: 'windows', architecture: 'amd64', osVersion: '10.0.20348.1', osFeatures: ['win32k'] };
    const { index } = await makeIndex([ARM64, windows, AMD64]);
    expect(index.manifests.map((entry) => entry.platform)).toEqual([
      { architecture: 'arm64', os: 'linux', variant: 'v8' },
      { architecture: 'amd64', os: 'windows', 'os.version': '10.0.20348.1', 'os.features': ['win32k'] },
      { architecture: 'amd64', os: 'linux' },
    ]);
  });

  it('takes several versions of Windows and variants of a CPU', async () => {
    const windows = { os: 'windows', architecture: 'amd64' };
    const { index } = await makeIndex([{ ...windows, osVersion: '1' }, { ...windows, osVersion: '2' }, AMD64, { ...AMD64, variant: 'v3' }]);
    expect(index.manifests).toHaveLength(4);
  });

  it.each<[string, Platform, Platform, string]>([
    ['twice the same', AMD64, AMD64, 'platform "linux/amd64" has two images, expected'],
    [
      'two spellings',
      { os: 'linux', architecture: 'arm64' },
      ARM64,
      'platform "linux/arm64/v8" has two images (as linux/arm64 and linux/arm64/v8, which are the same)',
    ],
    ['arm and arm/v7', { os: 'linux', architecture: 'arm' }, { os: 'linux', architecture: 'arm', variant: 'v7' }, 'which are the same'],
  ])('refuses %s', async (_, a, b, message) => {
    await expect(makeIndex([a, b])).rejects.toThrow(
      expect.objectContaining({ code: 'OCIDSL_INDEX_PLATFORM', message: expect.stringContaining(message) as string }) as Error,
    );
  });

  it('takes annotations from files, its own over them', async () => {
    const { index } = await makeIndex([AMD64], { annotations: { a: 'own' }, annotationFiles: ['f'] }, { f: 'a=file\nb=file\n' });
    expect(index.annotations).toEqual({ a: 'own', b: 'file' });
  });

  const images = [{ manifest: 'm', config: 'c' }];
  it("refuses images of Docker's types", async () => {
    const base = baseImage({ docker: true });
    await expect(makeIndex([], { images }, { m: base.manifest, c: base.config })).rejects.toThrow(
      expect.objectContaining({ code: 'OCIDSL_INDEX_IMAGE', hint: expect.stringContaining('ociImage') as string }) as Error,
    );
  });
  it('refuses a config of another image', async () => {
    await expect(makeIndex([], { images }, { m: baseImage().manifest, c: json({}) })).rejects.toThrow(
      expect.objectContaining({ code: 'OCIDSL_INDEX_IMAGE', kind: 'integrity' }) as Error,
    );
  });
  it('refuses an index', async () => {
    const { bytes } = await makeIndex([AMD64]);
    await expect(makeIndex([], { images }, { m: bytes, c: baseImage().config })).rejects.toThrow(
      expect.objectContaining({ code: 'OCIDSL_MANIFEST_KIND' }) as Error,
    );
  });

  it('has the name and version of the contract', () => {
    expect({ name: imageIndexTool.name, version: imageIndexTool.version }).toEqual(INDEX_TOOL);
  });

  const schemas = loadSpecSchemas();
  it.skipIf(schemas.skipReason !== undefined)(
    `is taken by the image-spec's schema${schemas.skipReason ? ` (skipped: ${schemas.skipReason})` : ''}`,
    async () => {
      if (schemas.skipReason !== undefined) return;
      expect(schemas.problems('index', (await makeIndex([AMD64, ARM64], { annotations: { a: 'b' } })).bytes)).toEqual([]);
    },
  );
});
