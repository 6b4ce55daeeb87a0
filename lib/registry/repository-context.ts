// What every operation on one repository needs: where it is, how to send to it, and the limits.
import type { BuildEvent } from '../base/events.ts';
import type { OcidslError } from '../base/errors.ts';
import type { ResolveHost } from './address-rules.ts';
import type { Clock, HttpRequest, HttpResponse, Transport } from './http.ts';
import type { RepositoryName } from './reference.ts';
import { formatRepository } from './reference.ts';
import { failureError, readFailure } from './registry-failure.ts';
import type { Backoff } from './retrying-transport.ts';

/** Limits of a client, in bytes unless stated. */
export interface RegistryLimits {
  /** Largest manifest that is read. Default: 8 MiB. */
  readonly maxManifestBytes: number;
  /** Above this a manifest is pushed with a warning: registries need not take more. Default: 4 MiB. */
  readonly warnManifestBytes: number;
  /** Size of a chunk where blobs have to be sent in chunks. Default: 32 MiB. */
  readonly chunkBytes: number;
  /** The smallest chunk to try after answers of 413. Default: 1 MiB. */
  readonly minChunkBytes: number;
  /** Bytes that must pass before an attempt counts as progress. Default: 1 MiB. */
  readonly progressBytes: number;
  /** Uploads that broke off with less than this at the registry start again from zero. Default: 1 MiB. */
  readonly resumeFromBytes: number;
}

/** The defaults. */
export const DEFAULT_LIMITS: RegistryLimits = {
  maxManifestBytes: 8 << 20,
  warnManifestBytes: 4 << 20,
  chunkBytes: 32 << 20,
  minChunkBytes: 1 << 20,
  progressBytes: 1 << 20,
  resumeFromBytes: 1 << 20,
};

/** The digest and size that a descriptor gives a blob. */
export interface BlobIdentity {
  /** `sha256:<hex>` */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** One repository as its operations see it. */
export interface RepositoryContext {
  readonly name: RepositoryName;
  /** Origin of the registry. */
  readonly origin: URL;
  readonly send: Transport;
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly limits: RegistryLimits;
  readonly emit: (event: BuildEvent) => void;
  readonly resolve: ResolveHost;
}

/** The URL of `path` below `/v2/<repository>/`. Both are made of characters that need no escaping. */
export function repositoryUrl(context: RepositoryContext, path: string): URL {
  return new URL(`/v2/${context.name.repository}/${path}`, context.origin);
}

/** The token scope of a repository. Push comes with pull: registries need it for HEAD and mounts. */
export function scopeOf(repository: string, actions: 'pull' | 'pull,push'): string {
  return `repository:${repository}:${actions}`;
}

/** Sends a request with the scope for this repository. */
export function sendTo(
  context: RepositoryContext,
  actions: 'pull' | 'pull,push',
  request: HttpRequest & { readonly moreScopes?: readonly string[] },
): Promise<HttpResponse> {
  const { moreScopes, ...rest } = request;
  return context.send({ ...rest, scopes: [scopeOf(context.name.repository, actions), ...(moreScopes ?? [])] });
}

/** The repository's name in quotes, for messages. */
export function quoted(context: RepositoryContext): string {
  return `"${formatRepository(context.name)}"`;
}

/** Reads a refusal and makes it an error. */
export async function refusal(doing: string, response: HttpResponse): Promise<OcidslError> {
  return failureError(doing, await readFailure(response));
}
