// Manifests by tag and digest: exact bytes in, exact bytes out, hashed here. What is inside is the business of lib/oci.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
import { createHash } from 'node:crypto';
import { sha256Hex } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import { checkStored } from './blob-upload.ts';
import { readBounded } from './http.ts';
import type { HttpResponse } from './http.ts';
import { printable } from '../base/printable.ts';
import { printableUrl } from './printable-url.ts';
import { isTag } from './reference.ts';
import { quoted, refusal, repositoryUrl, sendTo } from './repository-context.ts';
import type { RepositoryContext } from './repository-context.ts';

/** A manifest as the registry has it. */
export interface FetchedManifest {
  /** The Content-Type without parameters. */
  readonly mediaType: string;
  /** Digest of `bytes`, in the algorithm of the reference. */
  readonly digest: string;
  readonly bytes: Buffer;
}

/** What a HEAD tells. */
export interface ManifestHead {
  readonly mediaType: string;
  /** Absent where the registry does not say. */
  readonly digest?: string;
  readonly size?: number;
}

/** What a registry answered to a manifest that it stored. */
export interface StoredManifest {
  /** Digest of the bytes that were sent. */
  readonly digest: string;
  /** The manifest's subject, where the registry has taken note of it (OCI-Subject): no fallback tag is needed then. */
  readonly subject?: string;
}

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;

/**
 * The manifest of a tag or digest; undefined where there is none.
 * @throws OCIDSL_REGISTRY_…, OCIDSL_DIGEST_MISMATCH, OCIDSL_MANIFEST_TOO_LARGE, OCIDSL_MANIFEST_SCHEMA1
 */
export async function getManifest(
  context: RepositoryContext,
  reference: string,
  signal?: AbortSignal,
): Promise<FetchedManifest | undefined> {
  const doing = `fetch manifest "${reference}" of ${quoted(context)}`;
  const response = await requestManifest(context, 'GET', reference, signal);
  if (response.status === 404) {
    await response.dispose();
    return undefined;
  }
  if (response.status !== 200) throw await refusal(doing, response);
  const mediaType = contentType(response);
  if (SCHEMA_1.test(mediaType)) {
    await response.dispose();
    throw new OcidslError({
      code: 'OCIDSL_MANIFEST_SCHEMA1',
      kind: 'build',
      message: `Cannot ${doing}: it is a Docker schema 1 manifest, expected an OCI or Docker schema 2 manifest`,
      hint: 'Ask its owner to rebuild the image: this format has no content digests of its own',
    });
  }
  const { maxManifestBytes } = context.limits;
  const bytes = await readBounded(response, maxManifestBytes);
  if (bytes === undefined) {
    throw new OcidslError({
      code: 'OCIDSL_MANIFEST_TOO_LARGE',
      kind: 'network',
      message: `Cannot ${doing}: it is larger than ${maxManifestBytes} bytes`,
    });
  }
  const reported = response.headers.get('docker-content-digest');
  const wanted = isTag(reference) ? (reported ?? 'sha256:') : reference;
  const digest = digestLike(wanted, bytes) ?? `sha256:${sha256Hex(bytes)}`;
  const isDamaged = isTag(reference) ? reported !== undefined && digestLike(reported, bytes) !== reported : digest !== reference;
  if (isDamaged) {
    throw new OcidslError({
      code: 'OCIDSL_DIGEST_MISMATCH',
      kind: 'integrity',
      message: `Cannot ${doing}: ${printableUrl(response.url)} sent ${digest}, expected ${printable(wanted, 150)}`,
    });
  }
  return { mediaType, digest: isTag(reference) ? `sha256:${sha256Hex(bytes)}` : digest, bytes };
}

/** Whether a tag or digest exists, and what the registry says of it; undefined where there is none. */
export async function headManifest(
  context: RepositoryContext,
  reference: string,
  signal?: AbortSignal,
  access: 'pull' | 'pull,push' = 'pull',
): Promise<ManifestHead | undefined> {
  const response = await requestManifest(context, 'HEAD', reference, signal, access);
  await response.dispose();
  if (response.status === 404) return undefined;
  if (response.status === 200) {
    const digest = response.headers.get('docker-content-digest');
    const size = contentLength(response);
    return { mediaType: contentType(response), ...(digest && { digest }), ...(size !== undefined && { size }) };
  }
  // Some registries do not know HEAD here; and an error to HEAD has no body, so GET tells the reason.
  const manifest = await getManifest(context, reference, signal);
  return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.byteLength };
}

/**
 * Stores a manifest under a tag or its digest.
 * @throws OCIDSL_REGISTRY_…, OCIDSL_DIGEST_MISMATCH where the registry reports another digest
 */
export async function putManifest(
  context: RepositoryContext,
  reference: string,
  mediaType: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<StoredManifest> {
  const doing = `push manifest "${reference}" to ${quoted(context)}`;
  const digest = digestLike(reference, bytes) ?? `sha256:${sha256Hex(bytes)}`;
  if (!isTag(reference) && reference !== digest) throw new Error(`Manifest ${digest} pushed as ${reference}`);
  if (bytes.byteLength > context.limits.warnManifestBytes) {
    const message = `Manifest ${digest} has ${bytes.byteLength} bytes: many registries refuse more than ${context.limits.warnManifestBytes}`;
    context.emit({ type: 'warning', message });
  }
  const response = await sendTo(context, 'pull,push', {
    method: 'PUT',
    url: repositoryUrl(context, `manifests/${reference}`),
    headers: { 'content-type': mediaType },
    body: { sizeBytes: bytes.byteLength, open: () => bytes },
    signal,
  });
  if (response.status < 200 || response.status > 204) throw await refusal(doing, response);
  checkStored(doing, digest, response.headers.get('docker-content-digest'));
  await response.dispose();
  const subject = response.headers.get('oci-subject');
  return { digest, ...(subject !== undefined && { subject }) };
}

function requestManifest(
  context: RepositoryContext,
  method: 'GET' | 'HEAD',
  reference: string,
  signal?: AbortSignal,
  access: 'pull' | 'pull,push' = 'pull',
): Promise<HttpResponse> {
  return sendTo(context, access, { method, url: repositoryUrl(context, `manifests/${reference}`), headers: { accept: ACCEPT }, signal });
}

function contentType(response: HttpResponse): string {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

function contentLength(response: HttpResponse): number | undefined {
  const text = response.headers.get('content-length');
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The digest of `bytes` in the algorithm of `like`; undefined for an algorithm that we do not have. */
function digestLike(like: string, bytes: Uint8Array): string | undefined {
  const algorithm = like.split(':', 1)[0];
  if (algorithm === 'sha256') return `sha256:${sha256Hex(bytes)}`;
  return algorithm === 'sha512' ? `sha512:${createHash('sha512').update(bytes).digest('hex')}` : undefined;
}
