// Names of loaded images.
import { formatReference, parseReference } from '../registry/reference.ts';
import { OcidslError } from '../base/errors.ts';

/** A name of an image in an engine. */
export interface LoadName {
  /** As the user wrote it: `hello`. */
  readonly typed: string;
  /** With registry and tag, as every engine stores it: `docker.io/library/hello:latest`. */
  readonly full: string;
  /**
   * The name that podman prefers to `full` when a user types a name without registry: `localhost/hello:latest`. Undefined
   * for names with a registry.
   */
  readonly local: string | undefined;
}

/**
 * The names in the given order, each spelling once.
 * @throws OCIDSL_REFERENCE_SYNTAX, also for names with a digest: engines take tags only
 */
export function loadNames(repoTags: readonly string[]): LoadName[] {
  const names = new Map<string, LoadName>();
  for (const typed of repoTags) {
    const reference = parseReference(typed);
    if (reference.digest !== undefined) {
      throw new OcidslError({
        code: 'OCIDSL_REFERENCE_SYNTAX',
        message: `Cannot load an image as "${typed}": it has a digest, expected a name with at most a tag, such as hello:latest`,
      });
    }
    const tag = reference.tag ?? 'latest';
    const full = formatReference({ ...reference, tag });
    const [path = ''] = typed.split(':', 1);
    const first = typed.split('/', 1)[0]!;
    const isShort = reference.registry === 'docker.io' && !(typed.includes('/') && /[.:]/.test(first));
    names.set(typed, { typed, full, local: isShort ? `localhost/${path}:${tag}` : undefined });
  }
  return [...names.values()];
}
