// Trees of a layer spec: folders that another action made, whose files are known only now.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { LayerEntry, LayerSpec } from '../tar/layer-spec.ts';
import type { ToolInputs } from './tool.ts';

/** The spec with each `tree` replaced by the files below its folder. A tree's attributes hold for each of its files. */
export function expandTrees(spec: LayerSpec, inputs: ToolInputs): LayerSpec {
  if (!spec.entries.some((entry) => entry.type === 'tree')) return spec;
  return { ...spec, entries: spec.entries.flatMap((entry) => (entry.type === 'tree' ? filesOf(entry, inputs) : [entry])) };
}

function filesOf(tree: LayerEntry, inputs: ToolInputs): LayerEntry[] {
  const folder = `${tree.input ?? ''}/`;
  const files = inputs.list().filter((input) => input.path.startsWith(folder));
  if (files.length === 0) {
    throw new OcidslError({
      code: 'OCIDSL_TREE_EMPTY',
      message: `Cannot add the files of "${printable(tree.origin ?? folder)}" to the archive: the folder is empty or missing, expected one file at least`,
    });
  }
  return files.map((file) => {
    const below = file.path.slice(folder.length);
    return {
      ...tree,
      type: 'file',
      input: file.path,
      // A tree at the root of the archive is spelled "." or "".
      path: `${tree.path}/${below}`,
      ...(tree.origin === undefined ? undefined : { origin: `${tree.origin}/${below}` }),
    };
  });
}
