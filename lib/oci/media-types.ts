// Media types of images, and the mapping of Docker's to OCI's. Blobs of both families are the same bytes.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md

/** Media types of the image-spec. */
export const OCI = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layerTar: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  foreignLayerTar: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  foreignLayerGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  foreignLayerZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  empty: 'application/vnd.oci.empty.v1+json',
} as const;

/** Media types of Docker's image manifest, version 2. */
export const DOCKER = {
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layerTar: 'application/vnd.docker.image.rootfs.diff.tar',
  layerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  layerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  foreignLayerTar: 'application/vnd.docker.image.rootfs.foreign.diff.tar',
  foreignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  schema1: 'application/vnd.docker.distribution.manifest.v1+json',
  schema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const;

const TO_OCI: ReadonlyMap<string, string> = new Map([
  [DOCKER.index, OCI.index],
  [DOCKER.manifest, OCI.manifest],
  [DOCKER.config, OCI.config],
  [DOCKER.layerTar, OCI.layerTar],
  [DOCKER.layerGzip, OCI.layerGzip],
  [DOCKER.layerZstd, OCI.layerZstd],
  [DOCKER.foreignLayerTar, OCI.foreignLayerTar],
  [DOCKER.foreignLayerGzip, OCI.foreignLayerGzip],
]);

/** OCI's media type for the same bytes; types without one stay as they are. */
export function toOciMediaType(mediaType: string): string {
  return TO_OCI.get(mediaType) ?? mediaType;
}

/** Whether the media type belongs to Docker's family. */
export function isDockerMediaType(mediaType: string): boolean {
  return mediaType.startsWith('application/vnd.docker.');
}

/** An image index or a Docker manifest list. */
export function isIndexMediaType(mediaType: string): boolean {
  return toOciMediaType(mediaType) === OCI.index;
}

/** An image manifest of either family. */
export function isManifestMediaType(mediaType: string): boolean {
  return toOciMediaType(mediaType) === OCI.manifest;
}

/** Docker's first manifest format, signed or not: it has no config and cannot be used any more. */
export function isSchema1MediaType(mediaType: string): boolean {
  return mediaType === DOCKER.schema1 || mediaType === DOCKER.schema1Signed;
}

/** A config that describes a file system and how to run it, of either family. */
export function isImageConfigMediaType(mediaType: string): boolean {
  return toOciMediaType(mediaType) === OCI.config;
}

const COMPRESSIONS: ReadonlyMap<string, LayerCompression> = new Map<string, LayerCompression>([
  [OCI.layerTar, 'none'],
  [OCI.layerGzip, 'gzip'],
  [OCI.layerZstd, 'zstd'],
  [OCI.foreignLayerTar, 'none'],
  [OCI.foreignLayerGzip, 'gzip'],
  [OCI.foreignLayerZstd, 'zstd'],
]);

/** How the tar of a layer is compressed. */
export type LayerCompression = 'none' | 'gzip' | 'zstd';

/** How a layer of that type is compressed; undefined where it is not a layer's media type. */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  return COMPRESSIONS.get(toOciMediaType(mediaType));
}

/** A layer that its licence keeps out of registries: it is fetched from its `urls` and not uploaded by default. */
export function isForeignLayerMediaType(mediaType: string): boolean {
  const type = toOciMediaType(mediaType);
  return type === OCI.foreignLayerTar || type === OCI.foreignLayerGzip || type === OCI.foreignLayerZstd;
}
