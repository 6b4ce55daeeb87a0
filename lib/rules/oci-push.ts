// The rule ociPush: what `ocidsl push` sends where.
import { fixed, list, optional, required, string, target } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import type { Configurable } from '../graph/select.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import { parseReference } from '../registry/reference.ts';
import { problemOf } from './checks.ts';
import { ImageInfo, IndexInfo, PushInfo } from './providers.ts';

/** Attributes of {@link ociPush}. */
export interface OciPushAttributes {
  /** Name of the target. */
  readonly name: string;
  /** What to push: an index, or an image, which is then pushed for `linux/<architecture of this machine>` unless `--platform` says otherwise. */
  readonly image: Handle<'IndexInfo'> | Handle<'ImageInfo'> | string;
  /** Registry and repository, without tag or digest. @example repository: 'ghcr.io/acme/hello' */
  readonly repository: Configurable<string>;
  /** Tags to set, after everything else has been pushed. @default ["latest"] */
  readonly remoteTags?: Configurable<readonly string[]>;
}

const repositoryText = string('a repository such as "ghcr.io/acme/hello", without tag or digest', (text) => {
  const problem = problemOf(() => parseReference(text));
  if (problem !== undefined) return problem;
  const reference = parseReference(text);
  return reference.tag !== undefined || reference.digest !== undefined ? 'it has a tag or digest, which go into remoteTags' : undefined;
});
const tagText = string('a tag of 1 to 128 letters, digits and _ . -', (tag) =>
  /^\w[\w.-]{0,127}$/.test(tag) ? undefined : 'it has another form',
);

/**
 * Names where an index or image is pushed by `ocidsl push`: blobs first, then manifests, then the index, tags last, so a push that fails never
 * moves a tag. Building it builds what would be pushed.
 *
 * @example
 * ociPush({ name: 'hello_push', image: index, repository: 'ghcr.io/acme/hello', remoteTags: ['latest', 'v1'] });
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#push
 */
export const ociPush: (attributes: OciPushAttributes) => Handle<'PushInfo'> = defineRule({
  name: 'ociPush',
  attributes: {
    image: fixed(required(target('IndexInfo', 'ImageInfo'))),
    repository: required(repositoryText),
    remoteTags: optional(list(tagText)),
  },
  provides: [PushInfo],
  analyze(context) {
    const { image, repository, remoteTags } = context.values;
    const content = context.tryUse(image, IndexInfo) ?? context.use(image, ImageInfo);
    return [provide(PushInfo, { content, repository, remoteTags: remoteTags ?? ['latest'] })];
  },
});
