// What users write for ociPush, and the schema that checks it.
import * as attribute from '../graph/attribute.ts';
import { fixed, optional } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import type { Configurable } from '../graph/select.ts';
import { parseReference, parseRepository } from '../registry/reference.ts';
import { attachment, oneFile, type Attachment } from './attachment-attribute.ts';
import { problemOf } from './checks.ts';
import { tagTemplateProblem, type TagFunction } from './remote-tag.ts';

/** Attributes of {@link ociPush} wherever it pushes to. */
export interface OciPushCommonAttributes {
  /** Name of the target. */
  readonly name: string;
  /** What to push: an index, or an image, which is then pushed for `linux/<architecture of this machine>` unless `--platform` says otherwise. */
  readonly image: Handle<'IndexInfo'> | Handle<'ImageInfo'> | string;
  /**
   * Tags to set, after everything else has been pushed. A tag may contain `{{git.commit}}`, `{{git.shortCommit}}`, `{{git.branch}}`, `{{git.tag}}`,
   * `{{git.dirty}}` and `{{git.commitTime}}`, or be a function of the same values that returns one tag or several. They are evaluated at push: what
   * is built never depends on them.
   * @default ["latest"], or none where remoteTagsFile is given
   * @example remoteTags: ['latest', '{{git.shortCommit}}{{git.dirty}}', ({ git }) => git.tag ?? []]
   */
  readonly remoteTags?: Configurable<readonly (string | TagFunction)[]>;
  /** A file with further tags, one in each line, read at push: a path of this package, or a target that makes one. @default none */
  readonly remoteTagsFile?: Configurable<Handle<'FilesInfo'> | string>;
  /** Documents to attach to what is pushed, found by tools that list the referrers of its digest. @default [] */
  readonly attachments?: Configurable<readonly Attachment[]>;
}

/** A push to one repository. */
export interface OciPushToRepository extends OciPushCommonAttributes {
  /** Registry and repository, without tag or digest. Either this, `repositories` or `repositoryFile`. @default none @example repository: 'ghcr.io/acme/hello' */
  readonly repository: Configurable<string>;
  /** Instead of `repository`. */
  readonly repositories?: never;
  /** Instead of `repository`. */
  readonly repositoryFile?: never;
}

/** A push to several repositories. */
export interface OciPushToRepositories extends OciPushCommonAttributes {
  /** Several repositories, in any registries: every blob is uploaded once for each registry. No tag moves before all of them have everything. @default none */
  readonly repositories: Configurable<readonly string[]>;
  /** Instead of `repositories`. */
  readonly repository?: never;
  /** Instead of `repositories`. */
  readonly repositoryFile?: never;
}

/** A push to a repository that a file names. */
export interface OciPushToRepositoryFile extends OciPushCommonAttributes {
  /** A file whose first line is the repository, read at push: a path of this package, or a target that makes one. @default none */
  readonly repositoryFile: Configurable<Handle<'FilesInfo'> | string>;
  /** Instead of `repositoryFile`. */
  readonly repository?: never;
  /** Instead of `repositoryFile`. */
  readonly repositories?: never;
}

/** Attributes of {@link ociPush}. */
export type OciPushAttributes = OciPushToRepository | OciPushToRepositories | OciPushToRepositoryFile;

const repositoryText = attribute.string('a repository such as "ghcr.io/acme/hello", without tag or digest', (text) => {
  const problem = problemOf(() => parseReference(text));
  if (problem !== undefined) return problem;
  return problemOf(() => parseRepository(text)) === undefined ? undefined : 'it has a tag or digest, which go into remoteTags';
});

const tagText = attribute.string('a tag of 1 to 128 letters, digits and _ . -, possibly with {{git.…}} in it', tagTemplateProblem);
const tagFunction = attribute.callback<TagFunction>('a function that returns a tag or an array of tags');
/** The schema behind {@link OciPushAttributes}. */
export const OCI_PUSH_SCHEMA = {
  image: fixed(attribute.required(attribute.target('IndexInfo', 'ImageInfo'))),
  repository: optional(repositoryText),
  repositories: optional(attribute.list(repositoryText)),
  repositoryFile: optional(oneFile),
  remoteTags: optional(attribute.list(attribute.anyOf(tagText, tagFunction))),
  remoteTagsFile: optional(oneFile),
  attachments: optional(attribute.list(attachment)),
} as const;
