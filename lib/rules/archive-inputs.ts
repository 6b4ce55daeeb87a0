// Tar archives as inputs: other targets' or files of the package.
import { isFileReference, isTargetReference, type SourceReference } from '../graph/value.ts';
import type { ActionInput } from '../plan/action-node.ts';
import type { AnalysisContext } from '../plan/analysis-context.ts';
import type { LayerArchive } from '../tar/layer-spec.ts';
import { TarInfo } from './providers.ts';

const ARCHIVE_NAME = /\.(tar|tar\.gz|tgz)$/;

/** Archives to merge. */
export interface ArchiveInputs {
  readonly inputs: readonly ActionInput[];
  /** Their part of the spec. */
  readonly archives: readonly LayerArchive[];
  /** Labels of those that targets make, by input path: for messages, since a label must not enter the key. */
  readonly names: ReadonlyMap<string, string>;
}

/** The inputs for archives to merge, put under `prefix` in the input root. */
export function archiveInputs(context: AnalysisContext<unknown>, references: readonly SourceReference[], prefix: string): ArchiveInputs {
  const inputs: ActionInput[] = [];
  const archives: LayerArchive[] = [];
  const names = new Map<string, string>();
  references.forEach((reference, i) => {
    const input = `${prefix}/${i}`;
    if (isTargetReference(reference)) {
      inputs.push({ path: input, content: context.use(reference, TarInfo).archive });
      archives.push({ input });
      names.set(input, reference.$target);
    } else if (isFileReference(reference)) {
      const path = reference.$file;
      if (!ARCHIVE_NAME.test(path))
        context.fail(`unpack "${path}" into "${context.label}": its name has another ending, expected .tar, .tar.gz or .tgz`);
      inputs.push({ path: input, content: { kind: 'source', path } });
      archives.push({ input, origin: path });
    } else context.fail(`unpack a glob into "${context.label}": archives are given one by one, expected a target or a file`);
  });
  return { inputs, archives, names };
}
