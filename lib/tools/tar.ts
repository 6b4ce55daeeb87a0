// The tool `tar`: a layer spec → `archive.tar` or `archive.tar.gz`, for whoever wants a file and no image.
import { TAR_TOOL } from '../tar/layer-spec.ts';
import type { Tool } from './tool.ts';
import { writeArchive } from './write-archive.ts';

/** Arguments: the path of a LayerSpec. */
export const tarTool: Tool = {
  ...TAR_TOOL,
  async run(context) {
    await writeArchive(context, 'archive');
  },
};
