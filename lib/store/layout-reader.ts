// Reading images from an OCI layout on disk, a folder or an archive: which entry, which platform, and the documents of the image chosen.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { ANNOTATION } from '../oci/annotations.ts';
import { configPlatform, parseImageConfig, type ImageConfig } from '../oci/config.ts';
import { descriptorDigest, descriptorPlatform, type Descriptor } from '../oci/descriptor.ts';
import { asObject, requiredString } from '../oci/fields.ts';
import { parseImageIndex } from '../oci/image-index.ts';
import { parseManifest, type Manifest } from '../oci/manifest.ts';
import { isIndexMediaType, isSchema1MediaType } from '../oci/media-types.ts';
import { formatPlatform, type Platform } from '../oci/platform.ts';
import { isImageEntry, missingPlatformError, selectPlatform } from '../oci/select-manifest.ts';
import { DOCUMENT_LIMIT_BYTES, parseStrictJson } from '../oci/strict-json.ts';
import type { BlobSource } from './blob-source.ts';
import { blobName } from './layout-archive-names.ts';
import type { LayoutFiles } from './layout-files.ts';
import { openLayoutFiles } from './open-layout.ts';

/** Which image of a layout is wanted. */
export interface LayoutQuery {
  /** The layout's folder or archive. */
  readonly directory: string;
  /** What is at `directory`, where it has been opened. */
  readonly layout?: LayoutFiles;
  /** Where its blobs are. Default: in the layout. */
  readonly blobs?: BlobSource;
  /** `org.opencontainers.image.ref.name` of the entry. Without it the layout must have one entry. */
  readonly refName?: string;
  /** Default: the only image; an error where there are several. */
  readonly platform?: Platform;
}

/** An image of one platform in a layout. */
export interface LayoutImage {
  /** The entry of index.json that was chosen: an index or the manifest itself. */
  readonly root: Descriptor;
  readonly manifest: Descriptor;
  /** As they lie in the layout, never serialised again. */
  readonly manifestBytes: Buffer;
  readonly config: Descriptor;
  readonly configBytes: Buffer;
  /** Base layer first. Their blobs were not read. */
  readonly layers: readonly Descriptor[];
  /** The config's. */
  readonly platform: Platform;
  /** Absolute or relative to where `directory` is: every file that was read, in order, for fingerprints. */
  readonly files: readonly string[];
}

/** The entries of a layout. */
export interface LayoutEntries {
  readonly entries: readonly Descriptor[];
  /** Every file that was read. */
  readonly files: readonly string[];
}

/** Nested indexes are legal; deeper than this they are an attack. */
const DEPTH_LIMIT = 8;
const COUNT_LIMIT = 10_000;

/**
 * The entries of a layout's index.json.
 * @throws OCIDSL_LAYOUT_MISSING, OCIDSL_LAYOUT_VERSION, OCIDSL_JSON_SYNTAX, OCIDSL_DOCUMENT_FIELD
 */
export async function readLayout(directory: string): Promise<LayoutEntries> {
  return await readEntries(directory, await openLayoutFiles(directory));
}

async function readEntries(directory: string, layout: LayoutFiles): Promise<LayoutEntries> {
  const what = `OCI layout "${printable(directory)}"`;
  const read = async (name: string) => ({ bytes: await layout.readFile(name), what: `file "${name}" of ${what}` });
  const marker = await read('oci-layout');
  const header = asObject(parseStrictJson(marker.bytes, marker), marker.what);
  const version = requiredString(header, 'imageLayoutVersion');
  if (version !== '1.0.0') {
    throw new OcidslError({
      code: 'OCIDSL_LAYOUT_VERSION',
      message: `Cannot read ${what}: its version is "${printable(version, 40)}", expected 1.0.0`,
    });
  }
  const index = await read('index.json');
  const files = [layout.diskPath('oci-layout'), layout.diskPath('index.json')];
  return { entries: parseImageIndex(index.bytes, index.what).manifests, files: [...new Set(files)] };
}

/**
 * The image that a query means. An index is searched with its nested ones, in order; entries of unknown media types and
 * attestations are skipped; the first of equally good entries wins.
 * @throws what readLayout() throws; OCIDSL_LAYOUT_ENTRY where the entry is not unambiguous; OCIDSL_PLATFORM_MISSING with what
 * there is; OCIDSL_MANIFEST_SCHEMA1; OCIDSL_BLOB_MISSING, OCIDSL_BLOB_CORRUPT
 */
export async function readLayoutImage(query: LayoutQuery): Promise<LayoutImage> {
  const layout = query.layout ?? (await openLayoutFiles(query.directory));
  const { entries, files } = await readEntries(query.directory, layout);
  const root = chooseEntry(entries, query);
  const search: Search = { query, layout, source: query.blobs ?? layout.blobs, files: [...files], visited: new Set() };
  const candidates = await collectImages(root, search, 0);
  const candidate = await choosePlatform(candidates, search);
  const image = await readImage(candidate.descriptor, search);
  return {
    root,
    manifest: candidate.descriptor,
    manifestBytes: image.manifestBytes,
    config: image.manifest.config,
    configBytes: image.configBytes,
    layers: image.manifest.layers,
    platform: configPlatform(image.config),
    files: [...new Set(search.files)],
  };
}

interface Search {
  readonly query: LayoutQuery;
  readonly layout: LayoutFiles;
  readonly source: BlobSource;
  readonly files: string[];
  readonly visited: Set<string>;
}

interface Candidate {
  readonly descriptor: Descriptor;
  platform: Platform | undefined;
}

function layoutError(query: LayoutQuery, is: string, expected: string, hint?: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_LAYOUT_ENTRY',
    message: `Cannot choose an image of the OCI layout "${printable(query.directory)}": ${is}, expected ${expected}`,
    hint,
  });
}

function chooseEntry(entries: readonly Descriptor[], query: LayoutQuery): Descriptor {
  // An entry whose own platform is given stays a candidate; what is no image at all is not.
  const images = entries.filter((entry) => isImageEntry(entry) || isSchema1MediaType(entry.mediaType));
  const names = images.flatMap((entry) => entry.annotations?.[ANNOTATION.refName] ?? []).map((name) => printable(name, 80));
  const { refName } = query;
  const named = refName === undefined ? images : images.filter((entry) => entry.annotations?.[ANNOTATION.refName] === refName);
  const [first] = named;
  if (!first) {
    if (refName === undefined) throw layoutError(query, 'it has no images', 'one');
    throw layoutError(
      query,
      `none is named "${printable(refName, 80)}"`,
      names.length > 0 ? `one of ${names.join(', ')}` : 'an entry with a name',
    );
  }
  // Equal entries under several names are one image.
  if (new Set(named.map((entry) => entry.digest)).size > 1 && refName === undefined) {
    throw layoutError(
      query,
      `it has ${named.length} entries`,
      'one, or the name of one',
      names.length > 0 ? `It has ${names.join(', ')}` : undefined,
    );
  }
  return first;
}

async function collectImages(descriptor: Descriptor, search: Search, depth: number): Promise<Candidate[]> {
  if (!isIndexMediaType(descriptor.mediaType)) return [{ descriptor, platform: descriptorPlatform(descriptor) }];
  if (search.visited.has(descriptor.digest)) return [];
  search.visited.add(descriptor.digest);
  if (depth >= DEPTH_LIMIT) throw layoutError(search.query, `its indexes are nested deeper than ${DEPTH_LIMIT} levels`, 'fewer');
  const index = parseImageIndex(await readDocument(descriptor, search), `index "${descriptor.digest}"`, descriptor.mediaType);
  if (search.visited.size + index.manifests.length > COUNT_LIMIT)
    throw layoutError(search.query, `an index has more than ${COUNT_LIMIT} entries`, 'fewer');
  const found: Candidate[] = [];
  for (const entry of index.manifests.filter(isImageEntry)) found.push(...(await collectImages(entry, search, depth + 1)));
  return found;
}

async function choosePlatform(candidates: readonly Candidate[], search: Search): Promise<Candidate> {
  const { query } = search;
  const [only, another] = candidates;
  if (!only) throw layoutError(query, 'its index has no images', 'one');
  if (!query.platform && !another) return only;
  // The platform is optional in an index; the config has it.
  for (const candidate of candidates) candidate.platform ??= configPlatform((await readImage(candidate.descriptor, search)).config);
  if (!query.platform) {
    const names = candidates.map(({ platform }) => printable(formatPlatform(platform!), 80));
    throw layoutError(query, `it has ${candidates.length} images (${names.join(', ')})`, 'one, or a platform');
  }
  const chosen = selectPlatform(candidates, (candidate) => candidate.platform, query.platform);
  if (chosen) return chosen;
  throw missingPlatformError(
    `the OCI layout "${printable(query.directory)}"`,
    query.platform,
    candidates.map(({ platform }) => platform!),
  );
}

interface ReadDocuments {
  readonly manifest: Manifest;
  readonly manifestBytes: Buffer;
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
}

async function readImage(descriptor: Descriptor, search: Search): Promise<ReadDocuments> {
  const manifestBytes = await readDocument(descriptor, search);
  const manifest = parseManifest(manifestBytes, `manifest "${descriptor.digest}"`, descriptor.mediaType);
  const configBytes = await readDocument(manifest.config, search);
  return { manifest, manifestBytes, configBytes, config: parseImageConfig(configBytes, `config "${manifest.config.digest}"`) };
}

async function readDocument(descriptor: Descriptor, search: Search): Promise<Buffer> {
  const digest = descriptorDigest(descriptor);
  search.files.push(search.layout.diskPath(blobName(digest.hash)));
  return await search.source.readBytes(digest, DOCUMENT_LIMIT_BYTES);
}
