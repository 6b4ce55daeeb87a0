// The image tool: writes an image's manifest.json and config.json from its spec, its base's documents and the
// descriptions of its layers. It never sees a layer.
import { assembleImage } from '../oci/assemble-image.ts';
import { readBaseImage, type BaseImage } from '../oci/base-image.ts';
import { configPlatform } from '../oci/config.ts';
import { DOCUMENT_LIMIT_BYTES, parseStrictJson } from '../oci/strict-json.ts';
import { checkEntrypoint } from '../oci/entrypoint-check.ts';
import { IMAGE_TOOL, type ImageSpec, type ImageSpecBase } from '../oci/image-spec.ts';
import { parseLayerDescription } from '../oci/layer-description.ts';
import { layerCompression } from '../oci/media-types.ts';
import type { RunAttributes } from '../oci/merge-run-parameters.ts';
import type { Tool, ToolContext } from './tool.ts';
import { parseValueFile, type NamedValue } from './value-file.ts';
import { writeDocument } from './write-document.ts';

// overlayfs mounts at most 128 layers, one of which is the container's own.
const LAYER_LIMIT = 127;

/** `image 2 SPEC`: writes `manifest.json` and `config.json`. */
export const imageTool: Tool = {
  ...IMAGE_TOOL,
  async run(context) {
    const spec = await readSpec(context);
    const base = spec.base && (await readBase(context, spec.base));
    const descriptions = await Promise.all(
      spec.layers.map(async ({ json }) =>
        parseLayerDescription(await context.inputs.readBytes(json, Infinity), `layer description "${json}"`),
      ),
    );
    for (const { mediaType } of descriptions) {
      if (layerCompression(mediaType) === undefined) throw new TypeError(`A layer cannot be of type ${mediaType}`);
    }
    const [env, labels, annotations] = await Promise.all([
      values(context, spec.envFiles, spec.env),
      values(context, spec.labelFiles, Object.entries(spec.labels ?? {})),
      values(context, spec.annotationFiles, Object.entries(spec.annotations ?? {})),
    ]);
    const image = assembleImage({
      platform: spec.platform,
      ...(base && { base }),
      ...(spec.base?.name !== undefined && { baseName: spec.base.name }),
      layers: descriptions.map(({ mediaType, digest, size, diffID }, i) => {
        const comment = spec.layers[i]?.historyComment;
        return { descriptor: { mediaType, digest, size }, diffId: diffID, ...(comment !== undefined && { comment }) };
      }),
      run: { ...runAttributes(spec), env, labels },
      annotations,
      ...(spec.created !== undefined && { created: spec.created }),
      ...(spec.author !== undefined && { author: spec.author }),
    });
    if (spec.checkEntrypoint) {
      checkEntrypoint({ run: image.config.config ?? {}, platform: configPlatform(image.config), layers: descriptions });
    }
    if (image.manifest.layers.length > LAYER_LIMIT) {
      context.print(
        `The image has ${image.manifest.layers.length} layers; engines mount at most ${LAYER_LIMIT}. Merge some with flatten()`,
      );
    }
    await writeDocument(context, 'config.json', image.configBytes);
    await writeDocument(context, 'manifest.json', image.manifestBytes);
  },
};

// The spec is written by a rule of this library, under the tool's version: its fields are as typed.
async function readSpec(context: ToolContext): Promise<ImageSpec> {
  const [path] = context.args;
  if (path === undefined) throw new TypeError('The image tool needs the path of its spec');
  return parseStrictJson(await context.inputs.readBytes(path), {
    what: `image spec "${path}"`,
    limitBytes: Infinity,
  }) as unknown as ImageSpec;
}

async function readBase(context: ToolContext, base: ImageSpecBase): Promise<BaseImage> {
  const name = base.name ?? base.manifest;
  const [manifest, config] = await Promise.all([
    context.inputs.readBytes(base.manifest, DOCUMENT_LIMIT_BYTES),
    context.inputs.readBytes(base.config, DOCUMENT_LIMIT_BYTES),
  ]);
  return readBaseImage(manifest, config, name);
}

function runAttributes(spec: ImageSpec): Omit<RunAttributes, 'env' | 'labels'> {
  const { entrypoint, cmd, keepCmd, user, workdir, exposedPorts, volumes, stopSignal, extraConfig } = spec;
  return Object.fromEntries(
    Object.entries({ entrypoint, cmd, keepCmd, user, workdir, exposedPorts, volumes, stopSignal, extraConfig }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

async function values(
  context: ToolContext,
  files: readonly string[] | undefined,
  own: readonly NamedValue[] | undefined,
): Promise<NamedValue[]> {
  const read = await Promise.all((files ?? []).map(async (file) => await parseValueFile(await context.inputs.readBytes(file), file)));
  return [...read.flat(), ...(own ?? [])];
}
