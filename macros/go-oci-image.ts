// The macro goOciImage: everything between Go binaries and a pushed multi-platform image, under one name.
import {
  defineMacro,
  multiArch,
  ociImage,
  ociImageIndex,
  ociLoad,
  ociPush,
  pkgTar,
  select,
  type Architecture,
  type Configurable,
  type Glob,
  type Handle,
  type OciImageCommonAttributes,
  type OciImageIndexAttributes,
  type OciPushAttributes,
  type OciPushCommonAttributes,
  type PkgTarAttributes,
  type PlatformString,
  type Variant,
} from 'ocidsl';

/** Where an `ociPush` pushes: one of these. */
interface PushRepositories {
  readonly repository: Configurable<string>;
  readonly repositories: Configurable<readonly string[]>;
  readonly repositoryFile: Configurable<Handle<'FilesInfo'> | string>;
}

/** Attributes of {@link goOciImage}. */
export interface GoOciImageAttributes {
  /** Name of the image's target, and the start of the others' names. */
  readonly name: string;
  /** What goes into the image's own layer: `goBinary` targets, files, folders, globs. */
  readonly srcs: Configurable<readonly (Handle<'FilesInfo'> | Glob | string)[]>;
  /** The image below, for all `platforms`. @default none: the image is made from scratch */
  readonly base?: Handle<'ImageInfo'> | string;
  /** The platforms of the index. @default ["linux/amd64", "linux/arm64"] */
  readonly platforms?: readonly PlatformString[];
  /** Program and first arguments, in exec form. @default the base's @example entrypoint: ['/hello_bin'] */
  readonly entrypoint?: Configurable<readonly string[]>;
  /** Default arguments of the entrypoint. @default the base's, unless `entrypoint` is set */
  readonly cmd?: Configurable<readonly string[]>;
  /** Environment variables; see `ociImage`. @default the base's */
  readonly env?: OciImageCommonAttributes['env'];
  /** User of the process. @default the base's, else root */
  readonly user?: Configurable<string>;
  /** Names for `NAME_load`. @default ["<name>:latest"] */
  readonly repoTags?: Configurable<readonly string[]>;
  /** Where `NAME_push` pushes; `push` takes `repositories` and `repositoryFile` too. Without any of them there is no `NAME_push`. @default none */
  readonly repository?: Configurable<string>;
  /** Tags that `NAME_push` sets, also as templates and functions of the git state; see `ociPush`. @default ["latest"] */
  readonly remoteTags?: OciPushCommonAttributes['remoteTags'];
  /** Further attributes of the layer's `pkgTar`, such as `packageDir` or `owner`. @default {} */
  readonly pkg?: Partial<Omit<PkgTarAttributes, 'name'>>;
  /** Further attributes of the `ociImage`; its `tars` come below the macro's own layer. @default {} */
  readonly image?: Partial<Omit<OciImageCommonAttributes, 'name'>>;
  /** Further attributes of the `ociImageIndex`. @default {} */
  readonly index?: Partial<Omit<OciImageIndexAttributes, 'name' | 'images' | 'platforms'>>;
  /** Further attributes of the `ociPush`. @default {} */
  readonly push?: Partial<Omit<OciPushCommonAttributes, 'name' | 'image'>> & Partial<PushRepositories>;
}

/** The targets that {@link goOciImage} makes. */
export interface GoOciImageTargets {
  /** `NAME`: the image for the platform being built. */
  readonly image: Handle<'ImageInfo'>;
  /** `NAME_pkg`: its layer. */
  readonly pkg: Handle<'TarInfo' | 'FilesInfo'>;
  /** `NAME_amd64`, `NAME_arm64`, …: the image for each platform, in the order of `platforms`. */
  readonly platforms: readonly Handle<'ImageInfo'>[];
  /** `NAME_index`: all of them under one name. */
  readonly index: Handle<'IndexInfo'>;
  /** `NAME_load`: for `ocidsl load` and `ocidsl run`. */
  readonly load: Handle<'LoadInfo'>;
  /** `NAME_push`: for `ocidsl push`; only with a `repository`. */
  readonly push: Handle<'PushInfo'> | undefined;
}

/**
 * Makes the targets `NAME` (image), `NAME_pkg` (layer), one image for each platform (`NAME_amd64`, `NAME_arm64`), `NAME_index`, `NAME_load` and
 * `NAME_push`. Every attribute of the rules behind it can be given: `image: {…}`, `pkg: {…}`, `index: {…}`, `push: {…}`.
 *
 * @example
 * goOciImage({
 *   name: 'hello',
 *   srcs: [goBinary({ name: 'hello_bin', package: './apps/hello' })],
 *   entrypoint: ['/hello_bin'],
 *   repository: 'ghcr.io/acme/hello',
 * });
 */
export const goOciImage: (attributes: GoOciImageAttributes) => GoOciImageTargets = defineMacro(
  'goOciImage',
  (attributes: GoOciImageAttributes) => {
    const { name } = attributes;
    const platforms = attributes.platforms ?? ['linux/amd64', 'linux/arm64'];
    const common = {
      ...given({ entrypoint: attributes.entrypoint, cmd: attributes.cmd, env: attributes.env, user: attributes.user }),
      ...attributes.image,
      name,
      tars: [...listOf(attributes.image?.tars), `:${name}_pkg`],
    };
    const image = ociImage(attributes.base === undefined ? { ...common, ...scratch(platforms) } : { ...common, base: attributes.base });
    const pkg = pkgTar({ ...attributes.pkg, name: `${name}_pkg`, srcs: attributes.srcs });
    const images = platforms.map((platform) => multiArch({ name: `${name}_${suffix(platform)}`, target: image, platforms: [platform] }));
    const index = ociImageIndex({ ...attributes.index, name: `${name}_index`, images });
    const load = ociLoad({ name: `${name}_load`, image, repoTags: attributes.repoTags ?? [`${name}:latest`] });
    const { repository, remoteTags } = attributes;
    const pushed = { ...given({ repository, remoteTags }), ...attributes.push };
    const push =
      pushed.repository === undefined && pushed.repositories === undefined && pushed.repositoryFile === undefined
        ? undefined
        : ociPush({ ...pushed, name: `${name}_push`, image: index } as OciPushAttributes);
    return { image, pkg, platforms: images, index, load, push };
  },
);

// From scratch, the image's platform is the one being built, among those of the index.
function scratch(platforms: readonly PlatformString[]) {
  const by = (part: number) =>
    Object.fromEntries(
      platforms.flatMap((platform) => (platform.split('/')[part] === undefined ? [] : [[platform, platform.split('/')[part]]])),
    );
  const variants = by(2);
  return {
    os: select(by(0) as Record<PlatformString, 'linux'>),
    architecture: select(by(1) as Record<PlatformString, Architecture>),
    ...(Object.keys(variants).length === 0 ? {} : { variant: select<Variant | ''>({ ...variants, default: '' }) }),
  };
}

// amd64, arm_v7, windows_amd64: what differs from linux is said; arm64's only baseline variant is not.
function suffix(platform: PlatformString): string {
  const [os, architecture, variant] = platform.split('/');
  const parts = [os === 'linux' ? undefined : os, architecture, architecture === 'arm64' && variant === 'v8' ? undefined : variant];
  return parts.filter((part) => part !== undefined).join('_');
}

function listOf(tars: Configurable<readonly (Handle<'TarInfo'> | string)[]> | undefined): readonly (Handle<'TarInfo'> | string)[] {
  if (tars === undefined) return [];
  if (!Array.isArray(tars))
    throw new TypeError('Cannot combine image.tars of goOciImage with its own layer: it is a select(…), expected an array');
  return tars as readonly (Handle<'TarInfo'> | string)[];
}

function given<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: NonNullable<T[K]> };
}
