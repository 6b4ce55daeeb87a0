// Which manifest of a pinned image a platform means.
import { platformFromText, type Platform } from '../oci/platform.ts';
import { selectPlatform } from '../oci/select-manifest.ts';
import type { LockedImage } from './lock.ts';

/** The key in `platforms` of the manifest that fits `wanted` best; undefined where none runs on it. */
export function lockedPlatform({ platforms }: Pick<LockedImage, 'platforms'>, wanted: Platform): string | undefined {
  return selectPlatform(Object.keys(platforms), platformFromText, wanted);
}
