// The network of one command: a registry client, made when something first needs it. Most builds need none.
import type { EventListener } from '../base/events.ts';
import type { RegistryClient } from '../registry/client.ts';

/** What reaches the network for a command. */
export interface Network {
  /** The one registry client of the command. */
  readonly registry: () => Promise<RegistryClient>;
  /** Allows registries, with port, to be reached by plain HTTP from now on. */
  allowInsecure(registries: Iterable<string>): void;
  close(): Promise<void>;
}

/** Makes the network of a command; nothing is loaded or opened yet. */
export function createNetwork(environment: Readonly<Record<string, string | undefined>>, emit: EventListener): Network {
  let client: Promise<RegistryClient> | undefined;
  const insecure = new Set<string>();
  const open = async (): Promise<RegistryClient> => {
    const { createRegistryClient } = await import('../registry/client.ts');
    return createRegistryClient({ environment, insecure, events: emit });
  };
  return {
    registry: () => (client ??= open()),
    allowInsecure(registries) {
      for (const registry of registries) insecure.add(registry);
    },
    close: async () => await (await client)?.close(),
  };
}
