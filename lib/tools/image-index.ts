// The index tool: writes the index.json of several images, one for each platform.
import { OcidslError } from '../base/errors.ts';
import { digestOf, formatDigest } from '../base/digest.ts';
import { printable } from '../base/printable.ts';
import { checkStringMap } from '../oci/annotations.ts';
import { stringMap } from '../oci/assemble-image.ts';
import { configPlatform, parseImageConfig } from '../oci/config.ts';
import { descriptorOf, withPlatform, type Descriptor } from '../oci/descriptor.ts';
import { encodeImageIndex } from '../oci/image-index.ts';
import { INDEX_TOOL, type IndexSpec, type IndexSpecImage } from '../oci/image-spec.ts';
import { parseManifest } from '../oci/manifest.ts';
import { isDockerMediaType, OCI } from '../oci/media-types.ts';
import { formatPlatform, normalizePlatform, type Platform } from '../oci/platform.ts';
import { DOCUMENT_LIMIT_BYTES, parseStrictJson } from '../oci/strict-json.ts';
import type { Tool, ToolContext } from './tool.ts';
import { parseValueFile } from './value-file.ts';
import { writeDocument } from './write-document.ts';

/** `image-index 1 SPEC`: writes `index.json`. The platform of each entry is that of the image's config. */
export const imageIndexTool: Tool = {
  ...INDEX_TOOL,
  async run(context) {
    const [path] = context.args;
    if (path === undefined) throw new TypeError('The index tool needs the path of its spec');
    const bytes = await context.inputs.readBytes(path);
    const spec = parseStrictJson(bytes, { what: `index spec "${path}"` }) as unknown as IndexSpec;
    const images = await Promise.all(spec.images.map(async (image) => await readImage(context, image)));
    refuseDuplicates(images.map((image) => image.platform));
    const files = await Promise.all(
      (spec.annotationFiles ?? []).map(async (file) => await parseValueFile(await context.inputs.readBytes(file), file)),
    );
    const annotations = [...files.flat(), ...Object.entries(spec.annotations ?? {})];
    checkStringMap(annotations, 'annotation');
    const index = encodeImageIndex({
      schemaVersion: 2,
      mediaType: OCI.index,
      manifests: images.map((image) => image.descriptor),
      ...(annotations.length > 0 && { annotations: stringMap(annotations) }),
    });
    await writeDocument(context, 'index.json', index);
  },
};

async function readImage(context: ToolContext, image: IndexSpecImage): Promise<{ descriptor: Descriptor; platform: Platform }> {
  const [manifestBytes, configBytes] = await Promise.all([
    context.inputs.readBytes(image.manifest, DOCUMENT_LIMIT_BYTES),
    context.inputs.readBytes(image.config, DOCUMENT_LIMIT_BYTES),
  ]);
  const manifest = parseManifest(manifestBytes, `manifest "${image.manifest}"`);
  if (isDockerMediaType(manifest.mediaType ?? manifest.config.mediaType)) {
    throw new OcidslError({
      code: 'OCIDSL_INDEX_IMAGE',
      message: `Cannot add image "${printable(image.manifest)}" to an index: its documents are Docker's, expected OCI's`,
      hint: 'Make it the base of an ociImage, which converts it',
    });
  }
  const actual = formatDigest(digestOf(configBytes));
  if (actual !== manifest.config.digest) {
    throw new OcidslError({
      code: 'OCIDSL_INDEX_IMAGE',
      kind: 'integrity',
      message: `Cannot add image "${printable(image.manifest)}" to an index: its config is ${actual}, expected ${manifest.config.digest}`,
    });
  }
  const platform = configPlatform(parseImageConfig(configBytes, `config "${image.config}"`));
  return { descriptor: withPlatform(descriptorOf(OCI.manifest, manifestBytes), platform), platform };
}

// Of two entries for one platform, clients would only ever see the first.
function refuseDuplicates(platforms: readonly Platform[]): void {
  const first = new Map<string, Platform>();
  for (const platform of platforms) {
    const { osFeatures, ...rest } = normalizePlatform(platform);
    const key = `${formatPlatform(rest)} ${(osFeatures ?? []).join(' ')}`;
    const other = first.get(key);
    if (other) {
      const both =
        formatPlatform(other) === formatPlatform(platform)
          ? ''
          : ` (as ${formatPlatform(other)} and ${formatPlatform(platform)}, which are the same)`;
      throw new OcidslError({
        code: 'OCIDSL_INDEX_PLATFORM',
        message: `Cannot make an index: platform "${formatPlatform(platform)}" has two images${both}, expected one image for each platform`,
      });
    }
    first.set(key, platform);
  }
}
