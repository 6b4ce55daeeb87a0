// For discoverers that do not fetch: reaching for the network is a failure.
import type { FetchContext } from '../../lib/fetch/fetch-context.ts';
import { MemoryCas } from '../../lib/store/memory-cas.ts';

export const NO_NETWORK: FetchContext = {
  cas: new MemoryCas(),
  registry: async () => {
    throw new Error('Nothing here may reach the network');
  },
  environment: {},
  cacheDirectory: '/nonexistent',
  emit: () => undefined,
};
