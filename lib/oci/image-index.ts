// The image index: manifests by platform. `index.json` of an OCI layout is one too.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
import { utf8 } from '../base/bytes.ts';
import { encodeDescriptor, parseDescriptor, type Descriptor } from './descriptor.ts';
import { encodeList, encodeObject, type OrderedField } from './encode-document.ts';
import { fieldError, optionalObject, optionalObjects, optionalString, optionalStringMap, withFields } from './fields.ts';
import { readManifestDocument } from './manifest-document.ts';

/** An image index. Fields that this tool does not know survive as further properties. */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Reads an image index or a Docker manifest list. Throws like parseManifest().
 * @param what the document in messages, as `index "sha256:…"`
 * @param mediaType the media type under which it was found, where that is known
 */
export function parseImageIndex(bytes: Uint8Array, what: string, mediaType?: string): ImageIndex {
  const object = readManifestDocument(bytes, { what, expected: 'index', ...(mediaType === undefined ? {} : { mediaType }) });
  const manifests = optionalObjects(object, 'manifests');
  if (!manifests) throw fieldError(what, 'manifests', 'absent', 'a list of descriptors');
  const subject = optionalObject(object, 'subject');
  return withFields<ImageIndex>(object, {
    schemaVersion: 2,
    mediaType: optionalString(object, 'mediaType'),
    artifactType: optionalString(object, 'artifactType'),
    manifests: manifests.map(parseDescriptor),
    subject: subject && parseDescriptor(subject),
    annotations: optionalStringMap(object, 'annotations'),
  });
}

const ORDER: readonly OrderedField[] = [
  ['schemaVersion'],
  ['mediaType'],
  ['artifactType'],
  ['manifests', encodeList(encodeDescriptor)],
  ['subject', encodeDescriptor],
  ['annotations'],
];

/** The bytes of an index that this tool makes. */
export function encodeImageIndex(index: ImageIndex): Buffer {
  return utf8(encodeObject(index, ORDER));
}
