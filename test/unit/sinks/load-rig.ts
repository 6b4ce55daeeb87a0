// What the tests of loading share: images made by hand and a blob source in memory.
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { digestOf, formatDigest, type Digest } from '../../../lib/base/digest.ts';
import { OcidslError } from '../../../lib/base/errors.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import { descriptorOf, type Descriptor } from '../../../lib/oci/descriptor.ts';
import type { BlobSource } from '../../../lib/store/blob-source.ts';

/** A blob source in memory that counts what is read through read(). */
export class MemorySource implements BlobSource {
  readonly blobs = new Map<string, Uint8Array>();
  readonly reads: string[] = [];

  add(mediaType: string, bytes: Uint8Array): Descriptor {
    const descriptor = descriptorOf(mediaType, bytes);
    this.blobs.set(descriptor.digest, bytes);
    return descriptor;
  }

  findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    return Promise.resolve(digests.filter((digest) => !this.blobs.has(formatDigest(digest))));
  }

  async *read(digest: Digest): AsyncIterable<Uint8Array> {
    const bytes = await this.readBytes(digest);
    this.reads.push(formatDigest(digest));
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  }

  readBytes(digest: Digest): Promise<Buffer> {
    const bytes = this.blobs.get(formatDigest(digest));
    if (bytes !== undefined) return Promise.resolve(Buffer.from(bytes));
    return Promise.reject(new OcidslError({ code: 'OCIDSL_BLOB_MISSING', message: `no blob ${formatDigest(digest)}` }));
  }
}

/** A tar of small files, as layers are. */
export async function tarOf(files: Readonly<Record<string, Uint8Array | string>>): Promise<Buffer> {
  const packer = pack();
  for (const [name, data] of Object.entries(files)) packer.entry({ name, mode: 0o755, mtime: new Date(0) }, Buffer.from(data));
  packer.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What makes one test image differ from another. */
export interface TestImageOptions {
  /** One layer each, as file name → content. */
  readonly layers: readonly Readonly<Record<string, Uint8Array | string>>[];
  readonly entrypoint?: readonly string[];
  readonly os?: string;
  readonly architecture?: string;
  /** Replaces the diff IDs. */
  readonly diffIds?: readonly string[];
}

/** Adds an image to a source. */
export async function addImage(
  source: MemorySource,
  options: TestImageOptions,
): Promise<{ manifest: Descriptor; config: Descriptor; layers: Descriptor[] }> {
  const layers: Descriptor[] = [];
  const diffIds: string[] = [];
  for (const files of options.layers) {
    const tar = await tarOf(files);
    diffIds.push(formatDigest(digestOf(tar)));
    layers.push(source.add(OCI.layerGzip, gzipSync(tar)));
  }
  const config = source.add(
    OCI.config,
    Buffer.from(
      JSON.stringify({
        os: options.os ?? 'linux',
        architecture: options.architecture ?? 'amd64',
        config: { Entrypoint: options.entrypoint ?? ['/hello'] },
        rootfs: { type: 'layers', diff_ids: options.diffIds ?? diffIds },
      }),
    ),
  );
  const manifest = source.add(OCI.manifest, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI.manifest, config, layers })));
  return { manifest, config, layers };
}
