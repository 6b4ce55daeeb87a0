// The network of one command: a registry client, made when something first needs it. Most builds need none.
import type { EventListener } from '../base/events.ts';
import type { RegistryClient } from '../registry/client.ts';

/** What reaches the network for a command. */
export interface Network {
  /** The one registry client of the command. */
  readonly registry: () => Promise<RegistryClient>;
  close(): Promise<void>;
}

/** Registries in `insecure` are reached by plain HTTP. */
export function createNetwork(
  environment: Readonly<Record<string, string | undefined>>,
  emit: EventListener,
  insecure: readonly string[] = [],
): Network {
  let client: Promise<RegistryClient> | undefined;
  return {
    registry: () =>
      (client ??= import('../registry/client.ts').then(({ createRegistryClient }) =>
        createRegistryClient({ environment, insecure, events: emit }),
      )),
    close: async () => await (await client)?.close(),
  };
}
