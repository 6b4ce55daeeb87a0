// Where a push target's image goes: repositories and tags, from attributes, files and the command line. Settled before anything is built.
import { isOcidslError, OcidslError } from '../base/errors.ts';
import { parseRepository, type RepositoryName } from '../registry/reference.ts';
import type { PushInfo } from '../rules/push-info.ts';
import type { PushDestination } from '../sinks/push.ts';
import type { PlannedSink } from './make-sink.ts';
import type { ReadGitState } from './git-state.ts';
import { readLines, type PushFilesOptions } from './push-files.ts';
import { evaluateTags } from './push-tags.ts';
import { usage } from './settings.ts';

/** Options of the command line that replace what the targets say. */
export interface DestinationOptions {
  readonly repository?: string;
  readonly tag?: readonly string[];
}

/** What settling them needs. */
export interface DestinationContext extends PushFilesOptions {
  readonly options: DestinationOptions;
  readonly git: () => Promise<ReadGitState>;
}

/**
 * The destinations of a target.
 * @throws OCIDSL_PUSH_FILE, OCIDSL_TAG_…, OCIDSL_GIT_…, with the target's label
 */
export async function destinationsOf({ label, info }: PlannedSink<PushInfo>, context: DestinationContext): Promise<PushDestination[]> {
  try {
    const { options, git } = context;
    const repositories =
      options.repository === undefined
        ? await ownRepositories(info, context)
        : [readName(options.repository, (why) => usage(`Cannot use --repository: ${why}`, 'Give tags with --tag'))];
    const inFile = options.tag === undefined && info.remoteTagsFile !== undefined;
    const lines = inFile ? await readLines(info.remoteTagsFile, 'remoteTagsFile', context) : [];
    const tags = await evaluateTags({ label, tags: options.tag ?? [...info.remoteTags, ...lines], git });
    return repositories.map((repository) => ({ repository, tags }));
  } catch (error) {
    throw isOcidslError(error) ? error.at({ label }) : error;
  }
}

async function ownRepositories(info: PushInfo, context: DestinationContext): Promise<RepositoryName[]> {
  const { repositoryFile } = info;
  if (repositoryFile === undefined) return unique(info.repositories.map(parseRepository));
  const [first] = await readLines(repositoryFile, 'repositoryFile', context);
  if (first !== undefined)
    return [readName(first, (why) => new OcidslError({ code: 'OCIDSL_PUSH_FILE', message: `Cannot use repositoryFile: ${why}` }))];
  throw new OcidslError({
    code: 'OCIDSL_PUSH_FILE',
    message: 'Cannot use repositoryFile: it is empty, expected a repository such as ghcr.io/acme/hello in its first line',
  });
}

function readName(text: string, failure: (why: string) => OcidslError): RepositoryName {
  try {
    return parseRepository(text);
  } catch (error) {
    throw isOcidslError(error) ? failure(error.message) : error;
  }
}

function unique(names: readonly RepositoryName[]): RepositoryName[] {
  return [...new Map(names.map((name) => [`${name.registry}/${name.repository}`, name])).values()];
}
