// Manifests that say something about an image, such as its SBOM: artifacts whose subject is the image. Their bytes follow from their content
// alone, without a time, so attaching the same again changes nothing.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage
import { utf8 } from '../base/bytes.ts';
import { descriptorOf, type Descriptor } from '../oci/descriptor.ts';
import { encodeManifest } from '../oci/manifest.ts';
import { OCI } from '../oci/media-types.ts';
import type { BlobSource } from '../store/blob-source.ts';
import type { GraphNode } from './successors.ts';

/** Annotation of a file in an artifact: its name. Tools such as oras restore the file under it. */
export const TITLE = 'org.opencontainers.image.title';

/** The config of an artifact that has none. It has to be in the repository all the same. */
export const EMPTY_CONFIG: Buffer = utf8('{}');

/** What to attach. */
export interface Attachment {
  readonly artifactType: string;
  /** The files, with their titles. */
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** Has the files, and EMPTY_CONFIG. */
  readonly source: BlobSource;
}

/** The blobs of an attachment to `subject` and, last, its manifest. */
export function attachmentNodes(subject: Descriptor, { artifactType, layers, annotations = {} }: Attachment): readonly GraphNode[] {
  const config = descriptorOf(OCI.empty, EMPTY_CONFIG);
  const { mediaType, digest, size } = subject;
  const bytes = encodeManifest({
    schemaVersion: 2,
    mediaType: OCI.manifest,
    artifactType,
    config,
    layers,
    subject: { mediaType, digest, size },
    ...(Object.keys(annotations).length > 0 && { annotations }),
  });
  const blobs = [...new Map([config, ...layers].map((blob) => [blob.digest, blob])).values()];
  return [
    ...blobs.map((descriptor): GraphNode => ({ descriptor, bytes: undefined, successors: [] })),
    { descriptor: { ...descriptorOf(OCI.manifest, bytes), artifactType }, bytes, successors: blobs },
  ];
}
