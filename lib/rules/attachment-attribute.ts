// The attribute type of attachments: documents that are pushed with an image and refer to it.
import * as attribute from '../graph/attribute.ts';
import type { AttributeType } from '../graph/attribute.ts';
import { describeValue } from '../graph/describe-value.ts';
import { isGlob, type Glob } from '../graph/glob.ts';
import type { Handle } from '../graph/handle.ts';
import type { AttributeValue, FileReference, SourceReference, TargetReference } from '../graph/value.ts';
import { checkStringMap } from '../oci/annotations.ts';
import { isMediaType } from '../oci/descriptor.ts';
import { OCI } from '../oci/media-types.ts';
import { problemOf } from './checks.ts';

/** A document about an image, such as an SBOM, that is pushed with it and found by its digest (an OCI 1.1 referrer). */
export interface Attachment {
  /** What the document is, as a media type. @example artifactType: 'application/spdx+json' */
  readonly artifactType: string;
  /** The file: a path of this package, or a target that makes one. Either this or `files`. */
  readonly file?: Handle<'FilesInfo'> | string;
  /** Several files, each under its own name: paths, `glob(…)`, targets. */
  readonly files?: readonly (Handle<'FilesInfo'> | Glob | string)[];
  /** Media type of the files. @default that of the target where it has one, else artifactType */
  readonly mediaType?: string;
  /** Annotations of the document's manifest. @default {} */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An attachment in normal form. */
export interface AttachmentValue {
  readonly artifactType: string;
  readonly files: readonly SourceReference[];
  readonly mediaType?: string;
  readonly annotations?: ReadonlyArray<readonly [string, string]>;
}

const mediaType = attribute.string('a media type such as "application/spdx+json"', (text) =>
  isMediaType(text) ? undefined : 'it has another form',
);
const artifactType = attribute.string(mediaType.expects, (text) => {
  if (!isMediaType(text)) return 'it has another form';
  return text === OCI.empty || text === OCI.config ? 'it does not say what the document is' : undefined;
});
const annotations = attribute.record(attribute.string());

const ONE_FILE = 'a path of a file of this package, a target that makes one file or its label';
const anySource = attribute.source('FilesInfo');
/** A file of the package, or the one file of a target. */
export const oneFile: AttributeType<Handle<'FilesInfo'> | string, FileReference | TargetReference> = {
  expects: ONE_FILE,
  normalize(value, path, context) {
    if (!isGlob(value)) return anySource.normalize(value, path, context);
    context.problem(path, describeValue(value), ONE_FILE);
    return null;
  },
};

const FIELDS: Readonly<Record<string, AttributeType<unknown, unknown>>> = {
  artifactType,
  file: oneFile,
  files: attribute.list(anySource),
  mediaType,
  annotations,
};

/** An attachment. */
export const attachment: AttributeType<Attachment, AttachmentValue> = {
  expects: "an object such as { artifactType: 'application/spdx+json', file: 'sbom.json' }",
  normalize(value, path, context) {
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
      context.problem(path, describeValue(value), this.expects);
      return null;
    }
    const normal: Record<string, AttributeValue> = {};
    for (const [key, field] of Object.entries(value)) {
      const type = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
      if (field === undefined) continue;
      if (type === undefined) context.problem(`${path}.${key}`, 'not a part of an attachment', Object.keys(FIELDS).join(', '));
      else normal[key] = type.normalize(field, `${path}.${key}`, context);
    }
    const { file, files, annotations: pairs, ...rest } = normal;
    if (rest['artifactType'] === undefined) context.problem(`${path}.artifactType`, 'missing', artifactType.expects);
    if ((file === undefined) === (files === undefined)) {
      context.problem(path, file === undefined ? 'without a file' : 'given both file and files', 'either file or files');
    }
    if (Array.isArray(files) && files.length === 0) context.problem(`${path}.files`, 'empty', 'one or more files');
    const wrong = Array.isArray(pairs) ? problemOf(() => checkStringMap(pairs as [string, string][], 'annotation')) : undefined;
    if (wrong !== undefined) {
      const { is, expected } = typeof wrong === 'string' ? { is: wrong, expected: 'annotations' } : wrong;
      context.problem(`${path}.annotations`, `unusable: ${is}`, expected);
    }
    return { ...rest, files: file === undefined ? (files ?? []) : [file], ...(pairs === undefined ? {} : { annotations: pairs }) };
  },
};
