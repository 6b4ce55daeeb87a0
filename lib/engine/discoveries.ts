// Runs discoveries and remembers them between builds.
import { canonicalJson } from '../base/json.ts';
import { createLimiter } from '../base/limiter.ts';
import type { Discovered, Discovery } from '../plan/discovery.ts';
import type { ContentAddressableStorage } from '../store/content-addressable-storage.ts';
import type { Discoverer } from '../plan/discoverer.ts';
import type { FileIndex } from './file-index.ts';
import type { DiscoveryRecord } from './snapshot.ts';

/** What running discoveries needs. */
export interface DiscoveriesOptions {
  readonly workspaceRoot: string;
  readonly files: FileIndex;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly known: readonly DiscoveryRecord[];
  /** Where fetched content is. */
  readonly cas: Pick<ContentAddressableStorage, 'findMissing'>;
  readonly loadDiscoverer: (name: string) => Promise<Discoverer>;
  /** Called where a discovery failed; true when the cause was removed (modules were fetched) and it is worth another try. */
  readonly recover: (error: unknown, signal: AbortSignal) => Promise<boolean>;
}

/** Discoveries of a build. */
export interface Discoveries {
  /** The result of a discovery: remembered where nothing that it read has changed. */
  find(discovery: Discovery, signal: AbortSignal): Promise<Discovered>;
  /** Those that are valid now, for the next build. */
  records(): DiscoveryRecord[];
}

// Discoverers start processes (go list): as many as keep two platforms of a few binaries going.
const AT_A_TIME = 4;

/** Makes the discoveries of a build. */
export function createDiscoveries(options: DiscoveriesOptions): Discoveries {
  const known = new Map(options.known.map((record) => [record.id, record.result]));
  const running = new Map<string, Promise<Discovered>>();
  const limit = createLimiter(AT_A_TIME);
  const { files } = options;

  const isStored = async ({ blobs = [] }: Discovered): Promise<boolean> =>
    blobs.length === 0 || (await options.cas.findMissing(blobs.map(({ digest }) => digest))).length === 0;

  const find = async (
    discovery: Discovery,
    id: string,
    discoverer: Discoverer,
    environment: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal,
  ): Promise<Discovered> => {
    const io = { workspaceRoot: options.workspaceRoot, environment, signal };
    const before = known.get(id);
    if (before !== undefined && before.watched.every((path) => files.isUnchanged(path)) && (await isStored(before))) {
      const changed = before.files.filter(({ path }) => !files.isUnchanged(path)).map(({ path }) => path);
      if (changed.length === 0) return before;
      const still = await discoverer.stillValid?.(before, changed, io);
      if (still !== undefined) return still;
    }
    return await limit(async () => {
      signal.throwIfAborted();
      const run = async () => {
        const started = Date.now();
        const result = await discoverer.run(discovery.args, io);
        files.lookSince([...result.watched, ...result.files.map(({ path }) => path)], started);
        return result;
      };
      try {
        return await run();
      } catch (error) {
        if (!(await options.recover(error, signal))) throw error;
        return await run();
      }
    });
  };

  return {
    async find(discovery, signal) {
      const discoverer = await options.loadDiscoverer(discovery.discoverer);
      const environment = Object.fromEntries(discoverer.environment.map((name) => [name, options.environment[name]]));
      const id = canonicalJson([discoverer.name, discoverer.version, discovery.args, environment]);
      let result = running.get(id);
      if (result === undefined) {
        result = find(discovery, id, discoverer, environment, signal);
        running.set(id, result);
        result.then(
          (found) => known.set(id, found),
          () => known.delete(id),
        );
      }
      return await result;
    },
    records: () => [...running.keys()].flatMap((id) => (known.has(id) ? [{ id, result: known.get(id)! }] : [])),
  };
}
