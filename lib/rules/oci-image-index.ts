// The rule ociImageIndex: one name for an image on several platforms.
import { fixed, list, optional, record, required, string, target } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import type { Configurable } from '../graph/select.ts';
import { encodeImageSpec, INDEX_TOOL } from '../oci/image-spec.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { PlatformString } from '../oci/platform-string.ts';
import { outputOf, type ActionInput } from '../plan/action-node.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import { platformText } from './checks.ts';
import { ImageInfo, IndexInfo, MultiArchInfo } from './providers.ts';

/** Attributes of {@link ociImageIndex}. */
export interface OciImageIndexAttributes {
  /** Name of the target. */
  readonly name: string;
  /** The images, in the order of the index's entries: images, or `multiArch` targets of one. */
  readonly images: readonly (Handle<'ImageInfo'> | Handle<'MultiArchInfo'> | string)[];
  /** Builds the one image of `images` for each of these platforms. @default the platforms that the images have */
  readonly platforms?: readonly PlatformString[];
  /** Annotations of the index. @default {} */
  readonly annotations?: Configurable<Readonly<Record<string, string>>>;
}

/**
 * Makes an OCI image index: registries and engines pick the image of their platform from it. Each entry's platform comes from the image's
 * own configuration. Two images of the same platform are an error.
 *
 * @example
 * ociImageIndex({ name: 'hello_index', images: [hello], platforms: ['linux/amd64', 'linux/arm64'] });
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 */
export const ociImageIndex: (attributes: OciImageIndexAttributes) => Handle<'IndexInfo'> = defineRule({
  name: 'ociImageIndex',
  attributes: {
    images: fixed(required(list(target('ImageInfo', 'MultiArchInfo')))),
    platforms: fixed(optional(list(platformText))),
    annotations: optional(record(string())),
  },
  provides: [IndexInfo],
  check({ images, platforms }, problem) {
    if (Array.isArray(images) && images.length === 0) problem('images', 'it is empty', 'one or more images');
    if (!Array.isArray(platforms)) return;
    if (platforms.length === 0) problem('platforms', 'it is empty', 'one or more platforms');
    if (Array.isArray(images) && images.length !== 1)
      problem('platforms', `it is set beside ${images.length} images`, 'exactly one image beside it');
  },
  analyze(context) {
    const { values } = context;
    const images = values.images.flatMap((reference) => {
      const several = context.tryUse(reference, MultiArchInfo);
      if (values.platforms !== undefined)
        return values.platforms.map((platform) => context.use(reference, ImageInfo, parsePlatform(platform)));
      if (several === undefined) return [context.use(reference, ImageInfo)];
      return several.platforms.map((platform) => context.use({ $target: several.target }, ImageInfo, platform));
    });
    const spec = encodeImageSpec({
      images: images.map((_, i) => ({ manifest: `images/${i}/manifest.json`, config: `images/${i}/config.json` })),
      annotations: Object.fromEntries(values.annotations ?? []),
    });
    const action = context.action({
      mnemonic: 'Index',
      message: `Making index ${context.label}`,
      outputs: ['index.json'],
      discoveries: [],
      describe: () => ({
        kind: 'tool',
        tool: INDEX_TOOL,
        args: ['spec.json'],
        inputs: [
          { path: 'spec.json', content: { kind: 'bytes', bytes: spec } },
          ...images.flatMap(({ manifest, config }, i): ActionInput[] => [
            { path: `images/${i}/manifest.json`, content: manifest },
            { path: `images/${i}/config.json`, content: config },
          ]),
        ],
      }),
    });
    return [provide(IndexInfo, { index: outputOf(action, 'index.json'), images })];
  },
});
