// The image that a platform means, below an index or on its own. Documents come from wherever the caller reads them.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
import { OcidslError } from '../base/errors.ts';
import { configPlatform, parseImageConfig } from './config.ts';
import { descriptorPlatform, type Descriptor } from './descriptor.ts';
import { parseImageIndex } from './image-index.ts';
import { parseManifest } from './manifest.ts';
import { isImageConfigMediaType, isIndexMediaType } from './media-types.ts';
import { platformDistance, type Platform } from './platform.ts';
import { isImageEntry, missingPlatformError, selectPlatform } from './select-manifest.ts';

/** An image among others. */
export interface ImageCandidate {
  readonly manifest: Descriptor;
  /** What the index says; undefined where it says nothing, and the config has to be asked. */
  readonly platform: Platform | undefined;
}

/** The documents of an image, byte for byte. */
export interface ImageDocuments {
  readonly manifest: Descriptor;
  readonly manifestBytes: Buffer;
  readonly config: Descriptor;
  readonly configBytes: Buffer;
  /** The config's. */
  readonly platform: Platform;
}

/** Reads a document, verified. */
export type ReadDocument = (descriptor: Descriptor) => Promise<Buffer>;

/** Nested indexes are legal; deeper or larger ones are an attack. */
const DEPTH_LIMIT = 8;
const COUNT_LIMIT = 10_000;

/**
 * Every image at or below `root`, in order, each once. Attestations and entries of unknown media types are skipped.
 * @param what the image in messages: `image "ghcr.io/acme/base:1"`
 * @throws OCIDSL_INDEX_LIMIT for indexes that are nested too deep or too large; what parseImageIndex() throws
 */
export async function collectImages(root: Descriptor, read: ReadDocument, what: string): Promise<ImageCandidate[]> {
  const visited = new Set<string>();
  let count = 0;
  const collect = async (descriptor: Descriptor, depth: number): Promise<ImageCandidate[]> => {
    if (visited.has(descriptor.digest)) return [];
    visited.add(descriptor.digest);
    if (!isIndexMediaType(descriptor.mediaType)) return [{ manifest: descriptor, platform: descriptorPlatform(descriptor) }];
    if (depth >= DEPTH_LIMIT) throw limitError(what, `its indexes are nested deeper than ${DEPTH_LIMIT} levels`);
    const { manifests } = parseImageIndex(await read(descriptor), `index "${descriptor.digest}"`, descriptor.mediaType);
    if ((count += manifests.length) > COUNT_LIMIT) throw limitError(what, `its indexes have more than ${COUNT_LIMIT} entries`);
    const found: ImageCandidate[] = [];
    for (const entry of manifests.filter(isImageEntry)) found.push(...(await collect(entry, depth + 1)));
    return found;
  };
  return await collect(root, 0);
}

/**
 * The image at or below `root` that fits `wanted` best, with its documents. Layers are not read.
 * @throws OCIDSL_PLATFORM_MISSING with what there is; OCIDSL_NOT_AN_IMAGE for an artifact of another kind; what collectImages(), parseManifest() and
 * parseImageConfig() throw
 */
export async function findImage(root: Descriptor, wanted: Platform, read: ReadDocument, what: string): Promise<ImageDocuments> {
  const documents = new Map<Descriptor, ImageDocuments>();
  const open = async (manifest: Descriptor): Promise<ImageDocuments> => {
    const known = documents.get(manifest) ?? (await readImage(manifest, read, what));
    documents.set(manifest, known);
    return known;
  };
  const candidates: ImageCandidate[] = [];
  for (const candidate of await collectImages(root, read, what)) {
    candidates.push({ ...candidate, platform: candidate.platform ?? (await open(candidate.manifest)).platform });
  }
  const available = candidates.map(({ platform }) => platform!);
  const chosen = selectPlatform(candidates, ({ platform }) => platform, wanted);
  if (chosen === undefined) throw missingPlatformError(what, wanted, available);
  const image = await open(chosen.manifest);
  // An index may promise what an image is not.
  if (platformDistance(image.platform, wanted) === undefined) throw missingPlatformError(what, wanted, [image.platform]);
  return image;
}

async function readImage(descriptor: Descriptor, read: ReadDocument, what: string): Promise<ImageDocuments> {
  const manifestBytes = await read(descriptor);
  const manifest = parseManifest(manifestBytes, `manifest "${descriptor.digest}"`, descriptor.mediaType);
  const { config } = manifest;
  if (!isImageConfigMediaType(config.mediaType)) {
    throw new OcidslError({
      code: 'OCIDSL_NOT_AN_IMAGE',
      message: `Cannot use ${what}: its config is of type ${config.mediaType}, expected a container image`,
    });
  }
  const configBytes = await read(config);
  const platform = configPlatform(parseImageConfig(configBytes, `config "${config.digest}"`));
  return { manifest: descriptor, manifestBytes, config, configBytes, platform };
}

function limitError(what: string, is: string): OcidslError {
  return new OcidslError({ code: 'OCIDSL_INDEX_LIMIT', kind: 'integrity', message: `Cannot use ${what}: ${is}, expected fewer` });
}
