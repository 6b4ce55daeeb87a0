// The rule multiArch: any target under a list of platforms. It is the platform transition of this system.
import { fixed, list, required, target } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import { formatPlatform, parsePlatform, platformsMatch } from '../oci/platform.ts';
import type { PlatformString } from '../oci/platform-string.ts';
import { defineRule, provide, type Provided } from '../plan/define-rule.ts';
import { platformText } from './checks.ts';
import { BinaryInfo, FilesInfo, ImageInfo, MultiArchInfo, TarInfo } from './providers.ts';

/** Attributes of {@link multiArch}. */
export interface MultiArchAttributes<P extends string = string> {
  /** Name of the target. */
  readonly name: string;
  /** What to build under each platform. */
  readonly target: Handle<P> | string;
  /** The platforms, one or more, each once. @example platforms: ['linux/amd64', 'linux/arm64'] */
  readonly platforms: readonly PlatformString[];
}

/**
 * Builds a target for each of several platforms, whatever platform was asked for. With one platform it stands for the target itself under
 * it, so that it can be used wherever the target can; with several, an `ociImageIndex` takes it.
 *
 * @example
 * const image = ociImage({ name: 'hello', os: …, … });
 * ociImageIndex({ name: 'hello_index', images: [multiArch({ name: 'hello_all', target: image, platforms: ['linux/amd64', 'linux/arm64'] })] });
 */
export const multiArch: <P extends string>(attributes: MultiArchAttributes<P>) => Handle<P | 'MultiArchInfo'> = defineRule({
  name: 'multiArch',
  attributes: { target: fixed(required(target())), platforms: fixed(required(list(platformText))) },
  provides: [MultiArchInfo, ImageInfo, BinaryInfo, TarInfo, FilesInfo],
  check({ platforms }, problem) {
    if (!Array.isArray(platforms)) return;
    const texts = platforms.filter((each): each is string => typeof each === 'string');
    if (platforms.length === 0) problem('platforms', 'it is empty', 'one or more platforms');
    texts.forEach((text, i) => {
      const same = texts.slice(0, i).find((each) => platformsMatch(parsePlatform(each), parsePlatform(text)));
      if (same !== undefined) problem(`platforms[${i}]`, `"${text}" is the same platform as "${same}"`, 'each platform once');
    });
  },
  analyze(context) {
    const platforms = context.values.platforms.map(parsePlatform);
    const images = platforms.flatMap((platform) => context.tryUse(context.values.target, ImageInfo, platform) ?? []);
    const result: Provided<'MultiArchInfo' | 'ImageInfo' | 'BinaryInfo' | 'TarInfo' | 'FilesInfo'>[] = [
      provide(MultiArchInfo, { target: context.values.target.$target, platforms, images }),
    ];
    const [only, ...others] = platforms;
    if (only === undefined) return result;
    if (others.length > 0) {
      // One file for each platform, below a folder named for it.
      const files = platforms.flatMap((platform) =>
        (context.tryUse(context.values.target, FilesInfo, platform)?.files ?? []).map((file) => ({
          ...file,
          path: `${context.name}/${formatPlatform(platform).replaceAll('/', '_')}/${file.path}`,
        })),
      );
      return files.length === 0 ? result : [...result, provide(FilesInfo, { files })];
    }
    for (const provider of [ImageInfo, BinaryInfo, TarInfo, FilesInfo] as const) {
      const value = context.tryUse<unknown>(context.values.target, provider, only);
      if (value !== undefined) result.push({ name: provider.name, value });
    }
    return result;
  },
}) as never;
