// The tool `layer`: a layer spec → `layer.tar.gz` (or `layer.tar`) and what an image needs to know of it, `layer.json`.
import { formatDigest } from '../base/digest.ts';
import { canonicalJson } from '../base/json.ts';
import type { Json } from '../base/json.ts';
import { utf8 } from '../base/bytes.ts';
import { OCI } from '../oci/media-types.ts';
import type { ExecutableHeader } from '../tar/executable-header.ts';
import { LAYER_TOOL } from '../tar/layer-spec.ts';
import type { Tool } from './tool.ts';
import { writeArchive } from './write-archive.ts';

/** What `layer.json` says, as canonical JSON. */
export interface LayerInfo {
  readonly mediaType: string;
  /** `sha256:<hex>` of the layer's file. */
  readonly digest: string;
  /** Bytes of the layer's file. */
  readonly size: number;
  /** `sha256:<hex>` of the uncompressed tar. */
  readonly diffID: string;
  readonly uncompressedSize: number;
  /** Programs (ELF, Mach-O, PE) by path in the layer, without a leading slash. */
  readonly executables: Readonly<Record<string, ExecutableHeader>>;
  /** Targets of symbolic links, as they are, and of hard links, as a path in the layer, by path. */
  readonly links: Readonly<Record<string, string>>;
}

/** Arguments: the path of a LayerSpec. */
export const layerTool: Tool = {
  ...LAYER_TOOL,
  async run(context) {
    const { compression, digest, uncompressed, content } = await writeArchive(context, 'layer');
    const info = {
      mediaType: compression === 'gzip' ? OCI.layerGzip : OCI.layerTar,
      digest: formatDigest(digest),
      size: digest.sizeBytes,
      diffID: formatDigest(uncompressed),
      uncompressedSize: uncompressed.sizeBytes,
      executables: content.executables(),
      links: content.links(),
    } satisfies Record<keyof LayerInfo, Json>;
    const output = await context.outputs.create('layer.json');
    try {
      await output.write(utf8(canonicalJson(info)));
      await output.commit();
    } catch (error) {
      await output.abort();
      throw error;
    }
  },
};
