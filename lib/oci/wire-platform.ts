// A platform in the image-spec's own field names, as indexes and configs carry it.
import { encodeObject, type OrderedField } from './encode-document.ts';
import type { Platform } from './platform.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions */
export interface WirePlatform {
  readonly architecture: string;
  readonly os: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  readonly variant?: string;
}

/** The platform of an index entry or a config; empty strings count as absent, as Go's encoders write them. */
export function platformFromWire(wire: WirePlatform): Platform {
  return {
    os: wire.os,
    architecture: wire.architecture,
    ...(wire.variant ? { variant: wire.variant } : {}),
    ...(wire['os.version'] ? { osVersion: wire['os.version'] } : {}),
    ...(wire['os.features']?.length ? { osFeatures: wire['os.features'] } : {}),
  };
}

/** The fields that an index entry or a config has for a platform; spread them into either. */
export function platformToWire(platform: Platform): WirePlatform {
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.osVersion ? { 'os.version': platform.osVersion } : {}),
    ...(platform.osFeatures?.length ? { 'os.features': platform.osFeatures } : {}),
    ...(platform.variant ? { variant: platform.variant } : {}),
  };
}

/** The platform's fields in the spec's order. */
export const PLATFORM_ORDER: readonly OrderedField[] = [['architecture'], ['os'], ['os.version'], ['os.features'], ['variant']];

/** JSON text of a platform. */
export function encodeWirePlatform(platform: WirePlatform): string {
  return encodeObject(platform, PLATFORM_ORDER);
}
