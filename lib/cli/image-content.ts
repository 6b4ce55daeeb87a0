// Makes an image or index and says where a sink finds its blobs.
import { resolve } from 'node:path';
import { formatDigest, type Digest } from '../base/digest.ts';
import { descriptorDigest, type Descriptor } from '../oci/descriptor.ts';
import { OCI } from '../oci/media-types.ts';
import type { Platform } from '../oci/platform.ts';
import type { Artifact } from '../plan/action-node.ts';
import type { RepositoryName } from '../registry/reference.ts';
import type { BaseOrigin, ImageInfo, IndexInfo } from '../rules/providers.ts';
import type { BlobSource } from '../store/blob-source.ts';
import { chainBlobSources } from '../store/chain-blob-source.ts';
import type { Maker } from './make.ts';
import type { WorkspaceSession } from './workspace-session.ts';

/** An image or index whose documents and own layers are in the store. */
export interface MadeContent {
  readonly root: Descriptor;
  readonly platforms: readonly Platform[];
  /** Every blob below `root`. What only a registry has is streamed from there and not kept. */
  readonly source: BlobSource;
  /** The same; what only a registry has is downloaded into the store first, once. */
  readonly keeping: BlobSource;
  /** What is on this machine: `source` without the registries. */
  readonly local: BlobSource;
  /** Repositories that have a blob which was not made here. */
  readonly mountCandidates: (descriptor: Descriptor) => readonly RepositoryName[];
  readonly artifacts: readonly Artifact[];
}

/** Makes the documents and layers of an image or index. */
export async function makeContent(content: ImageInfo | IndexInfo, maker: Maker, session: WorkspaceSession): Promise<MadeContent> {
  const isIndex = 'index' in content;
  const images = isIndex ? content.images : [content];
  const documents = isIndex ? [content.index] : [content.manifest];
  const artifacts = [
    ...documents,
    ...images.flatMap((image) => [image.manifest, image.config, ...image.layers.map((layer) => layer.blob)]),
  ];
  const made = await Promise.all(artifacts.map((artifact) => maker.engine.make(artifact)));
  const { digest } = made[0]![0]!;
  const own = new Set(made.flatMap((files) => files.map((file) => file.digest.hash)));
  const { layouts, repositories } = await basesOf(
    images.flatMap((image) => image.bases),
    session,
  );
  const { cas } = maker.store;
  const local = chainBlobSources([cas, ...layouts]);
  const sources = repositories.length === 0 ? { source: local, keeping: local } : await withRegistries(local, repositories, maker);
  return {
    root: {
      mediaType: isIndex ? OCI.index : await mediaTypeOf(content, digest, cas),
      digest: formatDigest(digest),
      size: digest.sizeBytes,
    },
    platforms: images.map((image) => image.platform),
    ...sources,
    local,
    mountCandidates: (descriptor) => (own.has(descriptorDigest(descriptor).hash) ? [] : repositories),
    artifacts,
  };
}

// What is made here has OCI's media types; what was pulled keeps its own.
async function mediaTypeOf({ manifest }: ImageInfo, digest: Digest, cas: BlobSource): Promise<string> {
  if (manifest.kind === 'output') return OCI.manifest;
  const { parseManifest } = await import('../oci/manifest.ts');
  return parseManifest(await cas.readBytes(digest), `manifest "${formatDigest(digest)}"`).mediaType ?? OCI.manifest;
}

async function basesOf(bases: readonly BaseOrigin[], session: WorkspaceSession) {
  const directories = new Set(bases.flatMap((base) => (base.kind === 'layout' ? [resolve(session.root, base.directory)] : [])));
  const names = new Set(bases.flatMap((base) => (base.kind === 'registry' ? [base.repository] : [])));
  return {
    layouts: directories.size === 0 ? [] : await layoutSources([...directories]),
    repositories: names.size === 0 ? [] : await parseRepositories([...names]),
  };
}

async function layoutSources(paths: readonly string[]): Promise<BlobSource[]> {
  const { openLayoutSource } = await import('../store/open-layout.ts');
  return await Promise.all(paths.map(openLayoutSource));
}

async function parseRepositories(names: readonly string[]): Promise<RepositoryName[]> {
  const { parseRepository } = await import('../registry/reference.ts');
  return names.map(parseRepository);
}

async function withRegistries(local: BlobSource, repositories: readonly RepositoryName[], maker: Maker) {
  const [{ registryBlobSource }, { ReadThroughCas }] = await Promise.all([
    import('../fetch/registry-blob-source.ts'),
    import('../store/read-through-cas.ts'),
  ]);
  const remote = chainBlobSources(repositories.map((name) => registryBlobSource(name, maker.network.registry)));
  const kept = new ReadThroughCas(maker.store.cas, remote);
  return {
    source: chainBlobSources([local, remote], remote),
    keeping: chainBlobSources([local, kept], kept),
  };
}
