// Manifests that refer to another one by their subject: signatures, SBOMs, provenance. Where a registry has no referrers API,
// an index under the tag `sha256-<hex>` keeps the list.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
import { OcidslError } from '../base/errors.ts';
import { utf8 } from '../base/bytes.ts';
import { parseImageIndex } from '../oci/image-index.ts';
import { parseManifest } from '../oci/manifest.ts';
import { manifestDocumentKind } from '../oci/manifest-document.ts';
import { asObject } from '../oci/fields.ts';
import { parseStrictJson } from '../oci/strict-json.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { OCI } from '../oci/media-types.ts';
import { readBounded } from './http.ts';
import { getManifest, putManifest } from './manifests.ts';
import type { StoredManifest } from './manifests.ts';
import { quoted, refusal, repositoryUrl, sendTo } from './repository-context.ts';
import type { RepositoryContext } from './repository-context.ts';
import { nextPage } from './tag-list.ts';

const MAX_PAGES = 100;
const MERGE_ATTEMPTS = 5;

/** The referrers of a digest, of one artifact type where that is given. */
export async function listReferrers(context: RepositoryContext, digest: string, artifactType?: string): Promise<Descriptor[]> {
  const all = (await listByApi(context, digest, artifactType)) ?? (await readFallback(context, digest)) ?? [];
  // Registries may ignore the filter and say so by leaving OCI-Filters-Applied out; filtering twice is harmless.
  return artifactType === undefined ? all : all.filter((descriptor) => descriptor.artifactType === artifactType);
}

/**
 * Stores a manifest or an index that has a subject, and adds it to the fallback tag where the registry has no referrers API.
 * @throws OCIDSL_REFERRERS_TAG where that tag is something else than an index
 */
export async function putReferrer(context: RepositoryContext, bytes: Uint8Array, digest: string): Promise<StoredManifest> {
  const { subject, ...referrer } = readReferrer(bytes, `manifest "${digest}"`);
  const stored = await putManifest(context, digest, referrer.mediaType, bytes);
  if (subject === undefined || stored.subject !== undefined) return stored;
  await addToFallback(context, subject.digest, { ...referrer, digest, size: bytes.byteLength });
  return stored;
}

/** What the list of referrers says of a document: its artifact type (a config's media type stands in for it) and all annotations. */
function readReferrer(
  bytes: Uint8Array,
  what: string,
): Pick<Descriptor, 'mediaType' | 'artifactType' | 'annotations'> & { subject?: Descriptor } {
  const isIndex = manifestDocumentKind(asObject(parseStrictJson(bytes, { what }), what)) === 'index';
  const document = isIndex ? parseImageIndex(bytes, what) : parseManifest(bytes, what);
  const artifactType = document.artifactType ?? ('config' in document ? document.config.mediaType : undefined);
  return {
    mediaType: document.mediaType ?? (isIndex ? OCI.index : OCI.manifest),
    ...(artifactType !== undefined && { artifactType }),
    ...(document.annotations && { annotations: document.annotations }),
    ...(document.subject && { subject: document.subject }),
  };
}

/** The tag that lists the referrers of a digest where there is no API. */
export function fallbackTag(digest: string): string {
  const [algorithm = '', encoded = ''] = digest.split(':');
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`.replace(/[^A-Za-z0-9._-]/g, '-');
}

/** The API's list; undefined where the registry has no such API. */
async function listByApi(context: RepositoryContext, digest: string, artifactType: string | undefined): Promise<Descriptor[] | undefined> {
  const doing = `list the referrers of "${digest}" in ${quoted(context)}`;
  const found: Descriptor[] = [];
  let url: URL | undefined = repositoryUrl(context, `referrers/${digest}`);
  if (artifactType !== undefined) url.search = `?artifactType=${encodeURIComponent(artifactType)}`;
  for (let page = 0; url !== undefined && page < MAX_PAGES; page++) {
    const response = await sendTo(context, 'pull', { method: 'GET', url, headers: { accept: OCI.index } });
    const mediaType = response.headers.get('content-type')?.split(';', 1)[0]?.trim();
    // Front ends answer 200 with a web page, old registries 404, 400 or 406.
    if ([400, 404, 405, 406].includes(response.status) || (response.status === 200 && mediaType !== OCI.index)) {
      await response.dispose();
      return undefined;
    }
    if (response.status !== 200) throw await refusal(doing, response);
    const bytes = await readBounded(response, context.limits.maxManifestBytes);
    if (bytes === undefined)
      throw new OcidslError({
        code: 'OCIDSL_MANIFEST_TOO_LARGE',
        kind: 'network',
        message: `Cannot ${doing}: the list is larger than ${context.limits.maxManifestBytes} bytes`,
      });
    found.push(...parseImageIndex(bytes, `referrers of "${digest}"`).manifests);
    url = nextPage(context, response);
  }
  return found;
}

async function readFallback(context: RepositoryContext, digest: string): Promise<Descriptor[] | undefined> {
  const tag = fallbackTag(digest);
  const manifest = await getManifest(context, tag);
  if (manifest === undefined) return undefined;
  if (manifest.mediaType !== OCI.index) {
    throw new OcidslError({
      code: 'OCIDSL_REFERRERS_TAG',
      kind: 'network',
      message: `Cannot read the referrers of "${digest}" in ${quoted(context)}: the tag ${tag} is not an image index`,
    });
  }
  return [...parseImageIndex(manifest.bytes, `referrers tag "${tag}"`).manifests];
}

// Two writers may read the same list, so what was written is read again, and written again where it was lost.
async function addToFallback(context: RepositoryContext, subject: string, descriptor: Descriptor): Promise<void> {
  const tag = fallbackTag(subject);
  for (let attempt = 1; attempt <= MERGE_ATTEMPTS; attempt++) {
    const list = (await readFallback(context, subject)) ?? [];
    if (list.some((known) => known.digest === descriptor.digest)) return;
    const index = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI.index, manifests: [...list, descriptor] }));
    await putManifest(context, tag, OCI.index, index);
    // The other writer gets the time to overwrite us now rather than after the check.
    if (attempt > 1) await context.backoff.pause(attempt, context.origin, undefined);
    const after = (await readFallback(context, subject)) ?? [];
    if (after.some((known) => known.digest === descriptor.digest)) return;
  }
  throw new OcidslError({
    code: 'OCIDSL_REFERRERS_TAG',
    kind: 'network',
    message: `Cannot add a referrer of "${subject}" to ${quoted(context)}: the tag ${tag} was overwritten ${MERGE_ATTEMPTS} times by others`,
    hint: 'Try again when fewer writers are at work',
  });
}
