// Entries of a layer spec that stand for several files: groups of files, and folders that another action made, whose files
// are known only now.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { filesOfGroup } from '../tar/file-groups.ts';
import type { LayerEntry } from '../tar/layer-spec.ts';
import type { ExpandedEntry } from '../tar/planned-entry.ts';
import type { ToolInputs } from './tool.ts';

/**
 * The entries, one for each file, made when their turn comes: there may be 100,000. A tree's attributes hold for each of its files.
 * @throws OCIDSL_TREE_EMPTY; OCIDSL_TOOL_INPUT_MISSING
 */
export function* expandEntries(entries: readonly LayerEntry[], inputs: ToolInputs): Generator<ExpandedEntry, void, undefined> {
  for (const given of entries) {
    if (given.type === 'tree') yield* filesOfTree(given, inputs);
    // The input's own path, so that it is not in memory twice.
    else if (given.type === 'files')
      for (const { path, input } of filesOfGroup(given)) yield { given, path, input: inputs.get(input ?? '').path };
    else yield { given, path: given.path, input: given.input };
  }
}

function* filesOfTree(given: LayerEntry, inputs: ToolInputs): Generator<ExpandedEntry, void, undefined> {
  const folder = `${given.input ?? ''}/`;
  const files = inputs.list().filter((input) => input.path.startsWith(folder));
  if (files.length === 0) {
    throw new OcidslError({
      code: 'OCIDSL_TREE_EMPTY',
      message: `Cannot add the files of "${printable(given.origin ?? folder)}" to the archive: the folder is empty or missing, expected one file at least`,
    });
  }
  // A tree at the root of the archive is spelled "." or "".
  for (const { path } of files) yield { given, path: `${given.path}/${path.slice(folder.length)}`, input: path };
}
