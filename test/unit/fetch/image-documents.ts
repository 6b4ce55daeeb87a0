// Small images in a fake registry.
import { digestOf, formatDigest } from '../../../lib/base/digest.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import type { FakeRegistry } from '../../../lib/testing/fake-registry.ts';

/** A descriptor, as documents have it. */
export interface PlacedDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** What differs between the images of a test. */
export interface ImageVariation {
  readonly architecture?: string;
  readonly variant?: string;
  readonly created?: string;
  /** Contents of the layers. Default: one. */
  readonly layers?: readonly string[];
  readonly manifestType?: string;
  readonly configType?: string;
}

/** Puts an image for Linux into a repository, under a tag where one is given. */
export function putImage({ storage }: FakeRegistry, repository: string, image: ImageVariation = {}, tag?: string): PlacedDescriptor {
  const { architecture = 'amd64', variant, created, layers = ['layer'], manifestType = OCI.manifest, configType = OCI.config } = image;
  const blobs = layers.map((text) => Buffer.from(text));
  for (const blob of blobs) storage.putBlob(repository, blob);
  const digests = blobs.map((blob) => formatDigest(digestOf(blob)));
  const platform = { architecture, os: 'linux', ...(variant === undefined ? {} : { variant }) };
  const config = json({ ...(created === undefined ? {} : { created }), ...platform, rootfs: { type: 'layers', diff_ids: digests } });
  storage.putBlob(repository, config);
  const manifest = json({
    schemaVersion: 2,
    mediaType: manifestType,
    config: describe(configType, config),
    layers: blobs.map((blob) => describe(OCI.layerTar, blob)),
  });
  storage.putManifest(repository, manifestType, manifest, tag);
  return describe(manifestType, manifest);
}

/** Puts an index into a repository, under a tag where one is given. */
export function putIndex(
  { storage }: FakeRegistry,
  repository: string,
  manifests: readonly (PlacedDescriptor & { readonly platform?: object })[],
  tag?: string,
  mediaType: string = OCI.index,
): PlacedDescriptor {
  const bytes = json({ schemaVersion: 2, mediaType, manifests });
  storage.putManifest(repository, mediaType, bytes, tag);
  return describe(mediaType, bytes);
}

function describe(mediaType: string, bytes: Buffer): PlacedDescriptor {
  return { mediaType, digest: formatDigest(digestOf(bytes)), size: bytes.byteLength };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
