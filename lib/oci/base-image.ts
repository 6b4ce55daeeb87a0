// A base image's documents, checked against each other and converted to OCI media types as a whole: engines refuse a
// mixture of Docker's and OCI's (skopeo, cri-o), and the blobs are the same bytes in both.
import { digestOf, formatDigest } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { parseImageConfig, type ImageConfig } from './config.ts';
import type { Descriptor } from './descriptor.ts';
import { parseManifest } from './manifest.ts';
import { isImageConfigMediaType, layerCompression, toOciMediaType } from './media-types.ts';

/** A base image as an image takes it over. */
export interface BaseImage {
  /** `sha256:…` of the manifest's bytes. */
  readonly digest: string;
  readonly config: ImageConfig;
  /** With OCI media types, without embedded data; as many as `config.rootfs.diff_ids`. */
  readonly layers: readonly Descriptor[];
  /** The manifest's. */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Reads a base image.
 * @param name the image in messages
 * @throws what parseManifest() and parseImageConfig() throw; OCIDSL_BASE_IMAGE where the documents do not belong together
 * or are not of a container image
 */
export function readBaseImage(manifestBytes: Uint8Array, configBytes: Uint8Array, name: string): BaseImage {
  const manifest = parseManifest(manifestBytes, `manifest of the base image "${printable(name)}"`);
  const refuse = (is: string, expected: string) =>
    new OcidslError({
      code: 'OCIDSL_BASE_IMAGE',
      kind: 'integrity',
      message: `Cannot use base image "${printable(name)}": ${is}, expected ${expected}`,
    });
  if (!isImageConfigMediaType(manifest.config.mediaType)) {
    throw refuse(`its config is of type ${manifest.config.mediaType}`, 'a container image');
  }
  const actual = digestOf(configBytes);
  if (manifest.config.size !== actual.sizeBytes || manifest.config.digest !== formatDigest(actual)) {
    throw refuse(
      `its config is ${formatDigest(actual)} of ${actual.sizeBytes} bytes`,
      `${manifest.config.digest} of ${manifest.config.size} bytes, which the manifest names`,
    );
  }
  const config = parseImageConfig(configBytes, `config of the base image "${printable(name)}"`);
  if (config.rootfs.diff_ids.length !== manifest.layers.length) {
    throw refuse(`its config has ${config.rootfs.diff_ids.length} diff IDs and its manifest ${manifest.layers.length} layers`, 'as many');
  }
  const layers = manifest.layers.map((layer, i) => {
    if (layerCompression(layer.mediaType) === undefined)
      throw refuse(`layer ${i} is of type ${layer.mediaType}`, 'a tar, plain or with gzip or zstd');
    const { data: _, ...rest } = layer;
    return { ...rest, mediaType: toOciMediaType(layer.mediaType) };
  });
  return { digest: formatDigest(digestOf(manifestBytes)), config, layers, annotations: manifest.annotations ?? {} };
}
