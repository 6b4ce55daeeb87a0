// Reading what a manifest descriptor stands for: the manifest, its config and what loading needs of both.
import { OcidslError } from '../base/errors.ts';
import { configPlatform, parseImageConfig } from '../oci/config.ts';
import { descriptorDigest, type Descriptor } from '../oci/descriptor.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { Platform } from '../oci/platform.ts';
import type { BlobSource } from '../store/blob-source.ts';

/** An image of one platform, its layers still in the store. */
export interface ReadImage {
  readonly manifest: Descriptor;
  /** The manifest as stored: never serialised again. */
  readonly manifestBytes: Uint8Array;
  readonly config: Descriptor;
  readonly configBytes: Uint8Array;
  readonly layers: readonly Descriptor[];
  /** `sha256:…` of each layer's uncompressed tar; as many as layers. */
  readonly diffIds: readonly string[];
  readonly platform: Platform;
}

// containerd refuses larger JSON files in an archive (core/images/archive/importer.go).
const JSON_LIMIT = 20 * 1024 * 1024;

/**
 * The image behind a manifest descriptor.
 * @throws OCIDSL_MANIFEST_KIND for an index; OCIDSL_DOCUMENT_FIELD and the like where manifest or config are malformed;
 * OCIDSL_IMAGE_LAYERS where they disagree on the number of layers; OCIDSL_BLOB_MISSING, OCIDSL_BLOB_CORRUPT
 */
export async function readImage(descriptor: Descriptor, source: BlobSource): Promise<ReadImage> {
  const { mediaType, digest, size } = descriptor;
  const manifestBytes = await source.readBytes(descriptorDigest(descriptor), JSON_LIMIT);
  const { config, layers } = parseManifest(manifestBytes, `manifest "${digest}"`, mediaType);
  const configBytes = await source.readBytes(descriptorDigest(config), JSON_LIMIT);
  const parsed = parseImageConfig(configBytes, `config "${config.digest}"`);
  const diffIds = parsed.rootfs.diff_ids;
  // Engines pair layers with diff IDs by position, some of them without counting.
  if (diffIds.length !== layers.length) {
    throw new OcidslError({
      code: 'OCIDSL_IMAGE_LAYERS',
      kind: 'integrity',
      message: `Cannot load image "${digest}": it has ${layers.length} layers and ${diffIds.length} diff_ids, expected as many`,
    });
  }
  return {
    manifest: { mediaType, digest, size },
    manifestBytes,
    config,
    configBytes,
    layers,
    diffIds,
    platform: configPlatform(parsed),
  };
}
