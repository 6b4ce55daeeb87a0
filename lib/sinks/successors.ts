// The graph below a descriptor: what a document points to, and a walk of it that puts children before parents.
import { OcidslError } from '../base/errors.ts';
import { descriptorDigest, type Descriptor } from '../oci/descriptor.ts';
import { parseImageIndex } from '../oci/image-index.ts';
import { parseManifest } from '../oci/manifest.ts';
import { isIndexMediaType, isManifestMediaType, isSchema1MediaType } from '../oci/media-types.ts';
import { DOCUMENT_LIMIT_BYTES } from '../oci/strict-json.ts';
import type { BlobSource } from '../store/blob-source.ts';

/** Whether a descriptor points to a document that points on. */
export function hasSuccessors(descriptor: Descriptor): boolean {
  const { mediaType } = descriptor;
  return isIndexMediaType(mediaType) || isManifestMediaType(mediaType) || isSchema1MediaType(mediaType);
}

/**
 * What a document points to, in its order: an index's manifests, a manifest's config and layers (with non-distributable ones).
 * A `subject` is not below what refers to it. Anything else points to nothing.
 * @param bytes the blob of `descriptor`, verified
 * @throws what parseManifest() and parseImageIndex() throw
 */
export function successors(descriptor: Descriptor, bytes: Uint8Array): readonly Descriptor[] {
  const { mediaType, digest } = descriptor;
  if (isIndexMediaType(mediaType)) return parseImageIndex(bytes, `index "${digest}"`, mediaType).manifests;
  if (!hasSuccessors(descriptor)) return [];
  const manifest = parseManifest(bytes, `manifest "${digest}"`, mediaType);
  return [manifest.config, ...manifest.layers];
}

/** One blob of a graph. */
export interface GraphNode {
  readonly descriptor: Descriptor;
  /** The document's bytes, exactly as stored; undefined for a blob that points to nothing. */
  readonly bytes: Buffer | undefined;
  /** What it points to, each blob once. */
  readonly successors: readonly Descriptor[];
}

/** Bounds of a walk. */
export interface GraphLimits {
  /** Levels of documents. Default: 8. */
  readonly depth?: number;
  /** Distinct blobs. Default: 20000. */
  readonly count?: number;
}

/**
 * Every blob below `root` and `root` itself, children before parents, each once (twice where it is a document in one
 * place and an opaque blob in another). Only documents are read.
 * @throws OCIDSL_GRAPH_LIMIT for a graph that is too deep or too large; OCIDSL_GRAPH_CONFLICT where one digest is said to have
 * two sizes; what successors() and readBytes() throw
 */
export async function collectGraph(
  root: Descriptor,
  source: Pick<BlobSource, 'readBytes'>,
  limits: GraphLimits = {},
): Promise<GraphNode[]> {
  const { depth: maxDepth = 8, count: maxCount = 20_000 } = limits;
  const sizes = new Map<string, number>();
  const visited = new Set<string>();
  const nodes: GraphNode[] = [];

  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    const size = sizes.get(descriptor.digest) ?? descriptor.size;
    if (size !== descriptor.size) {
      throw graphError(
        'OCIDSL_GRAPH_CONFLICT',
        root,
        `blob ${descriptor.digest} is said to have ${size} and ${descriptor.size} bytes`,
        'one size',
      );
    }
    sizes.set(descriptor.digest, size);
    if (sizes.size > maxCount) throw graphError('OCIDSL_GRAPH_LIMIT', root, `it has more than ${maxCount} blobs`, 'fewer');
    // A blob may be a document in one place and opaque in another. Marked before its children are visited: with digests a
    // cycle cannot be made, but the walk does not rely on that.
    const isDocument = hasSuccessors(descriptor);
    const key = `${isDocument ? 'document' : 'blob'} ${descriptor.digest}`;
    if (visited.has(key)) return;
    visited.add(key);
    if (!isDocument) {
      nodes.push({ descriptor, bytes: undefined, successors: [] });
      return;
    }
    if (depth >= maxDepth) throw graphError('OCIDSL_GRAPH_LIMIT', root, `it is nested deeper than ${maxDepth} levels`, 'fewer');
    const bytes = await source.readBytes(descriptorDigest(descriptor), DOCUMENT_LIMIT_BYTES);
    const children = new Map(successors(descriptor, bytes).map((child) => [`${child.digest}/${child.size}`, child]));
    for (const child of children.values()) await visit(child, depth + 1);
    nodes.push({ descriptor, bytes, successors: [...children.values()] });
  };
  await visit(root, 0);
  return nodes;
}

function graphError(code: 'OCIDSL_GRAPH_LIMIT' | 'OCIDSL_GRAPH_CONFLICT', root: Descriptor, is: string, expected: string): OcidslError {
  return new OcidslError({ code, kind: 'integrity', message: `Cannot read image "${root.digest}": ${is}, expected ${expected}` });
}
