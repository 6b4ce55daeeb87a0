// What moved with a tag: for the platforms that are used, how many layers came and went, and when the images were made.
import { parseImageConfig } from '../oci/config.ts';
import type { ReadDocument } from '../oci/find-image.ts';
import { parseManifest } from '../oci/manifest.ts';
import { formatPlatform, normalizePlatform, platformFromText, type Platform } from '../oci/platform.ts';
import type { LockedDescriptor, LockedImage } from '../plan/lock.ts';
import { lockedPlatform } from '../plan/locked-platform.ts';

/** What became of the image for one platform. */
export interface PlatformChange {
  /** As the new pin has it, or the old one. */
  readonly platform: string;
  /** `sha256:…` of the manifests; absent where the platform is new or gone. */
  readonly from?: string;
  readonly to?: string;
  /** Absent where one of the two images cannot be read any more, or nobody uses the platform. */
  readonly contents?: {
    readonly layersAdded: number;
    readonly layersRemoved: number;
    /** The configs' `created`: RFC 3339, as far as that is checked. */
    readonly createdFrom?: string;
    readonly createdTo?: string;
  };
}

/**
 * What changed between two pins of a tag. Images are read for the platforms in `used` only; one that cannot be read, because the
 * registry has removed it or does not answer, is less to tell and no failure.
 */
export async function imageChanges(
  from: LockedImage,
  to: LockedImage,
  used: readonly Platform[],
  read: ReadDocument,
): Promise<PlatformChange[]> {
  const [old, now] = [byNormalForm(from), byNormalForm(to)];
  const usedKeys = new Set(used.map((platform) => lockedPlatform(to, platform)));
  const changed = [...new Set([...now.keys(), ...old.keys()])].filter((form) => old.get(form)?.digest !== now.get(form)?.digest);
  return await Promise.all(
    changed.map(async (form): Promise<PlatformChange> => {
      const [before, after] = [old.get(form), now.get(form)];
      const isRead = before !== undefined && after !== undefined && usedKeys.has(after.platform);
      const contents = isRead ? await compare(before, after, read).catch(() => undefined) : undefined;
      return {
        platform: (after ?? before)!.platform,
        ...(before === undefined ? {} : { from: before.digest }),
        ...(after === undefined ? {} : { to: after.digest }),
        ...(contents === undefined ? {} : { contents }),
      };
    }),
  );
}

type PlatformManifest = LockedDescriptor & { readonly platform: string };

// Two pins may spell one platform in two ways.
function byNormalForm({ platforms }: LockedImage): Map<string, PlatformManifest> {
  return new Map(
    Object.entries(platforms).map(([platform, manifest]) => {
      const parsed = platformFromText(platform);
      return [parsed === undefined ? platform : formatPlatform(normalizePlatform(parsed)), { ...manifest, platform }];
    }),
  );
}

async function compare(before: LockedDescriptor, after: LockedDescriptor, read: ReadDocument): Promise<PlatformChange['contents']> {
  const [old, now] = await Promise.all([readImage(before, read), readImage(after, read)]);
  return {
    layersAdded: countMissing(now.layers, old.layers),
    layersRemoved: countMissing(old.layers, now.layers),
    ...(old.created === undefined ? {} : { createdFrom: old.created }),
    ...(now.created === undefined ? {} : { createdTo: now.created }),
  };
}

async function readImage(descriptor: LockedDescriptor, read: ReadDocument): Promise<{ layers: string[]; created: string | undefined }> {
  const { config, layers } = parseManifest(await read(descriptor), `manifest "${descriptor.digest}"`, descriptor.mediaType);
  const { created } = parseImageConfig(await read(config), `config "${config.digest}"`);
  return { layers: layers.map(({ digest }) => digest), created };
}

function countMissing(layers: readonly string[], others: readonly string[]): number {
  return layers.filter((layer) => !others.includes(layer)).length;
}
