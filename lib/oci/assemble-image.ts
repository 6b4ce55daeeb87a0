// An image's config and manifest from its base, its layers and its attributes: the merge rules of rules_oci, with the
// differences that its users asked for. Pure: everything is given, nothing is read.
import { EPOCH, checkTimestamp } from './timestamp.ts';
import { ANNOTATION, checkStringMap, inheritedAnnotations } from './annotations.ts';
import type { BaseImage } from './base-image.ts';
import { encodeImageConfig, type ImageConfig } from './config.ts';
import { descriptorOf, type Descriptor } from './descriptor.ts';
import { alignHistory, type HistoryEntry } from './history.ts';
import { encodeManifest, type Manifest } from './manifest.ts';
import { OCI } from './media-types.ts';
import type { Platform } from './platform.ts';
import { mergeRunParameters, type RunAttributes } from './merge-run-parameters.ts';
import { imagePlatform } from './image-platform.ts';
import { platformToWire } from './wire-platform.ts';

/** What an image is made of. */
export interface ImageParts {
  /** The platform that is built. */
  readonly platform: Platform;
  readonly base?: BaseImage;
  /** Full name of the base for the annotation, where it has one. Its digest is annotated in any case. */
  readonly baseName?: string;
  /** The image's own layers, lowest first. */
  readonly layers: readonly { readonly descriptor: Descriptor; readonly diffId: string; readonly comment?: string }[];
  readonly run: RunAttributes;
  /** In order of precedence, lowest first. */
  readonly annotations: readonly (readonly [key: string, value: string])[];
  readonly created?: string;
  readonly author?: string;
}

/** An image's documents: the bytes that its digests are of, and what they say. */
export interface AssembledImage {
  readonly manifest: Manifest;
  readonly manifestBytes: Buffer;
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
}

/** Says who made a layer. No label and no path: they would change the digest of the same content. */
const CREATED_BY = 'ocidsl layer';

/**
 * Assembles an image.
 * @throws OCIDSL_IMAGE_VALUE, OCIDSL_ENVIRONMENT_REFERENCE, OCIDSL_BASE_PLATFORM
 */
export function assembleImage(parts: ImageParts): AssembledImage {
  const { base } = parts;
  const created = checkTimestamp(parts.created ?? EPOCH, 'creation time');
  const platform = imagePlatform(parts.platform, base?.config);
  const config: ImageConfig = {
    // Fields that the image-spec does not have stay as the base has them; those that it has are all set below.
    ...base?.config,
    created,
    ...(parts.author === undefined ? {} : { author: parts.author }),
    ...platformToWire(platform),
    config: mergeRunParameters(base?.config.config ?? {}, parts.run, platform.os),
    rootfs: { type: 'layers', diff_ids: [...(base?.config.rootfs.diff_ids ?? []), ...parts.layers.map((layer) => layer.diffId)] },
    history: history(parts, created),
  };
  const configBytes = encodeImageConfig(config);
  const annotations = manifestAnnotations(parts);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: OCI.manifest,
    config: descriptorOf(OCI.config, configBytes),
    layers: [...(base?.layers ?? []), ...parts.layers.map((layer) => layer.descriptor)],
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
  return { manifest, manifestBytes: encodeManifest(manifest), config, configBytes };
}

// Engines refuse or misattribute layers where history and layers differ in number.
function history(parts: ImageParts, created: string): HistoryEntry[] {
  const { base } = parts;
  const inherited = alignHistory(base?.config.history ?? [], base?.layers.length ?? 0, {
    created: base?.config.created ?? EPOCH,
    created_by: 'layer of the base image',
  });
  const own = parts.layers.map((layer): HistoryEntry => ({
    created,
    created_by: CREATED_BY,
    ...(layer.comment === undefined ? {} : { comment: layer.comment }),
  }));
  return [...inherited, ...own];
}

function manifestAnnotations(parts: ImageParts): Record<string, string> {
  checkStringMap(parts.annotations, 'annotation');
  const about: [string, string][] = [];
  if (parts.base && parts.baseName !== undefined) about.push([ANNOTATION.baseName, parts.baseName]);
  if (parts.base) about.push([ANNOTATION.baseDigest, parts.base.digest]);
  return stringMap([...inheritedAnnotations(parts.base?.annotations), ...about, ...parts.annotations]);
}

/** A map without prototype, so that no key is special; later entries win. */
export function stringMap(entries: Iterable<readonly [key: string, value: string]>): Record<string, string> {
  const map = Object.create(null) as Record<string, string>;
  for (const [key, value] of entries) map[key] = value;
  return map;
}
