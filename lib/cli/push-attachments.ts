// The attachments of a push target, with their files in the store.
import { OcidslError } from '../base/errors.ts';
import { formatDigest } from '../base/digest.ts';
import type { PushInfo } from '../rules/push-info.ts';
import { EMPTY_CONFIG, TITLE, type Attachment } from '../sinks/attach.ts';
import type { PlannedSink } from './make-sink.ts';
import { storeFiles, type PushFilesOptions } from './push-files.ts';

/**
 * Makes the files of every attachment.
 * @throws OCIDSL_ATTACHMENT for one without files and for two files of one name, with the target's label
 */
export async function attachmentsOf({ label, info }: PlannedSink<PushInfo>, options: PushFilesOptions): Promise<Attachment[]> {
  const { cas } = options.maker.store;
  if (info.attachments.length > 0) await cas.write(EMPTY_CONFIG);
  return await Promise.all(
    info.attachments.map(async ({ artifactType, mediaType, annotations, files }): Promise<Attachment> => {
      const fail = (is: string, expected: string) =>
        new OcidslError({ code: 'OCIDSL_ATTACHMENT', message: `Cannot attach "${artifactType}": ${is}, expected ${expected}`, label });
      const stored = await storeFiles(files, options);
      if (stored.length === 0) throw fail('it has no files', 'one or more');
      const names = stored.map(({ name }) => name);
      const twice = names.find((name, i) => names.indexOf(name) !== i);
      if (twice !== undefined) throw fail(`two of its files are called "${twice}"`, 'a name of its own for each');
      const layers = stored.map(({ name, digest }) => ({
        mediaType,
        digest: formatDigest(digest),
        size: digest.sizeBytes,
        annotations: { [TITLE]: name },
      }));
      return { artifactType, layers, annotations, source: cas };
    }),
  );
}
