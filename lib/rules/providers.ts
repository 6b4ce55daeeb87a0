// The providers of our own rules. Rules of others may provide and use them too.
import { defineProvider } from '../graph/provider.ts';
import type { Platform } from '../oci/platform.ts';
import type { LockedGoArchive } from '../plan/lock.ts';
import type { Artifact, DiscoveredArtifact, OutputArtifact } from '../plan/action-node.ts';

/** One file that a target makes. */
export interface ProvidedFile {
  /** Where `ocidsl build` puts it, relative to the package's folder in the output directory. */
  readonly path: string;
  /** An artifact whose path ends in `/` is a folder. */
  readonly artifact: Artifact;
  readonly isExecutable: boolean;
}

/** Plain files: what `ocidsl build` writes, and what `srcs` of other targets take. */
export interface FilesInfo {
  readonly files: readonly ProvidedFile[];
  /** IANA media type of the single file, where it has one. */
  readonly mediaType?: string;
}

/** An executable built for one platform. */
export interface BinaryInfo {
  readonly executable: OutputArtifact;
  /** File name, without folders. */
  readonly fileName: string;
  readonly platform: Platform;
}

/** A tar archive, and the same content as an image layer: made in one pass, whichever is asked for. */
export interface TarInfo {
  readonly archive: Artifact;
  /** The layer's blob and its description (`layer.json`), compressed as asked. */
  layer(compression: 'gzip' | 'none'): LayerArtifacts;
}

/** A layer as an action makes it. */
export interface LayerArtifacts {
  readonly blob: OutputArtifact;
  readonly description: OutputArtifact;
}

/** A document of an image: made by an action, or pulled. */
export type ImageDocument = OutputArtifact | DiscoveredArtifact;

/** One image: its documents as actions make them, and where the layers are. */
export interface ImageInfo {
  readonly manifest: ImageDocument;
  readonly config: ImageDocument;
  readonly platform: Platform;
  /** Full name that tells where it is from, `gcr.io/distroless/static-debian12:nonroot`, for an image that was not made here. */
  readonly pulledAs?: string;
  /** Layers made in this workspace, oldest first. */
  readonly layers: readonly LayerArtifacts[];
  /** Layers of a base that nobody has read: where a sink finds them. */
  readonly bases: readonly BaseOrigin[];
}

/** Where the blobs of a base image are. */
export type BaseOrigin =
  | {
      readonly kind: 'layout';
      /** Folder or archive of the OCI layout, relative to the workspace root. */
      readonly directory: string;
    }
  | {
      readonly kind: 'registry';
      /** `registry/repository`. */
      readonly repository: string;
    };

/** An index of images. */
export interface IndexInfo {
  readonly index: OutputArtifact;
  readonly images: readonly ImageInfo[];
}

/** A target under several platforms. */
export interface MultiArchInfo {
  readonly target: string;
  readonly platforms: readonly Platform[];
  /** The target's images, one for each platform; empty where it is no image. */
  readonly images: readonly ImageInfo[];
}

/** What `ocidsl load` and `ocidsl run` do. */
export interface LoadInfo {
  readonly image: ImageInfo;
  /** Full names, such as `hello:latest`. */
  readonly repoTags: readonly string[];
}

/** The Go that a workspace declares. */
export interface GoToolchainInfo {
  /** `1.26.8`, without `go`. */
  readonly version: string;
  /** URLs of archives by host platform (`linux/amd64`), in place of the module proxy. */
  readonly urls: Readonly<Record<string, readonly string[]>>;
  /** Its pins by host platform; none where it is not locked. */
  readonly archives: Readonly<Record<string, LockedGoArchive>>;
}

export const FilesInfo = defineProvider<FilesInfo>()('FilesInfo');
export const BinaryInfo = defineProvider<BinaryInfo>()('BinaryInfo');
export const TarInfo = defineProvider<TarInfo>()('TarInfo');
export const ImageInfo = defineProvider<ImageInfo>()('ImageInfo');
export const IndexInfo = defineProvider<IndexInfo>()('IndexInfo');
export const MultiArchInfo = defineProvider<MultiArchInfo>()('MultiArchInfo');
export const GoToolchainInfo = defineProvider<GoToolchainInfo>()('GoToolchainInfo');
export const LoadInfo = defineProvider<LoadInfo>()('LoadInfo');
