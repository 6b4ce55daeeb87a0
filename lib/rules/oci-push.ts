// The rule ociPush: what `ocidsl push` sends where.
import type { Handle } from '../graph/handle.ts';
import { isTargetReference } from '../graph/value.ts';
import type { AnalysisContext } from '../plan/analysis-context.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import type { AttachmentValue } from './attachment-attribute.ts';
import { OCI_PUSH_SCHEMA, type OciPushAttributes } from './oci-push-attributes.ts';
import { FilesInfo, ImageInfo, IndexInfo } from './providers.ts';
import { PushInfo, type PlannedAttachment } from './push-info.ts';
import { planSources } from './source-inputs.ts';

const DESTINATIONS = ['repository', 'repositories', 'repositoryFile'] as const;

/**
 * Names where an index or image is pushed by `ocidsl push`: blobs first, then manifests, then the index, tags last, so a push that fails never
 * moves a tag. Building it builds the image; attachments and files that say where to push are read by the push.
 *
 * @example
 * ociPush({
 *   name: 'hello_push',
 *   image: index,
 *   repository: 'ghcr.io/acme/hello',
 *   remoteTags: ['latest', '{{git.shortCommit}}{{git.dirty}}'],
 *   attachments: [{ artifactType: 'application/spdx+json', file: 'sbom.spdx.json' }],
 * });
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#push
 */
export const ociPush: (attributes: OciPushAttributes) => Handle<'PushInfo'> = defineRule({
  name: 'ociPush',
  attributes: OCI_PUSH_SCHEMA,
  provides: [PushInfo],
  check(values, problem) {
    const given = DESTINATIONS.filter((name) => values[name] !== undefined);
    if (given.length === 0) problem('repository', 'it is missing', `one of ${DESTINATIONS.join(', ')}`);
    if (given.length > 1) problem(given[1]!, `it is given beside ${given[0]}`, 'one of the two');
    if (Array.isArray(values.repositories) && values.repositories.length === 0) problem('repositories', 'it is empty', 'one or more');
  },
  analyze(context) {
    const { image, repository, repositories, repositoryFile, remoteTags, remoteTagsFile, attachments } = context.values;
    const content = context.tryUse(image, IndexInfo) ?? context.use(image, ImageInfo);
    return [
      provide(PushInfo, {
        content,
        repositories: repository === undefined ? (repositories ?? []) : [repository],
        ...(repositoryFile === undefined ? {} : { repositoryFile: planSources(context, [repositoryFile], 'repository') }),
        remoteTags: remoteTags ?? (remoteTagsFile === undefined ? ['latest'] : []),
        ...(remoteTagsFile === undefined ? {} : { remoteTagsFile: planSources(context, [remoteTagsFile], 'tags') }),
        attachments: (attachments ?? []).map((value, i) => planAttachment(context, value, `attachments/${i}`)),
      }),
    ];
  },
});

function planAttachment(context: AnalysisContext<unknown>, value: AttachmentValue, prefix: string): PlannedAttachment {
  const { artifactType, files } = value;
  const [only] = files;
  const stated = files.length === 1 && isTargetReference(only) ? context.use(only, FilesInfo).mediaType : undefined;
  return {
    artifactType,
    mediaType: value.mediaType ?? stated ?? artifactType,
    files: planSources(context, files, prefix),
    annotations: Object.fromEntries(value.annotations ?? []),
  };
}
