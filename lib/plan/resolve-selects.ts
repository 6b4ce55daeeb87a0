// Resolves select() values for a platform.
import { OcidslError } from '../base/errors.ts';
import { formatPlatform, parsePlatform, platformsMatch, type Platform } from '../oci/platform.ts';
import { DEFAULT_CASE } from '../graph/select.ts';
import type { Target } from '../graph/target.ts';
import { isSelectValue, type AttributeValue, type SelectValue } from '../graph/value.ts';

/** The attributes of a target with every select replaced by its case for `platform`. */
export function resolveSelects(target: Target, platform: Platform): { readonly [attribute: string]: AttributeValue } {
  let resolved: Record<string, AttributeValue> | undefined;
  for (const key of Object.keys(target.attributes)) {
    const value = target.attributes[key]!;
    if (!isSelectValue(value)) continue;
    resolved ??= { ...target.attributes };
    resolved[key] = choose(value, platform, key, target);
  }
  return resolved ?? target.attributes;
}

// The platform as it is written first, then the same in another spelling ("linux/arm64/v8" for linux/arm64), then a case
// without variant ("linux/arm" for linux/arm/v6), then the operating system alone.
function choose(select: SelectValue, platform: Platform, attribute: string, target: Target): AttributeValue {
  const cases = Object.keys(select.$select).filter((key) => key !== DEFAULT_CASE);
  const written = cases.find((key) => key === formatPlatform(platform));
  const exact = cases.find((key) => key.includes('/') && platformsMatch(parsePlatform(key), platform));
  const family = cases.find((key) => key === `${platform.os}/${platform.architecture}`);
  const system = cases.find((key) => key === platform.os);
  const key = written ?? exact ?? family ?? system ?? (DEFAULT_CASE in select.$select ? DEFAULT_CASE : undefined);
  if (key !== undefined) return select.$select[key]!;
  throw new OcidslError({
    code: 'OCIDSL_SELECT_UNMATCHED',
    message: `Cannot choose a value of attribute "${attribute}" of ${target.rule.name} "${target.label}" for ${formatPlatform(platform)}: the select has the cases ${cases.join(', ') || '(none)'} and no "default"`,
    label: target.label,
    hint: `Add a case for "${formatPlatform(platform)}" or a "default"`,
  });
}
