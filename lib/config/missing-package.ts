// The error for a package that has no config.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OcidslError } from '../base/errors.ts';
import { suggest } from '../graph/suggest.ts';
import { CONFIG_FILE_NAMES, configFileIn } from './config-file.ts';

/** Names what was looked for, and folders beside it that are packages and have a similar name. */
export function missingPackage(root: string, name: string): OcidslError {
  const near = suggest(name, neighbours(root, name));
  return new OcidslError({
    code: 'OCIDSL_PACKAGE_NOT_FOUND',
    message: `Cannot load package ${JSON.stringify(name.slice(0, 300))}: its folder has no config, expected one of ${CONFIG_FILE_NAMES.join(', ')}`,
    hint: near.length > 0 ? `Did you mean ${near.map((each) => `"${each}"`).join(' or ')}?` : undefined,
  });
}

function neighbours(root: string, name: string): string[] {
  const parent = name === '' ? undefined : dirname(name);
  if (parent === undefined) return [];
  try {
    const folders = readdirSync(join(root, parent), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return folders
      .map((entry) => (parent === '.' ? entry.name : `${parent}/${entry.name}`))
      .filter((each) => configFileIn(join(root, each)) !== undefined);
  } catch {
    return [];
  }
}
