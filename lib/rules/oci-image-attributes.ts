// What users write for ociImage, and the schema that checks it.
import * as attribute from '../graph/attribute.ts';
import { fixed, optional, type AttributeType } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import type { Configurable } from '../graph/select.ts';
import { sourcePath } from '../graph/source-path.ts';
import type { TargetReference } from '../graph/value.ts';
import { checkContainerPath } from '../oci/container-path.ts';
import { checkEnvironmentName } from '../oci/environment.ts';
import type { PlatformString } from '../oci/platform-string.ts';
import { parsePort } from '../oci/port.ts';
import { checkStopSignal } from '../oci/stop-signal.ts';
import { checkTimestamp } from '../oci/timestamp.ts';
import { parseUser } from '../oci/user.ts';
import { problemOf } from './checks.ts';

type PartOf<P extends string, Index extends 0 | 1 | 2> = P extends `${infer Os}/${infer Architecture}/${infer Variant}`
  ? [Os, Architecture, Variant][Index]
  : P extends `${infer Os}/${infer Architecture}`
    ? [Os, Architecture, never][Index]
    : never;

/** Operating systems of images. */
export type Os = PartOf<PlatformString, 0>;
/** CPU architectures of images, in Go's names. */
export type Architecture = PartOf<PlatformString, 1>;
/** CPU variants of images. */
export type Variant = PartOf<PlatformString, 2>;

/** `NAME: value` pairs, or files with them: lines `NAME=value` (`#` starts a comment), or a map in .json, .yaml or .yml. */
export type PairsOrFiles = Readonly<Record<string, string>> | string | Handle<'FilesInfo'> | readonly (string | Handle<'FilesInfo'>)[];

/** Attributes of {@link ociImage} that every image takes. Names and meaning follow rules_oci's `oci_image`. */
export interface OciImageCommonAttributes {
  /** Name of the target. */
  readonly name: string;
  /**
   * Layers, lowest first: `pkgTar` targets, or tar files (.tar, .tar.gz, .tgz), which are repacked. They come on top of the base's.
   * @default []
   */
  readonly tars?: Configurable<readonly (Handle<'TarInfo'> | string)[]>;
  /**
   * Program and first arguments, in exec form: no shell is involved. Setting it resets a `cmd` that comes from the base, unless `keepCmd`.
   * @default the base's
   * @example entrypoint: ['/hello_bin']
   */
  readonly entrypoint?: Configurable<readonly string[]>;
  /** Default arguments of the entrypoint. @default the base's, unless `entrypoint` is set */
  readonly cmd?: Configurable<readonly string[]>;
  /** Keeps the base's `cmd` though `entrypoint` is set. @default false */
  readonly keepCmd?: Configurable<boolean>;
  /**
   * Environment variables, in order. `$NAME` and `${NAME}` stand for the base's and earlier values, `$$` for a dollar sign; an undefined name is an
   * error. A variable of the base is replaced in its place.
   * @default the base's
   * @example env: { PATH: '/app/bin:$PATH', LOG: 'info' }
   */
  readonly env?: Configurable<PairsOrFiles>;
  /** User as `uid`, `uid:gid`, `name` or `name:group`; ids below 2^31. @default the base's, else root */
  readonly user?: Configurable<string>;
  /** Working directory, absolute. @default the base's, else / */
  readonly workdir?: Configurable<string>;
  /** Ports that the program listens on: `8080`, `8080/tcp`, `53/udp`. Added to the base's. @default [] */
  readonly exposedPorts?: Configurable<readonly string[]>;
  /** Folders that hold data, absolute. Added to the base's. @default [] */
  readonly volumes?: Configurable<readonly string[]>;
  /** Labels of the image's configuration. Merged into the base's. @default {} */
  readonly labels?: Configurable<PairsOrFiles>;
  /** Annotations of the image's manifest. Merged into the base's, without those that are true of the base only. @default {} */
  readonly annotations?: Configurable<PairsOrFiles>;
  /** Signal that stops the container: `SIGTERM`, `SIGRTMIN+3`, `15`. @default the base's, else the engine's (SIGTERM) */
  readonly stopSignal?: Configurable<string>;
  /** Time of the image, RFC 3339. @default SOURCE_DATE_EPOCH where that is set, else "1970-01-01T00:00:00Z" */
  readonly created?: Configurable<string>;
  /** Who maintains the image. @default none */
  readonly author?: Configurable<string>;
  /** Compression of the layers made here. @default "gzip" */
  readonly compression?: Configurable<'gzip' | 'none'>;
  /** Whether making the image checks that the entrypoint's program is for the image's platform. @default true */
  readonly checkEntrypoint?: Configurable<boolean>;
}

/** An image on top of another. Its platform is the base's for the platform being built. */
export interface OciImageOnBase extends OciImageCommonAttributes {
  /** The image below: an `ociImage` or `ociPull`, or `oci:<path>` for an OCI layout of this package, a folder or a tar archive (`oci:<path>:<ref name>` for one of several images). @default none: from scratch */
  readonly base: Handle<'ImageInfo'> | `oci:${string}` | (string & {});
  /** Comes from the base. */
  readonly os?: never;
  /** Comes from the base. */
  readonly architecture?: never;
  /** Comes from the base. */
  readonly variant?: never;
}

/** An image from scratch. What it contains is built for its platform, whatever platform was asked for. */
export interface OciImageFromScratch extends OciImageCommonAttributes {
  readonly base?: never;
  /** Operating system, in Go's name. Mandatory without a base, forbidden with one. @default the base's @example os: 'linux' */
  readonly os: Configurable<Os>;
  /** CPU architecture, in Go's name. Mandatory without a base, forbidden with one. @default the base's @example architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }) */
  readonly architecture: Configurable<Architecture>;
  /** CPU variant: v5 to v7 of arm, v1 to v4 of amd64, v8 and v9 of arm64; `''` is none. @default none */
  readonly variant?: Configurable<Variant | ''>;
}

/** Attributes of {@link ociImage}. */
export type OciImageAttributes = OciImageOnBase | OciImageFromScratch;

/** A base that is an OCI layout: a folder or an archive. */
export interface LayoutBase {
  readonly $layout: { readonly directory: string; readonly refName?: string };
}

const BASE = 'an ociImage or ociPull, its label, or "oci:<path>" for an OCI layout';
const baseTarget = { ...attribute.target('ImageInfo'), expects: BASE };
const baseType: AttributeType<Handle<'ImageInfo'> | string, TargetReference | LayoutBase> = {
  expects: BASE,
  normalize(value, path, context) {
    if (typeof value !== 'string' || !value.startsWith('oci:')) return baseTarget.normalize(value, path, context);
    const [, folder, ...refName] = value.split(':');
    const result = sourcePath(folder!, context.package);
    if ('problem' in result) context.problem(path, `"${value}" (${result.problem})`, this.expects);
    else return { $layout: { directory: result.path, ...(refName.length > 0 ? { refName: refName.join(':') } : {}) } };
    return null;
  },
};

const text = attribute.string();
const pairs = attribute.anyOf(
  attribute.record(text),
  attribute.anyOf(attribute.list(attribute.source('FilesInfo')), attribute.source('FilesInfo')),
);
const parsed = (expects: string, parse: (value: string) => unknown) => attribute.string(expects, (value) => problemOf(() => parse(value)));
const environment = attribute.anyOf(
  attribute.record(text, (name) => problemOf(() => checkEnvironmentName(name))),
  attribute.anyOf(attribute.list(attribute.source('FilesInfo')), attribute.source('FilesInfo')),
);

/** The schema behind {@link OciImageAttributes}. */
export const OCI_IMAGE_SCHEMA = {
  base: fixed(optional(baseType)),
  os: optional(attribute.string<Os>()),
  architecture: optional(attribute.string<Architecture>()),
  variant: optional(attribute.string<Variant | ''>()),
  tars: optional(attribute.list(attribute.source('TarInfo'))),
  entrypoint: optional(attribute.list(text)),
  cmd: optional(attribute.list(text)),
  keepCmd: optional(attribute.boolean()),
  env: optional(environment),
  user: optional(parsed('a user as uid, uid:gid, name or name:group', (value) => parseUser(value))),
  workdir: optional(parsed('an absolute path', (value) => checkContainerPath(value, 'working directory'))),
  exposedPorts: optional(attribute.list(parsed('a port such as "8080" or "53/udp"', parsePort))),
  volumes: optional(attribute.list(parsed('an absolute path', (value) => checkContainerPath(value, 'volume')))),
  labels: optional(pairs),
  annotations: optional(pairs),
  stopSignal: optional(parsed('a signal such as "SIGTERM"', checkStopSignal)),
  created: optional(parsed('a time such as "2024-05-01T12:00:00Z"', (value) => checkTimestamp(value))),
  author: optional(text),
  compression: optional(attribute.oneOf('gzip', 'none')),
  checkEntrypoint: optional(attribute.boolean()),
};
