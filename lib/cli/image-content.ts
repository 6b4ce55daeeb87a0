// Makes an image or index and says where a sink finds its blobs.
import { resolve } from 'node:path';
import { formatDigest } from '../base/digest.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { OCI } from '../oci/media-types.ts';
import type { Platform } from '../oci/platform.ts';
import type { Artifact, OutputArtifact } from '../plan/action-node.ts';
import type { ImageInfo, IndexInfo } from '../rules/providers.ts';
import type { BlobSource } from '../store/blob-source.ts';
import { chainBlobSources } from '../store/chain-blob-source.ts';
import type { Maker } from './make.ts';
import type { WorkspaceSession } from './workspace-session.ts';

/** An image or index whose documents and own layers are in the store. */
export interface MadeContent {
  readonly root: Descriptor;
  readonly platforms: readonly Platform[];
  /** Every blob below `root`. */
  readonly source: BlobSource;
  readonly artifacts: readonly Artifact[];
}

/** Makes the documents and layers of an image or index. */
export async function makeContent(content: ImageInfo | IndexInfo, maker: Maker, session: WorkspaceSession): Promise<MadeContent> {
  const isIndex = 'index' in content;
  const document: OutputArtifact = isIndex ? content.index : content.manifest;
  const images = isIndex ? content.images : [content];
  const artifacts = [document, ...images.flatMap((image) => [image.manifest, image.config, ...image.layers.map((layer) => layer.blob)])];
  const [made] = await Promise.all(artifacts.map((artifact) => maker.engine.make(artifact)));
  const { digest } = made![0]!;
  const directories = new Set(images.flatMap((image) => image.bases.map((base) => resolve(session.root, base.directory))));
  const bases = directories.size === 0 ? [] : await layoutSources([...directories]);
  return {
    root: { mediaType: isIndex ? OCI.index : OCI.manifest, digest: formatDigest(digest), size: digest.sizeBytes },
    platforms: images.map((image) => image.platform),
    source: chainBlobSources([maker.store.cas, ...bases]),
    artifacts,
  };
}

async function layoutSources(directories: readonly string[]): Promise<BlobSource[]> {
  const { layoutBlobSource } = await import('../store/layout-blob-source.ts');
  return directories.map(layoutBlobSource);
}
