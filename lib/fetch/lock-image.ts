// What a tag stands for: the pin of an image, with the manifest of every platform.
import { combineErrors, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { configPlatform, parseImageConfig } from '../oci/config.ts';
import { descriptorOf, type Descriptor } from '../oci/descriptor.ts';
import { collectImages, type ReadDocument } from '../oci/find-image.ts';
import { parseManifest } from '../oci/manifest.ts';
import { isImageConfigMediaType, isIndexMediaType, isManifestMediaType } from '../oci/media-types.ts';
import { formatPlatform, normalizePlatform, parsePlatform, type Platform } from '../oci/platform.ts';
import { missingPlatformError, selectPlatform } from '../oci/select-manifest.ts';
import type { LockedDescriptor, LockedImage, LockRequest } from '../plan/lock.ts';
import type { RegistryClient } from '../registry/client.ts';
import { parseReference } from '../registry/reference.ts';
import { registryDocuments } from './registry-documents.ts';

/** A request to pin the tag of an image. */
export type ImageRequest = Extract<LockRequest, { kind: 'image' }>;

/**
 * Resolves a tag. An index costs one request; a nested one, and a manifest whose platform no index says, cost one or two more each.
 * Of several manifests for the same platform the first counts, as the spec says.
 * @throws OCIDSL_IMAGE_UNKNOWN where there is no such tag; OCIDSL_PLATFORM_MISSING where it lacks a requested platform;
 * OCIDSL_NOT_AN_IMAGE; what the registry client and the readers of documents throw
 */
export async function lockImage(
  { reference, platforms }: ImageRequest,
  registry: RegistryClient,
  signal: AbortSignal,
): Promise<LockedImage> {
  const what = `image "${printable(reference)}"`;
  const name = parseReference(reference);
  const repository = registry.repository(name);
  const found = await repository.getManifest(name.tag ?? 'latest', signal);
  if (found === undefined) throw unknownImage(what, name.registry);
  const root = descriptorOf(found.mediaType, found.bytes);
  if (!isIndexMediaType(root.mediaType) && !isManifestMediaType(root.mediaType)) {
    throw notAnImage(what, `the registry says that it is of type "${printable(root.mediaType, 100)}"`);
  }
  const fetch = registryDocuments(repository, what, signal);
  const images = await imagesOf(root, (each) => (each === root ? Promise.resolve(found.bytes) : fetch(each)), what);
  checkPlatforms(platforms ?? [], images, what);
  return { ...pinOf(root), platforms: byPlatform(images) };
}

interface PlatformImage {
  readonly manifest: Descriptor;
  readonly platform: Platform;
}

async function imagesOf(root: Descriptor, read: ReadDocument, what: string): Promise<PlatformImage[]> {
  const images: PlatformImage[] = [];
  for (const { manifest, platform } of await collectImages(root, read, what)) {
    const known = platform ?? (await platformOf(manifest, read));
    if (known !== undefined) images.push({ manifest, platform: known });
  }
  if (images.length === 0) throw notAnImage(what, 'it holds no container image');
  return images;
}

// Undefined for artifacts of other kinds, such as charts: they use the same manifests.
async function platformOf(descriptor: Descriptor, read: ReadDocument): Promise<Platform | undefined> {
  const { config } = parseManifest(await read(descriptor), `manifest "${descriptor.digest}"`, descriptor.mediaType);
  return isImageConfigMediaType(config.mediaType)
    ? configPlatform(parseImageConfig(await read(config), `config "${config.digest}"`))
    : undefined;
}

function checkPlatforms(wanted: readonly string[], images: readonly PlatformImage[], what: string): void {
  const missing = wanted.map(parsePlatform).filter((platform) => selectPlatform(images, (each) => each.platform, platform) === undefined);
  const available = images.map(({ platform }) => platform);
  if (missing.length > 0) throw combineErrors(missing.map((platform) => missingPlatformError(what, platform, available)));
}

// Two spellings of one platform would be two candidates of equal rank, in the order of the file instead of the index's.
function byPlatform(images: readonly PlatformImage[]): Record<string, LockedDescriptor> {
  const result = Object.create(null) as Record<string, LockedDescriptor>;
  const seen = new Set<string>();
  for (const { manifest, platform } of images) {
    const same = formatPlatform(normalizePlatform(platform));
    if (!seen.has(same)) result[formatPlatform(platform)] = pinOf(manifest);
    seen.add(same);
  }
  return result;
}

function pinOf({ mediaType, digest, size }: Descriptor): LockedDescriptor {
  return { mediaType, digest, size };
}

function unknownImage(what: string, registry: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_IMAGE_UNKNOWN',
    message: `Cannot find ${what}: ${registry} has no such tag or repository, expected one that exists`,
    hint: 'Check the name and the tag; some registries also answer so where the credentials do not allow to read it',
  });
}

function notAnImage(what: string, is: string): OcidslError {
  return new OcidslError({ code: 'OCIDSL_NOT_AN_IMAGE', message: `Cannot use ${what}: ${is}, expected a container image` });
}
