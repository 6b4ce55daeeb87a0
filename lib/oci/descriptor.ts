// The content descriptor: what points from one document to the next blob.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
import { digestOf, formatDigest, parseSha256, type Digest } from '../base/digest.ts';
import { OcidslError, isOcidslError } from '../base/errors.ts';
import { encodeObject, type OrderedField } from './encode-document.ts';
import {
  fieldError,
  fieldPath,
  optionalObject,
  optionalString,
  optionalStringMap,
  optionalStrings,
  requiredCount,
  requiredString,
  withFields,
  type JsonObject,
} from './fields.ts';
import type { Platform } from './platform.ts';
import { encodeWirePlatform, platformFromWire, platformToWire, type WirePlatform } from './wire-platform.ts';

/** A reference to a blob by digest. Fields that this tool does not know survive as further properties. */
export interface Descriptor {
  /** Media type of the blob, such as `application/vnd.oci.image.manifest.v1+json`. */
  readonly mediaType: string;
  /** `sha256:<64 lower-case hex>`; checked when it was read. */
  readonly digest: string;
  /** Size of the blob in bytes. */
  readonly size: number;
  /** Where else the blob may be downloaded. */
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** The blob itself, in base64. Kept when read, never used, and dropped from what this tool writes. */
  readonly data?: string;
  /** Platform of a manifest in an index, in the spec's own field names. */
  readonly platform?: WirePlatform;
  readonly artifactType?: string;
}

const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/** Whether `text` is a media type: `type/subtype`, without parameters. */
export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text);
}

/**
 * Reads a descriptor from a parsed document.
 * @throws OCIDSL_DOCUMENT_FIELD naming the field
 */
export function parseDescriptor(object: JsonObject): Descriptor {
  const mediaType = requiredString(object, 'mediaType');
  if (!isMediaType(mediaType)) {
    throw fieldError(object.what, fieldPath(object, 'mediaType'), 'no media type', 'type/subtype');
  }
  const digest = requiredString(object, 'digest');
  checkDigest(object.what, fieldPath(object, 'digest'), digest);
  const platform = optionalObject(object, 'platform');
  return withFields<Descriptor>(object, {
    mediaType,
    digest,
    size: requiredCount(object, 'size'),
    urls: optionalStrings(object, 'urls'),
    annotations: optionalStringMap(object, 'annotations'),
    data: optionalString(object, 'data'),
    platform: platform && parseWirePlatform(platform),
    artifactType: optionalString(object, 'artifactType'),
  });
}

function parseWirePlatform(object: JsonObject): WirePlatform {
  return withFields<WirePlatform>(object, {
    architecture: requiredString(object, 'architecture'),
    os: requiredString(object, 'os'),
    'os.version': optionalString(object, 'os.version'),
    'os.features': optionalStrings(object, 'os.features'),
    variant: optionalString(object, 'variant'),
  });
}

/** Refuses a digest that is not `sha256:<64 lower-case hex>`, before it can become a path. @throws OCIDSL_DOCUMENT_FIELD */
export function checkDigest(what: string, path: string, digest: string): void {
  try {
    parseSha256(digest);
  } catch (error) {
    if (!isOcidslError(error)) throw error;
    throw new OcidslError({
      code: 'OCIDSL_DOCUMENT_FIELD',
      kind: 'integrity',
      message: `Cannot read ${what}: ${path} is no digest that this tool takes, expected sha256:<64 lower-case hex digits>`,
      cause: error,
    });
  }
}

const ORDER: readonly OrderedField[] = [
  ['mediaType'],
  ['digest'],
  ['size'],
  ['urls'],
  ['annotations'],
  ['data'],
  ['platform', encodeWirePlatform],
  ['artifactType'],
];

/** JSON text of a descriptor, in the spec's order of fields. */
export function encodeDescriptor(descriptor: Descriptor): string {
  return encodeObject(descriptor, ORDER);
}

/** The descriptor of bytes in memory. */
export function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: formatDigest(digestOf(bytes)), size: bytes.byteLength };
}

/** The store's form of a descriptor's digest and size. @throws OCIDSL_DIGEST_SYNTAX */
export function descriptorDigest(descriptor: Pick<Descriptor, 'digest' | 'size'>): Digest {
  return { hash: parseSha256(descriptor.digest), sizeBytes: descriptor.size };
}

/** The platform that a descriptor in an index names. */
export function descriptorPlatform(descriptor: Descriptor): Platform | undefined {
  return descriptor.platform && platformFromWire(descriptor.platform);
}

/** The descriptor as an index lists it: with the platform, without embedded data. */
export function withPlatform(descriptor: Descriptor, platform: Platform): Descriptor {
  const { data: _, ...rest } = descriptor;
  return { ...rest, platform: platformToWire(platform) };
}
