// The rule ociLoad: what `ocidsl load` and `ocidsl run` put into a container engine.
import { fixed, list, required, string, target } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import type { Configurable } from '../graph/select.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import { parseReference } from '../registry/reference.ts';
import { problemOf } from './checks.ts';
import { ImageInfo, LoadInfo } from './providers.ts';

/** Attributes of {@link ociLoad}. */
export interface OciLoadAttributes {
  /** Name of the target. */
  readonly name: string;
  /** The image. It is loaded for `linux/<architecture of this machine>` unless `--platform` says otherwise. */
  readonly image: Handle<'ImageInfo'> | string;
  /** Names for the image in the engine, one or more. @example repoTags: ['hello:latest'] */
  readonly repoTags: Configurable<readonly string[]>;
}

const repoTag = string('an image name with a tag, such as "hello:latest"', (name) =>
  name.includes('@') ? 'it has a digest' : problemOf(() => parseReference(name)),
);

/**
 * Names an image for `ocidsl load` and `ocidsl run`. Building it builds the image; nothing is loaded before `ocidsl load`.
 *
 * @example
 * ociLoad({ name: 'hello_load', image: hello, repoTags: ['hello:latest'] });
 */
export const ociLoad: (attributes: OciLoadAttributes) => Handle<'LoadInfo'> = defineRule({
  name: 'ociLoad',
  attributes: { image: fixed(required(target('ImageInfo'))), repoTags: required(list(repoTag)) },
  provides: [LoadInfo],
  check({ repoTags }, problem) {
    if (Array.isArray(repoTags) && repoTags.length === 0) problem('repoTags', 'it is empty', 'one or more names');
  },
  analyze: (context) => [provide(LoadInfo, { image: context.use(context.values.image, ImageInfo), repoTags: context.values.repoTags })],
});
