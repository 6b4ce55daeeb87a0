// What a push would do, found out by asking only.
import { formatRepository, type RepositoryName } from '../registry/reference.ts';
import type { PushOptions } from './push-options.ts';
import { checkTags, stoppable } from './push.ts';
import { isForeign, surveyPush, type PushNode, type PushSurvey } from './push-survey.ts';

/** What a push would do to one blob or document. */
export interface PlannedBlob {
  readonly digest: string;
  readonly mediaType: string;
  /** Of an attachment's manifest. */
  readonly artifactType?: string;
  /** Bytes. */
  readonly size: number;
  /** `mount` where another repository has it, or may; should the registry refuse, it is uploaded. */
  readonly action: 'upload' | 'mount' | 'skip';
  /** The repository that it would be mounted from. */
  readonly from?: string;
}

/** What would happen to a tag. */
export interface PlannedTag {
  readonly tag: string;
  /** The digest that it points to now; absent where there is no such tag. */
  readonly from?: string;
  readonly to: string;
}

/** What a push would do for one image in one destination. What an earlier image of the push brings there is skipped. */
export interface PushPlan {
  /** `registry/repository@sha256:…` */
  readonly reference: string;
  /** Of the image and its attachments, children before parents. */
  readonly blobs: readonly PlannedBlob[];
  readonly tags: readonly PlannedTag[];
  /** Sum of what would be uploaded. */
  readonly uploadBytes: number;
}

/**
 * What pushImages() would do.
 * @returns for each image one plan a destination, in their order
 */
export async function planPush(options: PushOptions): Promise<PushPlan[][]> {
  checkTags(options);
  const survey = await stoppable(options, (stop) => surveyPush(options, stop));
  const given = new Set<string>();
  return survey.graphs.map(({ image, nodes }) =>
    image.destinations.map(({ repository, tags }) => {
      const blobs = nodes.map((node) => planBlob(node, repository, survey, given));
      const before = survey.repositories.get(formatRepository(repository))!.tags;
      const { digest } = image.root;
      return {
        reference: `${formatRepository(repository)}@${digest}`,
        blobs,
        tags: tags.map((tag) => {
          const from = before.get(tag);
          return { tag, ...(from !== undefined && { from }), to: digest };
        }),
        uploadBytes: blobs.reduce((sum, blob) => sum + (blob.action === 'upload' ? blob.size : 0), 0),
      };
    }),
  );
}

function planBlob(node: PushNode, to: RepositoryName, { repositories, places }: PushSurvey, given: Set<string>): PlannedBlob {
  const { digest, mediaType, size, artifactType } = node.descriptor;
  const { missing, manifests } = repositories.get(formatRepository(to))!;
  const blob = { digest, mediaType, ...(artifactType !== undefined && { artifactType }), size };
  const key = `${formatRepository(to)}@${digest}`;
  if (!missing.has(digest) || isForeign(node.descriptor) || given.has(key)) return { ...blob, action: 'skip' };
  given.add(key);
  if (manifests.has(digest)) return { ...blob, action: 'upload' };
  const [from] = places.mountFrom(to, digest, node.candidates);
  places.note(to, digest);
  return from === undefined ? { ...blob, action: 'upload' } : { ...blob, action: 'mount', from: `${to.registry}/${from}` };
}
