// Configured targets: what analysis makes of (target, platform).
import type { Platform } from '../oci/platform.ts';
import type { ProviderSet } from '../graph/provider.ts';
import type { Target } from '../graph/target.ts';

/** A target analysed for one platform. */
export interface ConfiguredTarget {
  readonly target: Target;
  readonly platform: Platform;
  readonly providers: ProviderSet;
}
