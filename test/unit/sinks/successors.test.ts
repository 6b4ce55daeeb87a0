import { describe, expect, it } from 'vitest';
import { descriptorDigest, descriptorOf, type Descriptor } from '../../../lib/oci/descriptor.ts';
import { DOCKER, OCI } from '../../../lib/oci/media-types.ts';
import { collectGraph, hasSuccessors, successors } from '../../../lib/sinks/successors.ts';
import type { Digest } from '../../../lib/base/digest.ts';

/** Documents by digest, and what was read. */
class Documents {
  readonly reads: string[] = [];
  readonly #bytes = new Map<string, Buffer>();

  add(mediaType: string, value: unknown): Descriptor {
    const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
    const descriptor = descriptorOf(mediaType, bytes);
    this.#bytes.set(descriptorDigest(descriptor).hash, bytes);
    return descriptor;
  }

  readonly readBytes = async (digest: Digest): Promise<Buffer> => {
    this.reads.push(digest.hash);
    return this.#bytes.get(digest.hash) ?? expect.fail(`no blob ${digest.hash}`);
  };

  manifest(config: Descriptor, ...layers: Descriptor[]): Descriptor {
    return this.add(OCI.manifest, { schemaVersion: 2, config, layers });
  }

  index(...manifests: Descriptor[]): Descriptor {
    return this.add(OCI.index, { schemaVersion: 2, manifests });
  }
}

const digests = (nodes: readonly { readonly descriptor: Descriptor }[]) => nodes.map(({ descriptor }) => descriptor.digest);

describe('successors()', () => {
  const documents = new Documents();
  const config = documents.add(OCI.config, 'config');
  const layer = documents.add(OCI.layerGzip, 'layer');
  const foreign = { ...documents.add(OCI.foreignLayerGzip, 'foreign'), urls: ['https://example.com/'] };
  const of = async (descriptor: Descriptor) => successors(descriptor, await documents.readBytes(descriptorDigest(descriptor)));

  it('of a manifest are its config and layers, also those that may not be distributed', async () => {
    expect(await of(documents.manifest(config, layer, foreign))).toEqual([config, layer, foreign]);
  });
  it('do not contain the subject', async () => {
    expect(await of(documents.add(OCI.manifest, { schemaVersion: 2, config, layers: [layer], subject: layer }))).toEqual([config, layer]);
  });
  it("of Docker's manifest and list are read as well", async () => {
    expect(await of(documents.add(DOCKER.manifest, { schemaVersion: 2, mediaType: DOCKER.manifest, config, layers: [] }))).toEqual([
      config,
    ]);
    expect(await of(documents.add(DOCKER.index, { schemaVersion: 2, mediaType: DOCKER.index, manifests: [layer] }))).toEqual([layer]);
  });
  it('of an index are its entries, of unknown media types too', async () => {
    const other = documents.add('text/plain', 'other');
    expect(await of(documents.index(other))).toEqual([other]);
  });
  it('of anything else are none', async () => {
    expect(await of(layer)).toEqual([]);
    expect(hasSuccessors(layer)).toBe(false);
  });
  it('of schema 1 is an error, not nothing', async () => {
    const old = documents.add(DOCKER.schema1Signed, { schemaVersion: 1, fsLayers: [] });
    await expect(of(old)).rejects.toThrow(expect.objectContaining({ code: 'OCIDSL_MANIFEST_SCHEMA1' }) as Error);
  });
});

describe('collectGraph()', () => {
  it('has children before parents, each blob once, and reads only documents', async () => {
    const documents = new Documents();
    const config = documents.add(OCI.config, 'config');
    const layer = documents.add(OCI.layerGzip, 'layer');
    const own = documents.add(OCI.layerGzip, 'own');
    const a = documents.manifest(config, layer, layer);
    const b = documents.manifest(config, layer, own);
    const inner = documents.index(a, b);
    const root = documents.index(a, inner);
    const nodes = await collectGraph(root, documents);
    expect(digests(nodes)).toEqual([config, layer, a, own, b, inner, root].map(({ digest }) => digest));
    expect(nodes[2]?.successors).toEqual([config, layer]);
    expect(nodes.map(({ bytes }) => bytes !== undefined)).toEqual([false, false, true, false, true, true, true]);
    expect(documents.reads).toHaveLength(4);
  });

  it('takes 8 levels and refuses 9', async () => {
    const documents = new Documents();
    let root = documents.manifest(documents.add(OCI.config, 'c'));
    for (let i = 0; i < 7; i++) root = documents.index(root);
    expect(await collectGraph(root, documents)).toHaveLength(9);
    await expect(collectGraph(documents.index(root), documents)).rejects.toThrow(
      expect.objectContaining({
        code: 'OCIDSL_GRAPH_LIMIT',
        kind: 'integrity',
        message: expect.stringContaining('nested deeper than 8 levels') as string,
      }) as Error,
    );
  });

  it('refuses too many blobs', async () => {
    const documents = new Documents();
    const manifest = documents.manifest(
      documents.add(OCI.config, 'c'),
      ...Array.from({ length: 10 }, (_, i) => documents.add(OCI.layerGzip, `${i}`)),
    );
    expect(await collectGraph(manifest, documents, { count: 12 })).toHaveLength(12);
    await expect(collectGraph(manifest, documents, { count: 11 })).rejects.toThrow('it has more than 11 blobs');
  });

  it('ends where a lying store makes a cycle', async () => {
    const root: Descriptor = { mediaType: OCI.index, digest: `sha256:${'0'.repeat(64)}`, size: 1 };
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [root] }));
    expect(await collectGraph(root, { readBytes: async () => bytes })).toHaveLength(1);
  });

  it('is not stopped by a wide graph of shared children', async () => {
    const documents = new Documents();
    let layer: Descriptor[] = [documents.manifest(documents.add(OCI.config, 'c'))];
    for (let depth = 0; depth < 6; depth++)
      layer = Array.from({ length: 4 }, (_, i) =>
        documents.add(OCI.index, { schemaVersion: 2, manifests: layer, annotations: { i: `${depth}/${i}` } }),
      );
    const nodes = await collectGraph(documents.index(...layer), documents);
    expect(nodes).toHaveLength(2 + 6 * 4 + 1);
    expect(documents.reads).toHaveLength(1 + 6 * 4 + 1);
  });

  it('refuses one digest with two sizes', async () => {
    const documents = new Documents();
    const config = documents.add(OCI.config, 'config');
    await expect(collectGraph(documents.manifest(config, { ...config, mediaType: OCI.layerGzip, size: 1 }), documents)).rejects.toThrow(
      expect.objectContaining({ code: 'OCIDSL_GRAPH_CONFLICT' }) as Error,
    );
  });

  it('reads a document that is an opaque blob elsewhere', async () => {
    const documents = new Documents();
    const config = documents.add(OCI.config, 'c');
    const manifest = documents.manifest(config);
    const nodes = await collectGraph(documents.index({ ...manifest, mediaType: 'text/plain' }, manifest), documents);
    expect(digests(nodes)).toContain(config.digest);
  });
});
