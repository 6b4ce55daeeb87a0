// The kinds of content that opencontainers/distribution-spec's conformance suite pushes (conformance/run.go, GenerateData), made anew:
// images, indexes and artifacts in every shape that a registry has to keep as it is.
import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { sha256Hex } from '../../lib/base/digest.ts';
import type { Descriptor } from '../../lib/oci/descriptor.ts';
import { OCI } from '../../lib/oci/media-types.ts';

/** A manifest or index with its bytes. */
export interface DataDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  /** The digest of the manifest that it refers to. */
  readonly subject?: string;
}

/** Something to push. */
export interface DataCase {
  readonly name: string;
  /** Digest → bytes. */
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** Children before parents, subjects before what refers to them; the last one is tagged. */
  readonly documents: readonly DataDocument[];
}

type Fields = Readonly<Record<string, unknown>>;
const TYPE = 'application/vnd.example.oci.conformance';
const PLATFORMS = ['amd64', 'arm64'];

/** All cases, with new bytes each time. */
export function distributionData(): DataCase[] {
  return [
    dataCase('image', (data) => data.image()),
    dataCase('image-uncompressed', (data) => data.image({}, [data.layer(OCI.layerTar), data.layer(OCI.layerTar)])),
    dataCase('large-manifest', (data) => data.image({ annotations: LARGE })),
    dataCase('index', (data) => data.index(data.images())),
    dataCase('nested-index', (data) => data.index([data.index(data.images()), data.index(data.images())])),
    dataCase('empty-index', (data) => data.index([])),
    dataCase('artifact', (data) => data.artifact()),
    dataCase('artifact-index', (data) => data.index([data.artifact(), data.artifact()], { artifactType: `${TYPE}.1` })),
    dataCase('artifact-without-layers', (data) => data.artifact({}, [data.blob(OCI.empty, Buffer.from('{}'))])),
    dataCase('artifacts-with-subject', (data) => {
      const subject = data.image();
      data.image({ subject });
      data.artifact({ subject, artifactType: `${TYPE}.1`, annotations: { 'org.opencontainers.conformance': 'hello' } });
      return data.artifact({ subject, artifactType: `${TYPE}.2` }, [data.blob('application/octet-stream')]);
    }),
    dataCase('index-with-subject', (data) => {
      const subject = data.index(data.images());
      return data.index([data.artifact()], { subject, artifactType: `${TYPE}.1` });
    }),
    dataCase('missing-subject', (data) =>
      data.artifact({ subject: { mediaType: OCI.manifest, digest: `sha256:${sha256Hex(randomBytes(8))}`, size: 123 } }),
    ),
    dataCase('data-field', (data) => {
      const config = data.blob(OCI.config, data.config());
      const withData = { ...config, data: data.blobs.get(config.digest)!.toString('base64') };
      return data.document(OCI.manifest, { config: withData, layers: [data.layer()] });
    }),
    dataCase('non-distributable-layers', (data) =>
      data.image({}, [foreign(OCI.foreignLayerGzip), foreign(OCI.foreignLayerTar), data.layer()]),
    ),
    dataCase('custom-fields', (data) => data.index(data.images({ 'org.example.custom': { deep: [1, null] } }), { unknown: 'kept' })),
    dataCase('no-layers', (data) => data.image({}, [])),
    dataCase('empty-blob', (data) => data.artifact({}, [data.blob('application/octet-stream', Buffer.alloc(0))])),
    dataCase('white space and order of its own', (data) =>
      data.raw(
        OCI.manifest,
        `{ "layers" : [],\n\t"config": ${JSON.stringify(data.blob(OCI.empty, Buffer.from('{}')))} ,"schemaVersion":2}\n\n`,
      ),
    ),
  ];
}

const LARGE = Object.fromEntries(Array.from({ length: 390 }, (_, i) => [`large-annotation-${i}`, 'A'.repeat(10_000)]));

function foreign(mediaType: string): Descriptor {
  const digest = `sha256:${sha256Hex(randomBytes(8))}`;
  return { mediaType, digest, size: 123_456, urls: [`https://store.example.com/blobs/sha256/${digest.slice(7)}`] };
}

function dataCase(name: string, make: (data: DataBuilder) => Descriptor): DataCase {
  const data = new DataBuilder();
  make(data);
  return { name, blobs: data.blobs, documents: data.documents };
}

class DataBuilder {
  readonly blobs = new Map<string, Buffer>();
  readonly documents: DataDocument[] = [];

  blob(mediaType: string, bytes: Buffer = randomBytes(256)): Descriptor {
    const descriptor = { mediaType, digest: `sha256:${sha256Hex(bytes)}`, size: bytes.byteLength };
    this.blobs.set(descriptor.digest, bytes);
    return descriptor;
  }

  layer(mediaType: string = OCI.layerGzip): Descriptor {
    const bytes = randomBytes(2048);
    return this.blob(mediaType, mediaType === OCI.layerGzip ? gzipSync(bytes) : bytes);
  }

  config(more: Fields = {}): Buffer {
    const rootfs = { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(randomBytes(8)).digest('hex')}`] };
    return Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs, ...more }));
  }

  image(fields: Fields = {}, layers: readonly Descriptor[] = [this.layer(), this.layer()]): Descriptor {
    return this.document(OCI.manifest, { config: this.blob(OCI.config, this.config()), layers, ...fields });
  }

  images(fields: Fields = {}): Descriptor[] {
    return PLATFORMS.map((architecture) => ({ ...this.image(fields), platform: { os: 'linux', architecture } }));
  }

  artifact(fields: Fields = {}, layers: readonly Descriptor[] = [this.blob(`${TYPE}.1`)]): Descriptor {
    const config = this.blob(OCI.empty, Buffer.from('{}'));
    return this.document(OCI.manifest, { artifactType: `${TYPE}.1`, config, layers, ...fields });
  }

  index(manifests: readonly Descriptor[], fields: Fields = {}): Descriptor {
    return this.document(OCI.index, { manifests, ...fields });
  }

  document(mediaType: string, fields: Fields): Descriptor {
    const subject = (fields['subject'] as Descriptor | undefined)?.digest;
    return this.raw(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, ...fields }), subject);
  }

  raw(mediaType: string, text: string, subject?: string): Descriptor {
    const bytes = Buffer.from(text);
    const descriptor = { mediaType, digest: `sha256:${sha256Hex(bytes)}`, size: bytes.byteLength };
    this.documents.push({ descriptor, bytes, ...(subject !== undefined && { subject }) });
    return descriptor;
  }
}
