// The rule ociPull: an image that is made elsewhere, as a base or to be loaded, indexed and pushed as it is.
import { fixed, list, optional, required, string, type AttributeType } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import { sourcePath } from '../graph/source-path.ts';
import { formatPlatform, parsePlatform, platformRunsOn } from '../oci/platform.ts';
import type { PlatformString } from '../oci/platform-string.ts';
import type { AnalysisContext } from '../plan/analysis-context.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import type { Discovery } from '../plan/discovery.ts';
import type { LockedDescriptor } from '../plan/lock.ts';
import { lockedPlatform } from '../plan/locked-platform.ts';
import { formatReference, formatRepository, isTag, parseReference, type ImageReference } from '../registry/reference.ts';
import { platformText, problemOf } from './checks.ts';
import { ImageInfo, type BaseOrigin } from './providers.ts';
import { PULLED_IMAGE_DISCOVERER, type PulledImageArguments } from '../oci/pulled-image.ts';

/** Attributes of {@link ociPull}. */
export interface OciPullAttributes {
  /** Name of the target. */
  readonly name: string;
  /**
   * Registry and repository (`gcr.io/distroless/static-debian12`; names without a registry are Docker Hub's), optionally with `:tag` or `@digest`; or
   * `oci:<path>` for an OCI layout of this package, a folder or a tar archive (`oci:<path>:<ref name>` for one of several images).
   */
  readonly image: string;
  /** The tag that `ocidsl lock` resolves. @default the one in `image`, else "latest" where there is no digest @example tag: 'nonroot' */
  readonly tag?: string;
  /** Pins the image in the config itself, in place of the lock file: `sha256:` and 64 hex digits, of an index or of one manifest. @default the lock file's pin of the tag */
  readonly digest?: string;
  /** The platforms that it is used for. Locking fails where the image lacks one of them, and so does building for another one. @default every platform that the image has */
  readonly platforms?: readonly PlatformString[];
}

interface Values {
  readonly image: string;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
  readonly platforms?: readonly string[] | undefined;
}

const plainText = string('an image such as "gcr.io/distroless/static-debian12", or "oci:<path>"', (text) =>
  isLayout(text) ? undefined : problemOf(() => parseReference(text)),
);
const imageText: AttributeType<string, string> = {
  expects: plainText.expects,
  normalize(value, path, context) {
    if (typeof value === 'string' && isLayout(value)) {
      const source = sourcePath(splitLayout(value).path, context.package);
      if ('problem' in source) context.problem(path, `"${value}" (${source.problem})`, this.expects);
    }
    return plainText.normalize(value, path, context);
  },
};

/**
 * An image that others made. As the `base` of an `ociImage` it selects the manifest of the platform being built; its layers stay where they are until
 * something needs them: a push to the same registry mounts them. The tag is pinned by `ocidsl.lock.json`, so a build never moves it.
 *
 * @example
 * const base = ociPull({ name: 'distroless_static', image: 'gcr.io/distroless/static-debian12', tag: 'nonroot', platforms: ['linux/amd64', 'linux/arm64/v8'] });
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pull
 */
export const ociPull: (attributes: OciPullAttributes) => Handle<'ImageInfo'> = defineRule({
  name: 'ociPull',
  attributes: {
    image: fixed(required(imageText)),
    tag: fixed(optional(string('a tag of 1 to 128 letters, digits and _ . -', (tag) => (isTag(tag) ? undefined : 'it has another form')))),
    digest: fixed(
      optional(string('"sha256:" and 64 hex digits', (text) => (/^sha256:[0-9a-f]{64}$/.test(text) ? undefined : 'it has another form'))),
    ),
    platforms: fixed(optional(list(platformText))),
  },
  provides: [ImageInfo],
  check(values, problem) {
    const { image, tag, digest, platforms } = values as Partial<Values>;
    if (Array.isArray(platforms) && platforms.length === 0) problem('platforms', 'it is empty', 'one or more platforms');
    if (typeof image !== 'string') return;
    if (isLayout(image)) {
      for (const [name, value] of Object.entries({ tag, digest })) {
        if (value !== undefined) problem(name, 'it is set for an OCI layout', 'nothing: a layout is its own pin');
      }
      return;
    }
    if (problemOf(() => parseReference(image)) !== undefined) return;
    const reference = parseReference(image);
    if (reference.tag !== undefined && tag !== undefined) problem('tag', 'image has a tag too', 'one of the two');
    if (reference.digest !== undefined && digest !== undefined) problem('digest', 'image has a digest too', 'one of the two');
    if (reference.digest?.startsWith('sha512:')) problem('image', 'its digest is sha512', 'a sha256 digest');
  },
  locks(values) {
    const { image, platforms } = values as Values;
    if (isLayout(image)) return [];
    const reference = referenceOf(values as Values);
    return reference.digest === undefined ? [{ kind: 'image', reference: formatReference(reference), platforms }] : [];
  },
  analyze(context) {
    const { values, platform } = context;
    const { platforms } = values;
    if (platforms !== undefined && !platforms.some((each) => platformRunsOn(parsePlatform(each), platform))) {
      context.fail(
        `pull "${values.image}" for ${formatPlatform(platform)}: platforms has ${platforms.join(', ')}, expected one that runs on it`,
        `Add '${formatPlatform(platform)}' to platforms`,
      );
    }
    const { discovery, origin, pulledAs } = isLayout(values.image) ? layoutImage(context) : registryImage(context);
    return [
      provide(ImageInfo, {
        manifest: { kind: 'discovered', discovery, name: 'manifest.json', label: context.label },
        config: { kind: 'discovered', discovery, name: 'config.json', label: context.label },
        platform,
        ...(pulledAs === undefined ? {} : { pulledAs }),
        layers: [],
        bases: [origin],
      }),
    ];
  },
});

interface PlannedPull {
  readonly discovery: Discovery;
  readonly origin: BaseOrigin;
  readonly pulledAs?: string;
}

function registryImage(context: AnalysisContext<Values>): PlannedPull {
  const reference = referenceOf(context.values);
  const repository = formatRepository(reference);
  const platform = formatPlatform(context.platform);
  const args: PulledImageArguments = { repository, platform, ...pinOf(context, reference) };
  // The name says what was asked for; the digest of what was used is an annotation of its own.
  const { digest: _, ...named } = reference;
  return {
    discovery: { discoverer: PULLED_IMAGE_DISCOVERER, args },
    origin: { kind: 'registry', repository },
    pulledAs: reference.tag === undefined ? formatReference(reference) : formatReference(named),
  };
}

function layoutImage(context: AnalysisContext<Values>): PlannedPull {
  const { path, refName } = splitLayout(context.values.image);
  const source = sourcePath(path, context.package);
  if ('problem' in source) return context.fail(`read the OCI layout "${path}": ${source.problem}`);
  const directory = source.path;
  return {
    discovery: {
      discoverer: 'oci-layout',
      args: { directory, platform: formatPlatform(context.platform), ...(refName === undefined ? {} : { refName }) },
    },
    origin: { kind: 'layout', directory },
  };
}

// The pin is that of the platform's own manifest where the lock file knows it: the index need not be asked for then.
function pinOf(context: AnalysisContext<Values>, reference: ImageReference): { digest: string; size?: number; mediaType?: string } {
  if (reference.digest !== undefined) return { digest: reference.digest };
  const name = formatReference(reference);
  const locked = Object.hasOwn(context.lock.images, name) ? context.lock.images[name] : undefined;
  if (locked === undefined) {
    return context.fail(`pull "${name}": ocidsl.lock.json has no pin of it`, 'Run "ocidsl lock", and commit the file');
  }
  const { digest, size, mediaType } = selectLocked(context, name, locked.platforms);
  return { digest, size, mediaType };
}

function selectLocked(
  context: AnalysisContext<Values>,
  name: string,
  platforms: Readonly<Record<string, LockedDescriptor>>,
): LockedDescriptor {
  const chosen = lockedPlatform({ platforms }, context.platform);
  if (chosen !== undefined) return platforms[chosen]!;
  const wanted = formatPlatform(context.platform);
  return context.fail(
    `pull "${name}" for ${wanted}: the pinned image has ${Object.keys(platforms).join(', ') || 'no platforms'}, expected one that runs on ${wanted}`,
    'Choose another image, or run "ocidsl lock" where it has the platform by now',
  );
}

function referenceOf({ image, tag, digest }: Values): ImageReference {
  const reference = parseReference(image);
  const pinned = digest ?? reference.digest;
  const named = tag ?? reference.tag ?? (pinned === undefined ? 'latest' : undefined);
  return {
    registry: reference.registry,
    repository: reference.repository,
    ...(named === undefined ? {} : { tag: named }),
    ...(pinned === undefined ? {} : { digest: pinned }),
  };
}

function isLayout(image: string): boolean {
  return image.startsWith('oci:');
}

function splitLayout(image: string): { readonly path: string; readonly refName: string | undefined } {
  const [, path = '', ...refName] = image.split(':');
  return { path, refName: refName.length > 0 ? refName.join(':') : undefined };
}
