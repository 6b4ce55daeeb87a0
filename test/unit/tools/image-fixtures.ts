// What the tests of the image and index tools share: a base image, layers, and runs of the tools.
import { gzipSync } from 'node:zlib';
import { digestOf, formatDigest } from '../../../lib/base/digest.ts';
import { parseImageConfig } from '../../../lib/oci/config.ts';
import { encodeImageSpec, type ImageSpec } from '../../../lib/oci/image-spec.ts';
import { parseManifest } from '../../../lib/oci/manifest.ts';
import { DOCKER, OCI } from '../../../lib/oci/media-types.ts';
import { validateImage } from '../../../lib/oci/validate.ts';
import { imageTool } from '../../../lib/tools/image.ts';
import { runTool, type MemoryFile } from './memory-tool.ts';

/** Bytes of a JSON document, as some other tool may have written it. */
export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value, undefined, 1));
}

/** A layer of one tar that need not be one: only digests count here. */
export function layer(content: string, more: object = {}) {
  const blob = gzipSync(content);
  const description = {
    mediaType: OCI.layerGzip,
    digest: formatDigest(digestOf(blob)),
    size: blob.length,
    diffID: formatDigest(digestOf(Buffer.from(content))),
    uncompressedSize: content.length,
    executables: {},
    links: {},
    ...more,
  };
  return { blob, description, json: json(description) };
}

/** A base image with one layer. */
export function baseImage(
  options: { readonly docker?: boolean; readonly config?: object; readonly manifest?: object; readonly layerType?: string } = {},
) {
  const types = options.docker ? DOCKER : OCI;
  const { description, blob } = layer('base layer');
  const config = json({
    architecture: 'amd64',
    os: 'linux',
    created: '2001-02-03T04:05:06Z',
    author: 'base author',
    config: {
      User: 'root',
      Env: ['PATH=/usr/bin:/bin', 'BASE=1'],
      Cmd: ['sh'],
      Labels: { a: 'base' },
      WorkingDir: '/',
      ...(options.docker && { Healthcheck: { Test: ['CMD', 'true'] } }),
    },
    rootfs: { type: 'layers', diff_ids: [description.diffID] },
    history: [
      { created: '2001-02-03T04:05:06Z', created_by: 'ADD rootfs' },
      { created_by: 'CMD ["sh"]', empty_layer: true },
    ],
    ...(options.docker && { docker_version: '20.10', container_config: { Hostname: 'x' } }),
    ...options.config,
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, digest: formatDigest(digestOf(config)), size: config.length },
    layers: [{ mediaType: options.layerType ?? types.layerGzip, digest: description.digest, size: description.size, data: 'eA==' }],
    ...options.manifest,
  });
  return { config, manifest, digest: formatDigest(digestOf(manifest)), layerBlob: blob, layerDescription: description };
}

/** Spec fields that most tests do not care about. */
export const SPEC: ImageSpec = { platform: { os: 'linux', architecture: 'amd64' }, layers: [], checkEntrypoint: true };

/** Runs the image tool; every image that comes out is valid by the oracle. */
export async function makeImage(spec: Partial<ImageSpec>, files: Readonly<Record<string, MemoryFile>> = {}) {
  const full: ImageSpec = { ...SPEC, ...spec };
  const { outputs, lines } = await runTool(imageTool, ['spec.json'], { 'spec.json': encodeImageSpec(full), ...files });
  const manifestBytes = outputs.get('manifest.json');
  const configBytes = outputs.get('config.json');
  const problems = await validateImage({ manifest: manifestBytes, config: configBytes });
  if (problems.length > 0) throw new Error(`the image is not valid: ${problems.join('; ')}`);
  return { manifestBytes, configBytes, manifest: parseManifest(manifestBytes, 'm'), config: parseImageConfig(configBytes, 'c'), lines };
}

/** Runs the image tool on a base. */
export async function makeImageOn(
  base: ReturnType<typeof baseImage>,
  spec: Partial<ImageSpec> = {},
  files: Readonly<Record<string, MemoryFile>> = {},
) {
  return await makeImage(
    { base: { manifest: 'base/manifest.json', config: 'base/config.json' }, ...spec },
    { 'base/manifest.json': base.manifest, 'base/config.json': base.config, ...files },
  );
}
