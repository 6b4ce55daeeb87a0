// select(): the public function; the value itself is lib/graph's.
import { OcidslError } from '../base/errors.ts';
import { createSelect, DEFAULT_CASE, type Select } from '../graph/select.ts';
import { suggest } from '../graph/suggest.ts';
import { isPlatformString } from '../oci/platform.ts';
import { PLATFORMS, type PlatformString } from '../oci/platform-string.ts';

/** The operating systems that `select()` knows as cases. */
export type OperatingSystem = PlatformString extends `${infer Os}/${string}` ? Os : never;

/** Cases of a {@link select}: by platform, by operating system, and `default`. */
export type SelectCases<T> = { readonly [P in PlatformString | OperatingSystem | typeof DEFAULT_CASE]?: T };

const SYSTEMS = new Set<string>(PLATFORMS.map((platform) => platform.slice(0, platform.indexOf('/'))));

/**
 * A value that depends on the platform being built. The platform with its variant wins over the one without, that over the
 * operating system, that over `default`; no match is an error that lists the cases.
 *
 * @example
 * goBinary({ name: 'server', package: './cmd/server', tags: select({ 'linux/arm64': ['neon'], default: [] }) });
 * @throws OCIDSL_SELECT_CASE for a key that is no platform
 */
export function select<T>(cases: SelectCases<T>): Select<T> {
  const entries = Object.entries<T | undefined>(cases).filter((entry): entry is [string, T] => entry[1] !== undefined);
  for (const [key] of entries) {
    if (key === DEFAULT_CASE || SYSTEMS.has(key) || isPlatformString(key)) continue;
    const near = suggest(key, [...PLATFORMS, ...SYSTEMS, DEFAULT_CASE]);
    throw new OcidslError({
      code: 'OCIDSL_SELECT_CASE',
      message: `Cannot select by "${key.slice(0, 100)}": it is not a known platform, expected one such as "linux/amd64", an operating system or "default"`,
      hint: near.length > 0 ? `Did you mean ${near.map((each) => `"${each}"`).join(' or ')}?` : undefined,
    });
  }
  return createSelect(Object.fromEntries(entries));
}
