// The registry client: one per command, giving one object per repository.
import type { BuildEvent } from '../base/events.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { resolveHost } from './address-rules.ts';
import type { ResolveHost } from './address-rules.ts';
import { createAuthorizingTransport } from './authorizing-transport.ts';
import type { RegistryAuthority } from './authorizing-transport.ts';
import { readBlob } from './blob-download.ts';
import type { BlobUpload } from './blob-upload.ts';
import { hasBlob, putBlob } from './blobs.ts';
import { createCredentialStore } from './credentials.ts';
import type { FoundCredential } from './credentials.ts';
import { createDispatchers } from './dispatcher.ts';
import { systemClock } from './http.ts';
import type { Clock } from './http.ts';
import { getManifest, headManifest, putManifest } from './manifests.ts';
import type { FetchedManifest, ManifestHead, StoredManifest } from './manifests.ts';
import { listReferrers, putReferrer } from './referrers.ts';
import { parseTrustedRealms } from './realm-trust.ts';
import { createRedirectingTransport } from './redirecting-transport.ts';
import type { RepositoryName } from './reference.ts';
import { originOfRegistry } from './registry-host.ts';
import { DEFAULT_LIMITS } from './repository-context.ts';
import type { BlobIdentity, RegistryLimits, RepositoryContext } from './repository-context.ts';
import { createBackoff, createRetryingTransport, DEFAULT_RETRY_POLICY } from './retrying-transport.ts';
import type { RetryPolicy } from './retrying-transport.ts';
import { listTags } from './tag-list.ts';
import { createTokenSource } from './token.ts';
import { createWarningTransport } from './warning-transport.ts';
import { createWireTransport, DEFAULT_TIMEOUTS } from './wire-transport.ts';
import type { WireTimeouts } from './wire-transport.ts';

/** How to make a client. */
export interface RegistryClientOptions {
  /** Environment variables: where credentials, proxies and certificates are looked for. HOME gives the home folder. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Registries that are reached by plain HTTP, compared exactly, with port; asked when one is first used. Default: none; this machine's own always are. */
  readonly insecure?: readonly string[] | ReadonlySet<string>;
  /** Receives warnings of registries and of credential helpers. */
  readonly events?: (event: BuildEvent) => void;
  readonly limits?: Partial<RegistryLimits>;
  readonly retry?: Partial<RetryPolicy>;
  readonly timeouts?: Partial<WireTimeouts>;
  /** Default: `ocidsl`. */
  readonly userAgent?: string;
  /** Replaced in tests. */
  readonly clock?: Clock;
  /** Replaced in tests. */
  readonly resolveHost?: ResolveHost;
}

/** One repository of a registry. */
export interface Repository extends RepositoryName {
  /** Whether a blob of this digest and size is there. `access` is what credentials are asked for: `pull` where nothing will be pushed. */
  hasBlob(blob: BlobIdentity, signal?: AbortSignal, access?: 'pull' | 'pull,push'): Promise<boolean>;
  /** Mounts or uploads a blob; see BlobUpload. `mountFrom` names repositories of the same registry that may have it. */
  putBlob(blob: BlobUpload, mountFrom?: readonly string[]): Promise<'mounted' | 'uploaded'>;
  /** The bytes of a blob, size and digest verified (the size only, from an `offset` above 0 on), downloads that break off continued. */
  readBlob(blob: BlobIdentity, signal?: AbortSignal, offset?: number): AsyncIterable<Uint8Array>;
  /** The manifest of a tag or digest, its digest checked; undefined where there is none. */
  getManifest(reference: string, signal?: AbortSignal): Promise<FetchedManifest | undefined>;
  /** What the registry says of a tag or digest; undefined where there is none. `access` as for hasBlob(), but `pull` by default. */
  headManifest(reference: string, signal?: AbortSignal, access?: 'pull' | 'pull,push'): Promise<ManifestHead | undefined>;
  /** Stores a manifest under a tag or its digest. Retries are safe. */
  putManifest(reference: string, mediaType: string, bytes: Uint8Array, signal?: AbortSignal): Promise<StoredManifest>;
  /** All tags, asked for `pageSize` at a time; empty where the repository does not exist. */
  listTags(pageSize?: number): Promise<string[]>;
  /** Manifests whose subject is `digest`; by the referrers API or, without one, its fallback tag. */
  listReferrers(digest: string, artifactType?: string): Promise<Descriptor[]>;
  /** Stores a manifest with a subject so that listReferrers() finds it. */
  putReferrer(digest: string, bytes: Uint8Array): Promise<StoredManifest>;
}

/** A client. Connections are opened when they are needed and kept until close(). */
export interface RegistryClient {
  repository(name: RepositoryName): Repository;
  /** Where the credentials of a repository come from, and every place that was looked at; never a secret. */
  explainCredentials(name: RepositoryName): Promise<Pick<FoundCredential, 'source' | 'steps'>>;
  /** Ends all connections; a process with an open client still ends by itself. */
  close(): Promise<void>;
}

/** Makes a client. Nothing is read or loaded before its first request. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { environment } = options;
  const clock = options.clock ?? systemClock;
  const resolve = options.resolveHost ?? resolveHost;
  const emit = options.events ?? (() => undefined);
  const insecure: ReadonlySet<string> = options.insecure instanceof Set ? options.insecure : new Set(options.insecure);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const backoff = createBackoff({ ...DEFAULT_RETRY_POLICY, ...options.retry }, clock);
  const dispatchers = createDispatchers(environment);
  const wire = createWireTransport(dispatchers, options.userAgent ?? 'ocidsl', resolve, { ...DEFAULT_TIMEOUTS, ...options.timeouts });
  const plain = createRedirectingTransport(createRetryingTransport(createWarningTransport(wire, emit), backoff), resolve);
  const credentials = createCredentialStore(environment, emit);
  const authorities = new Map<string, RegistryAuthority>();

  const authorityOf = (registry: string): RegistryAuthority => {
    let authority = authorities.get(registry);
    if (authority === undefined) {
      const origin = originOfRegistry(registry, insecure);
      const trustedRealms = parseTrustedRealms(environment['OCIDSL_TRUSTED_REALMS'], registry);
      authority = { origin, registry, tokens: createTokenSource({ registry: origin, send: plain, clock, resolve, trustedRealms }) };
      authorities.set(registry, authority);
    }
    return authority;
  };

  return {
    repository(name) {
      const authority = authorityOf(name.registry);
      const send = createAuthorizingTransport(plain, authority, () => credentials.find(name));
      const context: RepositoryContext = { name, origin: authority.origin, send, backoff, clock, limits, emit, resolve };
      return {
        registry: name.registry,
        repository: name.repository,
        hasBlob: (blob, signal, access) => hasBlob(context, blob.digest, blob.size, signal, access),
        putBlob: (blob, mountFrom) => putBlob(context, blob, mountFrom),
        readBlob: (blob, signal, offset) => readBlob(context, blob, signal, offset),
        getManifest: (reference, signal) => getManifest(context, reference, signal),
        headManifest: (reference, signal, access) => headManifest(context, reference, signal, access),
        putManifest: (reference, mediaType, bytes, signal) => putManifest(context, reference, mediaType, bytes, signal),
        listTags: (pageSize) => listTags(context, pageSize),
        listReferrers: (digest, artifactType) => listReferrers(context, digest, artifactType),
        putReferrer: (digest, bytes) => putReferrer(context, bytes, digest),
      };
    },
    explainCredentials: (name) => credentials.explain(name),
    close: () => dispatchers.close(),
  };
}
