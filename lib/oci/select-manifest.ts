// The choice of one entry of an index for a platform. The first of equally good entries wins, as the spec says.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { isIndexMediaType, isManifestMediaType } from './media-types.ts';
import { formatPlatform, platformDistance, type Platform } from './platform.ts';

/**
 * The candidate that fits `wanted` best: the same platform, else the newest older variant of its CPU. `linux/amd64/v3` takes
 * `linux/amd64/v3`, then `v2`, then plain `linux/amd64`.
 */
export function selectPlatform<T>(
  candidates: Iterable<T>,
  platformOf: (candidate: T) => Platform | undefined,
  wanted: Platform,
): T | undefined {
  let best: { candidate: T; distance: number } | undefined;
  for (const candidate of candidates) {
    const platform = platformOf(candidate);
    const distance = platform && platformDistance(platform, wanted);
    if (distance !== undefined && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** The error for a platform that an index does not have: it lists what there is. */
export function missingPlatformError(what: string, wanted: Platform, available: readonly Platform[]): OcidslError {
  const names = [...new Set(available.map((platform) => printable(formatPlatform(platform), 80)))];
  const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? `, and ${names.length - 20} more` : '');
  return new OcidslError({
    code: 'OCIDSL_PLATFORM_MISSING',
    message: `Cannot find platform "${formatPlatform(wanted)}" in ${what}: it has ${shown || 'no platforms'}, expected one that runs on ${formatPlatform(wanted)}`,
  });
}

/**
 * Whether an index entry can lead to an image: unknown media types are skipped as the spec demands, and so are BuildKit's
 * attestations, which are image manifests of platform `unknown/unknown`.
 */
export function isImageEntry(entry: {
  readonly mediaType: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
}): boolean {
  if (!isIndexMediaType(entry.mediaType) && !isManifestMediaType(entry.mediaType)) return false;
  return !(entry.platform?.os === 'unknown' && entry.platform.architecture === 'unknown');
}
