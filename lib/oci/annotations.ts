// Annotations and labels: maps of strings. Annotations are on manifests, indexes and descriptors, labels in the config.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
import { printable } from '../base/printable.ts';
import { isPlainText, valueError } from './value-error.ts';

/** Keys that this tool reads or writes itself. */
export const ANNOTATION = {
  created: 'org.opencontainers.image.created',
  refName: 'org.opencontainers.image.ref.name',
  baseName: 'org.opencontainers.image.base.name',
  baseDigest: 'org.opencontainers.image.base.digest',
} as const;

/**
 * Checks the entries of a map: keys are not empty, keys and values are text without NUL.
 * @param thing `label` or `annotation`
 * @throws OCIDSL_IMAGE_VALUE
 */
export function checkStringMap(map: Iterable<readonly [key: string, value: unknown]>, thing: string): void {
  for (const [key, value] of map) {
    if (key === '') throw valueError(thing, key, 'its key is empty', 'a key');
    if (/\p{Cc}|\p{Surrogate}/u.test(key)) throw valueError(thing, key, 'its key has control characters', 'text');
    if (typeof value !== 'string')
      throw valueError(thing, key, `its value is of type ${value === null ? 'null' : typeof value}`, 'a string');
    if (!isPlainText(value)) throw valueError(`${thing} ${printable(key, 80)}`, value, 'it has a NUL or half a character', 'text');
  }
}

// What these say is true of the base only: its own base, its own time, its own name in a layout.
const NOT_INHERITED: ReadonlySet<string> = new Set(Object.values(ANNOTATION));

/** The annotations that an image takes over from its base, as rules_oci does, without those that would be false of it. */
export function inheritedAnnotations(base: Readonly<Record<string, string>> | undefined): [key: string, value: string][] {
  return Object.entries(base ?? {}).filter(([key]) => !NOT_INHERITED.has(key));
}
