// The documents of an OCI layout, read by hand: what ocidsl wrote must not be judged by what ocidsl reads.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Index {
  readonly manifests: readonly Descriptor[];
}

/** The part of a manifest that tests look at. */
export interface ManifestDocument {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The part of a config that tests look at. */
export interface ConfigDocument {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly config?: {
    readonly User?: string;
    readonly Env?: readonly string[];
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly WorkingDir?: string;
    readonly ExposedPorts?: Readonly<Record<string, object>>;
    readonly Labels?: Readonly<Record<string, string>>;
  };
}

/** One image of a layout. */
export interface ImageDocuments {
  readonly platform: string;
  readonly manifest: ManifestDocument;
  readonly config: ConfigDocument;
  readonly manifestBytes: Buffer;
  readonly configBytes: Buffer;
}

/** A layout's images, in order, and the bytes of its indexes, index.json first. */
export interface LayoutDocuments {
  /** Digest of the only entry of index.json. */
  readonly digest: string;
  readonly indexes: readonly Buffer[];
  readonly images: readonly ImageDocuments[];
}

/** Reads a layout. Throws where a blob is missing or another than its descriptor says. */
export function readLayout(folder: string): LayoutDocuments {
  const blob = ({ digest, size }: Descriptor): Buffer => {
    const bytes = readFileSync(join(folder, 'blobs', digest.replace(':', '/')));
    const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (found !== digest || bytes.length !== size) throw new Error(`${digest} of ${size} bytes is ${found} of ${bytes.length}`);
    return bytes;
  };
  const indexes: Buffer[] = [];
  const images: ImageDocuments[] = [];
  const visit = (bytes: Buffer): Index => {
    const index = parse(bytes) as Index;
    indexes.push(bytes);
    for (const entry of index.manifests) {
      const entryBytes = blob(entry);
      if (entry.mediaType === 'application/vnd.oci.image.index.v1+json') visit(entryBytes);
      else images.push(imageOf(entryBytes, blob));
    }
    return index;
  };
  const top = visit(readFileSync(join(folder, 'index.json')));
  if (top.manifests.length !== 1) throw new Error(`index.json has ${top.manifests.length} entries`);
  return { digest: top.manifests[0]!.digest, indexes, images };
}

function imageOf(manifestBytes: Buffer, blob: (descriptor: Descriptor) => Buffer): ImageDocuments {
  const manifest = parse(manifestBytes) as ManifestDocument;
  const configBytes = blob(manifest.config);
  const config = parse(configBytes) as ConfigDocument;
  for (const layer of manifest.layers) blob(layer);
  const platform = [config.os, config.architecture, ...(config.variant === undefined ? [] : [config.variant])].join('/');
  return { platform, manifest, config, manifestBytes, configBytes };
}

function parse(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString('utf8'));
}
