// What manifests and indexes have in common: the refusal of documents that two readers could take for two things
// (GHSA-5j5w-g665-5m35, CVE-2021-41190).
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { asObject, optionalString, type JsonObject } from './fields.ts';
import { isIndexMediaType, isManifestMediaType, isSchema1MediaType } from './media-types.ts';
import { parseStrictJson } from './strict-json.ts';

/** What is read. */
export interface ManifestDocumentOptions {
  readonly what: string;
  readonly expected: 'manifest' | 'index';
  /** The media type of the descriptor or the response that led here. */
  readonly mediaType?: string;
}

/** Kind of a document that is a manifest or an index, by its fields, where it says so itself by either. */
export function manifestDocumentKind(object: JsonObject): 'manifest' | 'index' | undefined {
  const has = (key: string) => Object.hasOwn(object.value, key);
  const isIndex = has('manifests');
  const isManifest = has('layers') || has('config') || has('fsLayers');
  if (isIndex && isManifest) throw ambiguous(object.what, 'it has the fields of both');
  const mediaType = optionalString(object, 'mediaType');
  const stated =
    mediaType === undefined ? undefined : isIndexMediaType(mediaType) ? 'index' : isManifestMediaType(mediaType) ? 'manifest' : undefined;
  const found = isIndex ? 'index' : isManifest ? 'manifest' : undefined;
  if (stated && found && stated !== found) throw ambiguous(object.what, `its mediaType says ${stated} and its fields say ${found}`);
  return found ?? stated;
}

/** Parses a manifest or an index as far as both are alike. */
export function readManifestDocument(bytes: Uint8Array, options: ManifestDocumentOptions): JsonObject {
  const { what, expected } = options;
  const object = asObject(parseStrictJson(bytes, { what }), what);
  const mediaType = optionalString(object, 'mediaType');
  if (isSchema1(object, mediaType ?? options.mediaType)) {
    throw new OcidslError({
      code: 'OCIDSL_MANIFEST_SCHEMA1',
      kind: 'integrity',
      message: `Cannot read ${what}: it is in Docker's first format (schema 1), expected an OCI image manifest or Docker's schema 2`,
      hint: 'Ask the publisher for an image that was built after 2017, or push it again with a current client',
    });
  }
  if (mediaType !== undefined && options.mediaType !== undefined && mediaType !== options.mediaType) {
    throw ambiguous(what, `its mediaType is "${printable(mediaType, 100)}" and it was found as "${printable(options.mediaType, 100)}"`);
  }
  const kind = manifestDocumentKind(object);
  if (object.value['schemaVersion'] !== 2 || kind === undefined) {
    throw new OcidslError({
      code: 'OCIDSL_MANIFEST_KIND',
      kind: 'integrity',
      message: `Cannot read ${what}: it is no image document of schemaVersion 2, expected an image ${expected}`,
    });
  }
  if (kind !== expected) {
    throw new OcidslError({
      code: 'OCIDSL_MANIFEST_KIND',
      kind: 'integrity',
      message: `Cannot read ${what}: it is an image ${kind}, expected an image ${expected}`,
    });
  }
  return object;
}

function isSchema1(object: JsonObject, mediaType: string | undefined): boolean {
  return object.value['schemaVersion'] === 1 || (mediaType !== undefined && isSchema1MediaType(mediaType));
}

function ambiguous(what: string, is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_MANIFEST_AMBIGUOUS',
    kind: 'integrity',
    message: `Cannot read ${what}: ${is}, expected either an image manifest or an index`,
  });
}
