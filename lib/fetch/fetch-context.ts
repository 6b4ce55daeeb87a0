// What the parts of a command that reach the network work with.
import type { EventListener } from '../base/events.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { ContentAddressableStorage } from '../store/content-addressable-storage.ts';

/** For discoverers that fetch: content goes into the store by digest, and nothing else of it is remembered. */
export interface FetchContext {
  readonly cas: ContentAddressableStorage;
  /** The one registry client of the command, made when it is first needed. */
  readonly registry: () => Promise<RegistryClient>;
  /** The user's whole environment: proxies, certificates, GOPROXY. It says how something is fetched and never what. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the cache. */
  readonly cacheDirectory: string;
  readonly emit: EventListener;
}
