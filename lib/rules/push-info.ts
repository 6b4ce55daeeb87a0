// The provider of ociPush: what goes where, as far as that is known before the push.
import { defineProvider } from '../graph/provider.ts';
import type { FunctionReference } from '../graph/value.ts';
import type { ImageInfo, IndexInfo } from './providers.ts';
import type { TagFunction } from './remote-tag.ts';
import type { SourcePlan } from './source-inputs.ts';

/** A manifest to attach to what is pushed. */
export interface PlannedAttachment {
  /** Media type that says what it is. */
  readonly artifactType: string;
  /** Media type of its files. */
  readonly mediaType: string;
  readonly files: SourcePlan;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What `ocidsl push` does. */
export interface PushInfo {
  readonly content: ImageInfo | IndexInfo;
  /** Repositories, without tag and digest; empty where `repositoryFile` says it. */
  readonly repositories: readonly string[];
  /** One file, whose first line is the repository. */
  readonly repositoryFile?: SourcePlan;
  /** Tags, templates of tags, and functions that make tags. */
  readonly remoteTags: readonly (string | FunctionReference<TagFunction>)[];
  /** One file with further tags, one in each line. */
  readonly remoteTagsFile?: SourcePlan;
  readonly attachments: readonly PlannedAttachment[];
}

export const PushInfo = defineProvider<PushInfo>()('PushInfo');
