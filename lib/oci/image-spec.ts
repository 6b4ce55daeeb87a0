// The contract between the rules that describe images and indexes, and the tools that make their documents: canonical
// JSON in an input of the action. It holds no label, no absolute path and no time of the build.
import { utf8 } from '../base/bytes.ts';
import { canonicalJson, type Json } from '../base/json.ts';
import type { Platform } from './platform.ts';

/** Name and version of the tool that writes `manifest.json` and `config.json`: `image 2 SPEC`. */
export const IMAGE_TOOL = { name: 'image', version: '2' } as const;

/** Name and version of the tool that writes `index.json`: `image-index 1 SPEC`. */
export const INDEX_TOOL = { name: 'image-index', version: '1' } as const;

/** An image. Absent means "as the base has it", null "none", a value (also an empty list) that value. */
export interface ImageSpec {
  /**
   * The platform that is built. Without a base it is the image's. A base must run on it; where the base is for an older variant of
   * the CPU (`linux/amd64` for `linux/amd64/v3`), the image is for this one.
   */
  readonly platform: Platform;
  readonly base?: ImageSpecBase;
  /** The image's own layers, lowest first. */
  readonly layers: readonly ImageSpecLayer[];
  /** Resets the inherited `cmd` unless `keepCmd`. */
  readonly entrypoint?: readonly string[] | null;
  readonly cmd?: readonly string[] | null;
  /** Default: false. */
  readonly keepCmd?: boolean;
  /** In order; merged into the base's. `$NAME` and `${NAME}` are expanded, `$$` is a dollar sign. */
  readonly env?: readonly (readonly [name: string, value: string])[];
  /** Input paths of files with `NAME=VALUE` lines, or maps in .json, .yaml or .yml. Come before `env`. */
  readonly envFiles?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  /** `8080`, `8080/tcp`; added to the base's. */
  readonly exposedPorts?: readonly string[];
  /** Absolute paths; added to the base's. */
  readonly volumes?: readonly string[];
  /** Merged into the base's. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Like `envFiles`; `labels` wins over them. */
  readonly labelFiles?: readonly string[];
  /** Annotations of the manifest, merged into the base's without those that are true of the base only. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly annotationFiles?: readonly string[];
  readonly stopSignal?: string;
  /** RFC 3339; of the config and of the history of the image's own layers. Default: 1970-01-01T00:00:00Z. */
  readonly created?: string;
  readonly author?: string;
  /** Further fields of the config's run parameters, such as Docker's `Healthcheck`. Fields of the image-spec are refused. */
  readonly extraConfig?: Readonly<Record<string, Json>>;
  /** Whether the program that the entrypoint names is checked to be for the image's platform. */
  readonly checkEntrypoint: boolean;
}

/** The base of an image. Its layers are not inputs: an image holds references. */
export interface ImageSpecBase {
  /** Input paths of the base's manifest (not an index) and config, byte for byte as they were pulled. */
  readonly manifest: string;
  readonly config: string;
  /** Full name with registry, for the annotation `org.opencontainers.image.base.name`. */
  readonly name?: string;
}

/** One layer of an image. */
export interface ImageSpecLayer {
  /** Input path of the layer's layer.json. */
  readonly json: string;
  /** `comment` of the layer's history entry. */
  readonly historyComment?: string;
}

/** An index of images. */
export interface IndexSpec {
  /** In this order in the index. Each for another platform. */
  readonly images: readonly IndexSpecImage[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** Like ImageSpec's. */
  readonly annotationFiles?: readonly string[];
}

/** One image of an index. */
export interface IndexSpecImage {
  /** Input paths. */
  readonly manifest: string;
  readonly config: string;
}

/** The spec's bytes, as the tools expect them. */
export function encodeImageSpec(spec: ImageSpec | IndexSpec): Buffer {
  return utf8(canonicalJson(spec as unknown as Json));
}
