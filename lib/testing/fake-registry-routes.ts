// The distribution API of a fake registry: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
import { randomUUID } from 'node:crypto';
import { sortedUtf8 } from '../base/bytes.ts';
import { sha256Hex } from '../base/digest.ts';
import type { FakeRepository, FakeStorage } from './fake-registry-storage.ts';

/** What tells a fake registry from a well-behaved one. */
export interface FakeQuirks {
  /** Status of an accepted PATCH (ECR: 201). Default: 202. */
  readonly patchStatus?: number;
  /** Form of the upload Location. Default: `absolute`. */
  readonly location?: 'absolute' | 'relative' | 'query-only';
  /** An origin that uploads are sent to instead of this server's. */
  readonly uploadOrigin?: string;
  /** An origin that GETs of blobs are redirected to. */
  readonly blobOrigin?: string;
  /** Appends a PATCH wherever it says it belongs, as docker-registry 2.8 does. */
  readonly ignoresContentRange?: boolean;
  /** Answers `BLOB_UPLOAD_INVALID` for unknown sessions, as docker-registry 2.8 does. */
  readonly unknownUploadIsInvalid?: boolean;
  /** Refuses larger request bodies for blobs with 413. */
  readonly maxBodyBytes?: number;
  /** Refuses smaller chunks, except the last one, and announces it. */
  readonly minChunkBytes?: number;
  /** What a mount of an existing blob gives. Default: 201. */
  readonly mount?: 201 | 202 | 401 | 403 | 404 | 405;
  /** Answers HEAD of manifests with 405. */
  readonly noManifestHead?: boolean;
  /** Replaces Docker-Content-Digest; an empty text leaves it out. */
  readonly contentDigest?: string;
  /** Whether the referrers API is there. Default: true. */
  readonly referrers?: boolean;
  /** Accepts manifests whose blobs are missing. */
  readonly acceptsIncompleteManifests?: boolean;
  /** Answers 201 to manifests without storing them. */
  readonly forgetsManifests?: boolean;
}

/** A request, with its body read. */
export interface FakeRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** An answer. */
export interface FakeResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** `/v2/<repository>/<rest>` in its parts; undefined for anything else. */
export function parsePath(pathname: string): { readonly name: string; readonly kind: string; readonly rest: string } | undefined {
  // Greedy: repositories may be called `tags` or `blobs` too.
  const match = /^\/v2\/(.+)\/(?:(blobs)\/(uploads\/[^/]*|[^/]+)|(manifests|tags|referrers)\/([^/]+))$/.exec(pathname);
  return match === null ? undefined : { name: match[1]!, kind: (match[2] ?? match[4])!, rest: (match[3] ?? match[5])! };
}

/** Answers one request of the API from `storage`. */
export function answer(storage: FakeStorage, quirks: FakeQuirks, request: FakeRequest): FakeResponse {
  const path = parsePath(request.url.pathname);
  if (path === undefined) return request.url.pathname === '/v2/' ? { status: 200, body: '{}' } : { status: 404 };
  const repository = storage.repository(path.name);
  const context = { storage, quirks, request, repository, name: path.name };
  if (path.kind === 'manifests') return manifests(context, path.rest);
  if (path.kind === 'tags') return tags(context);
  if (path.kind === 'referrers') return referrers(context, path.rest);
  return path.rest.startsWith('uploads/') ? uploads(context, path.rest.slice('uploads/'.length)) : blobs(context, path.rest);
}

interface Context {
  readonly storage: FakeStorage;
  readonly quirks: FakeQuirks;
  readonly request: FakeRequest;
  readonly repository: FakeRepository;
  readonly name: string;
}

function refuse(status: number, code: string, detail?: unknown): FakeResponse {
  const body = JSON.stringify({
    errors: [{ code, message: code.toLowerCase().replaceAll('_', ' '), ...(detail === undefined ? {} : { detail }) }],
  });
  return { status, headers: { 'content-type': 'application/json' }, body };
}

function digestHeader({ quirks }: Context, digest: string): Record<string, string> {
  const value = quirks.contentDigest ?? digest;
  return value === '' ? {} : { 'docker-content-digest': value };
}

function blobs(context: Context, digest: string): FakeResponse {
  const { repository, request, quirks } = context;
  const bytes = repository.blobs.get(digest);
  if (request.method === 'DELETE') return repository.blobs.delete(digest) ? { status: 202 } : refuse(404, 'BLOB_UNKNOWN');
  if (bytes === undefined) return refuse(404, 'BLOB_UNKNOWN');
  if (request.method === 'GET' && quirks.blobOrigin !== undefined) {
    return { status: 307, headers: { location: `${quirks.blobOrigin}${request.url.pathname}?signature=presigned-secret` } };
  }
  const headers = { 'content-type': 'application/octet-stream', ...digestHeader(context, digest), etag: `"${digest}"` };
  const range = /^bytes=(\d+)-(\d*)$/.exec(String(request.headers['range'] ?? ''));
  if (range === null) return { status: 200, headers, body: bytes };
  const start = Number(range[1]);
  const end = range[2] === '' ? bytes.byteLength - 1 : Math.min(Number(range[2]), bytes.byteLength - 1);
  if (start > end) return { status: 416, headers: { 'content-range': `bytes */${bytes.byteLength}` } };
  const partial = { ...headers, 'content-range': `bytes ${start}-${end}/${bytes.byteLength}` };
  return { status: 206, headers: partial, body: bytes.subarray(start, end + 1) };
}

function uploads(context: Context, session: string): FakeResponse {
  const { repository, request, quirks, storage } = context;
  const query = request.url.searchParams;
  if (request.method === 'POST') {
    const mount = query.get('mount');
    const source = storage.repositories.get(query.get('from') ?? '')?.blobs.get(mount ?? '');
    if (mount !== null && source !== undefined) {
      const status = quirks.mount ?? 201;
      if (status === 201) {
        repository.blobs.set(mount, source);
        return { status, headers: { location: `/v2/${context.name}/blobs/${mount}`, ...digestHeader(context, mount) } };
      }
      if (status !== 202) return refuse(status, status === 401 ? 'UNAUTHORIZED' : 'DENIED');
    }
    const id = randomUUID();
    const single = query.get('digest');
    repository.uploads.set(id, []);
    if (single !== null) return finish(context, id, single);
    return { status: 202, headers: { ...position(context, id), range: '0-0', 'docker-upload-uuid': id } };
  }
  const parts = repository.uploads.get(session);
  if (parts === undefined) return refuse(404, quirks.unknownUploadIsInvalid ? 'BLOB_UPLOAD_INVALID' : 'BLOB_UPLOAD_UNKNOWN');
  if (quirks.maxBodyBytes !== undefined && request.body.byteLength > quirks.maxBodyBytes) return { status: 413, body: '<html>413</html>' };
  const size = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const state = () => ({ ...position(context, session), range: `0-${Math.max(0, sizeOf(parts) - 1)}` });
  switch (request.method) {
    case 'GET':
      return { status: 204, headers: state() };
    case 'DELETE':
      repository.uploads.delete(session);
      return { status: 204 };
    case 'PATCH': {
      const start = /^(\d+)-\d+$/.exec(String(request.headers['content-range'] ?? ''))?.[1];
      if (!quirks.ignoresContentRange && start !== undefined && Number(start) !== size) return { status: 416, headers: state() };
      // Only the last chunk may be short, so a short one that is followed by another is refused then.
      if (quirks.minChunkBytes !== undefined && parts.length > 0 && parts.at(-1)!.byteLength < quirks.minChunkBytes) {
        return refuse(400, 'SIZE_INVALID');
      }
      parts.push(request.body);
      return { status: quirks.patchStatus ?? 202, headers: state() };
    }
    case 'PUT':
      return finish(context, session, query.get('digest') ?? '');
    default:
      return refuse(405, 'UNSUPPORTED');
  }
}

function sizeOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}

function finish(context: Context, session: string, digest: string): FakeResponse {
  const { repository, request } = context;
  const parts = repository.uploads.get(session) ?? [];
  const bytes = Buffer.concat([...parts, request.body]);
  repository.uploads.delete(session);
  if (`sha256:${sha256Hex(bytes)}` !== digest) return refuse(400, 'DIGEST_INVALID');
  repository.blobs.set(digest, bytes);
  return { status: 201, headers: { location: `/v2/${context.name}/blobs/${digest}`, ...digestHeader(context, digest) } };
}

function position({ quirks, request, name }: Context, session: string): Record<string, string> {
  const path = `/v2/${name}/blobs/uploads/${session}`;
  const state = '?_state=a%2Bb';
  const origin = quirks.uploadOrigin ?? request.url.origin;
  const location = { absolute: `${origin}${path}${state}`, relative: `${path}${state}`, 'query-only': `${session}${state}` }[
    quirks.location ?? 'absolute'
  ];
  return { location, ...(quirks.minChunkBytes === undefined ? {} : { 'oci-chunk-min-length': String(quirks.minChunkBytes) }) };
}

function manifests(context: Context, reference: string): FakeResponse {
  const { repository, request, quirks } = context;
  const isDigest = reference.includes(':');
  if (request.method === 'PUT') return storeManifest(context, reference, isDigest);
  const digest = isDigest ? reference : repository.tags.get(reference);
  const found = digest === undefined ? undefined : repository.manifests.get(digest);
  if (digest === undefined || found === undefined) return refuse(404, 'MANIFEST_UNKNOWN');
  if (request.method === 'DELETE') {
    if (isDigest) repository.manifests.delete(digest);
    else repository.tags.delete(reference);
    return { status: 202 };
  }
  if (request.method === 'HEAD' && quirks.noManifestHead) return { status: 405 };
  const accept = String(request.headers['accept'] ?? '*/*');
  if (!accept.includes('*/*') && !accept.includes(found.mediaType)) return refuse(404, 'MANIFEST_UNKNOWN');
  return { status: 200, headers: { 'content-type': found.mediaType, ...digestHeader(context, digest) }, body: found.bytes };
}

function storeManifest(context: Context, reference: string, isDigest: boolean): FakeResponse {
  const { repository, request, quirks, storage, name } = context;
  const digest = `sha256:${sha256Hex(request.body)}`;
  if (isDigest && reference !== digest) return refuse(400, 'DIGEST_INVALID');
  if (request.body.byteLength > 4 << 20) return refuse(413, 'MANIFEST_INVALID');
  let document: Document;
  try {
    document = JSON.parse(request.body.toString('utf8')) as Document;
  } catch {
    return refuse(400, 'MANIFEST_INVALID');
  }
  const mediaType = String(request.headers['content-type']);
  if (document.mediaType !== undefined && document.mediaType !== mediaType) return refuse(400, 'MANIFEST_INVALID');
  const needed = [...(document.config ? [document.config] : []), ...(document.layers ?? [])].filter((blob) => blob.urls === undefined);
  const missing = [
    ...needed.filter((blob) => !repository.blobs.has(blob.digest)),
    ...(document.manifests ?? []).filter((child) => !repository.manifests.has(child.digest)),
  ];
  if (missing.length > 0 && !quirks.acceptsIncompleteManifests) {
    return refuse(
      404,
      'MANIFEST_BLOB_UNKNOWN',
      missing.map((blob) => ({ digest: blob.digest })),
    );
  }
  if (!quirks.forgetsManifests) storage.putManifest(name, mediaType, request.body, isDigest ? undefined : reference);
  const subject = quirks.referrers !== false && document.subject ? { 'oci-subject': document.subject.digest } : {};
  return { status: 201, headers: { location: `/v2/${name}/manifests/${digest}`, ...digestHeader(context, digest), ...subject } };
}

interface Link {
  readonly digest: string;
  readonly mediaType?: string;
  readonly urls?: readonly string[];
}

interface Document {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config?: Link;
  readonly layers?: readonly Link[];
  readonly manifests?: readonly Link[];
  readonly subject?: Link;
  readonly annotations?: Readonly<Record<string, string>>;
}

function tags({ repository, request, name }: Context): FakeResponse {
  const { searchParams } = request.url;
  const last = searchParams.get('last') ?? '';
  const rest = sortedUtf8(repository.tags.keys()).filter((tag) => tag > last);
  const count = searchParams.has('n') ? Number(searchParams.get('n')) : rest.length;
  const page = rest.slice(0, count);
  const link =
    page.length < rest.length && page.length > 0 ? { link: `</v2/${name}/tags/list?n=${count}&last=${page.at(-1)}>; rel="next"` } : {};
  return { status: 200, headers: { 'content-type': 'application/json', ...link }, body: JSON.stringify({ name, tags: page }) };
}

function referrers({ repository, request, quirks }: Context, subject: string): FakeResponse {
  if (quirks.referrers === false) return { status: 404, body: '404 page not found' };
  const wanted = request.url.searchParams.get('artifactType');
  const manifests = [...repository.manifests].flatMap(([digest, { mediaType, bytes }]) => {
    const document = JSON.parse(bytes.toString('utf8')) as Document;
    const artifactType = document.artifactType ?? document.config?.mediaType;
    if (document.subject?.digest !== subject || (wanted !== null && artifactType !== wanted)) return [];
    const { annotations } = document;
    return [{ mediaType, digest, size: bytes.byteLength, ...(artifactType && { artifactType }), ...(annotations && { annotations }) }];
  });
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const headers = { 'content-type': mediaType, ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }) };
  return { status: 200, headers, body: JSON.stringify({ schemaVersion: 2, mediaType, manifests }) };
}
