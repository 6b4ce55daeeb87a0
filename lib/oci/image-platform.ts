// The platform of an image that has a base.
import { OcidslError } from '../base/errors.ts';
import { configPlatform, type ImageConfig } from './config.ts';
import { formatPlatform, normalizePlatform, platformRunsOn, platformsMatch, type Platform } from './platform.ts';

/**
 * The platform of an image for `wanted` on a base with this config: as the base writes it (`arm64` or `arm64/v8`), with
 * the newer variant of the CPU that was asked for, where the base is for an older one.
 * @throws OCIDSL_BASE_PLATFORM where the base does not run on `wanted`
 */
export function imagePlatform(wanted: Platform, baseConfig: ImageConfig | undefined): Platform {
  if (!baseConfig) return wanted;
  const base = configPlatform(baseConfig);
  if (platformsMatch(wanted, base)) return base;
  if (!platformRunsOn(base, wanted)) {
    throw new OcidslError({
      code: 'OCIDSL_BASE_PLATFORM',
      message: `Cannot use the base image: it is for ${formatPlatform(base)}, expected one for ${formatPlatform(wanted)}`,
      hint: `Build for ${formatPlatform(base)}, or pull the base for ${formatPlatform(wanted)}`,
    });
  }
  const variant = normalizePlatform(wanted).variant;
  return variant === undefined ? base : { ...base, variant };
}
