// The image manifest: one config and the layers, oldest first.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
import { utf8 } from '../base/bytes.ts';
import { descriptorDigest, encodeDescriptor, parseDescriptor, type Descriptor } from './descriptor.ts';
import { encodeList, encodeObject, type OrderedField } from './encode-document.ts';
import { fieldError, optionalObject, optionalObjects, optionalString, optionalStringMap, requiredObject, withFields } from './fields.ts';
import { readManifestDocument } from './manifest-document.ts';

/** An image manifest. Fields that this tool does not know survive as further properties. */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  /** Base layer first, top layer last. */
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Reads an image manifest of either family.
 * @param what the document in messages, as `manifest "sha256:…"`
 * @param mediaType the media type under which it was found, where that is known
 * @throws OCIDSL_JSON_SYNTAX, OCIDSL_DOCUMENT_FIELD; OCIDSL_MANIFEST_SCHEMA1 for Docker's first format;
 * OCIDSL_MANIFEST_AMBIGUOUS where it can be read as an index too or contradicts `mediaType`
 */
export function parseManifest(bytes: Uint8Array, what: string, mediaType?: string): Manifest {
  const object = readManifestDocument(bytes, { what, expected: 'manifest', ...(mediaType === undefined ? {} : { mediaType }) });
  const layers = optionalObjects(object, 'layers');
  if (!layers) throw fieldError(what, 'layers', 'absent', 'a list of descriptors');
  const subject = optionalObject(object, 'subject');
  const manifest = withFields<Manifest>(object, {
    schemaVersion: 2,
    mediaType: optionalString(object, 'mediaType'),
    artifactType: optionalString(object, 'artifactType'),
    config: parseDescriptor(requiredObject(object, 'config')),
    layers: layers.map(parseDescriptor),
    subject: subject && parseDescriptor(subject),
    annotations: optionalStringMap(object, 'annotations'),
  });
  return manifest;
}

const ORDER: readonly OrderedField[] = [
  ['schemaVersion'],
  ['mediaType'],
  ['artifactType'],
  ['config', encodeDescriptor],
  ['layers', encodeList(encodeDescriptor)],
  ['subject', encodeDescriptor],
  ['annotations'],
];

/** The bytes of a manifest that this tool makes. Never for one that was read: its bytes are its identity. */
export function encodeManifest(manifest: Manifest): Buffer {
  return utf8(encodeObject(manifest, ORDER));
}

/** Sum of the sizes of the config and the distinct layers, in bytes. */
export function manifestBlobBytes(manifest: Manifest): number {
  const sizes = new Map([manifest.config, ...manifest.layers].map((blob) => [descriptorDigest(blob).hash, blob.size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
