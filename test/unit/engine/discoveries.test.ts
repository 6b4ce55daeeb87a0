import { describe, expect, test, vi } from 'vitest';
import { createDiscoveries } from '../../../lib/engine/discoveries.ts';
import { FileIndex } from '../../../lib/engine/file-index.ts';
import type { DiscoveryRecord, PathRecord } from '../../../lib/engine/snapshot.ts';
import type { Discovered } from '../../../lib/plan/discovery.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import type { Discoverer } from '../../../lib/plan/discoverer.ts';
import { folderOf, NEVER, put } from './rig.ts';

const DISCOVERY = { discoverer: 'fake', args: { what: 'x' } };
const RESULT: Discovered = { files: [{ name: 'a', path: 'a' }], watched: ['d'], facts: { answer: 1 } };

interface RigOptions {
  readonly known?: readonly DiscoveryRecord[];
  readonly paths?: readonly PathRecord[];
  readonly discoverer?: Partial<Discoverer>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly cas?: MemoryCas;
  readonly recover?: (error: unknown) => Promise<boolean>;
}

function rigIn(root: string, options: RigOptions = {}) {
  const run = vi.fn<Discoverer['run']>(options.discoverer?.run ?? (async () => RESULT));
  const discoverer: Discoverer = { name: 'fake', version: '1', environment: ['USED'], ...options.discoverer, run };
  const files = new FileIndex(root, options.paths);
  const discoveries = createDiscoveries({
    workspaceRoot: root,
    files,
    cas: options.cas ?? new MemoryCas(),
    environment: { USED: '1', UNUSED: '2', ...options.environment },
    known: options.known ?? [],
    loadDiscoverer: async () => discoverer,
    recover: options.recover ?? (async () => false),
  });
  return { run, files, discoveries, find: () => discoveries.find(DISCOVERY, NEVER) };
}

/** A folder after a build that made the discovery, and what that build left. */
async function built() {
  const root = folderOf({ a: '1', 'd/x': '' });
  const { discoveries, find } = rigIn(root);
  await find();
  // As if the files had been written long before.
  const files = new FileIndex(root);
  files.lookSince(['a', 'd'], Date.now() + 3_600_000);
  return { root, known: discoveries.records(), paths: [files.record('a'), files.record('d')] };
}

describe('discoveries', () => {
  test('are run once for each question of a build, with the variables that they declare and no other', async () => {
    const { run, discoveries, find } = rigIn(folderOf({ a: '' }));
    expect(await Promise.all([find(), find()])).toEqual([RESULT, RESULT]);
    await find();
    expect(run).toHaveBeenCalledOnce();
    expect(run.mock.calls[0]![1].environment).toEqual({ USED: '1' });
    await discoveries.find({ ...DISCOVERY, args: { what: 'y' } }, NEVER);
    expect(run).toHaveBeenCalledTimes(2);
  });

  test('are remembered from build to build while nothing that they read has changed', async () => {
    const before = await built();
    const { run, discoveries, find } = rigIn(before.root, before);
    expect(await find()).toEqual(RESULT);
    expect(run).not.toHaveBeenCalled();
    expect(discoveries.records()).toEqual(before.known);
  });

  test('are not remembered of builds whose files were too fresh to be trusted', async () => {
    const before = await built();
    const { run, find } = rigIn(before.root, {
      ...before,
      paths: before.paths.map(({ path, hash }) => ({ path, hash: path === 'd' ? undefined : hash, fingerprint: undefined })),
    });
    await find();
    expect(run).toHaveBeenCalledOnce();
  });

  test.each<[string, (root: string) => void]>([
    ['a file that it found', (root) => put(root, 'a', '22')],
    ['a folder that it watched', (root) => put(root, 'd/new', '')],
  ])('are run again when %s changes', async (_, change) => {
    const before = await built();
    change(before.root);
    const { run, find } = rigIn(before.root, before);
    await find();
    expect(run).toHaveBeenCalledOnce();
  });

  test.each<[string, RigOptions]>([
    ['another version', { discoverer: { version: '2' } }],
    ['another value of a variable that it declares', { environment: { USED: '3' } }],
  ])('are run again for %s', async (_, options) => {
    const before = await built();
    const { run, find } = rigIn(before.root, { ...before, ...options });
    await find();
    expect(run).toHaveBeenCalledOnce();
  });

  test('are not run again for another value of any other variable', async () => {
    const before = await built();
    const { run, find } = rigIn(before.root, { ...before, environment: { UNUSED: '3' } });
    await find();
    expect(run).not.toHaveBeenCalled();
  });

  describe('may say themselves that a changed file does not matter', () => {
    const updated: Discovered = { ...RESULT, facts: { answer: 2 } };

    test('and are asked with the changed paths, before they are run', async () => {
      const before = await built();
      put(before.root, 'a', '22');
      const stillValid = vi.fn<NonNullable<Discoverer['stillValid']>>(async () => updated);
      const { run, discoveries, find } = rigIn(before.root, { ...before, discoverer: { stillValid } });
      expect(await find()).toEqual(updated);
      expect(stillValid.mock.calls[0]!.slice(0, 2)).toEqual([RESULT, ['a']]);
      expect(run).not.toHaveBeenCalled();
      expect(discoveries.records()).toEqual([{ id: before.known[0]!.id, result: updated }]);
    });

    test('or that it does', async () => {
      const before = await built();
      put(before.root, 'a', '22');
      const { run, find } = rigIn(before.root, { ...before, discoverer: { stillValid: async () => undefined } });
      await find();
      expect(run).toHaveBeenCalledOnce();
    });

    test('but not when a watched folder changed', async () => {
      const before = await built();
      put(before.root, 'd/new', '');
      const stillValid = vi.fn<NonNullable<Discoverer['stillValid']>>(async () => updated);
      const { run, find } = rigIn(before.root, { ...before, discoverer: { stillValid } });
      await find();
      expect([stillValid.mock.calls.length, run.mock.calls.length]).toEqual([0, 1]);
    });
  });

  describe('that fail', () => {
    const failing = (times: number): Discoverer['run'] => {
      let left = times;
      return async () => {
        if (left-- > 0) throw new Error(`failure, ${left} left`);
        return RESULT;
      };
    };

    test('are tried once more where the cause could be removed', async () => {
      const recover = vi.fn(async () => true);
      const { run, find } = rigIn('/', { discoverer: { run: failing(1) }, recover });
      expect(await find()).toEqual(RESULT);
      expect([run.mock.calls.length, recover.mock.calls.length]).toEqual([2, 1]);
      await expect(rigIn('/', { discoverer: { run: failing(2) }, recover }).find()).rejects.toThrow('failure, 0 left');
    });

    test('fail for all who asked, and are not remembered', async () => {
      const { run, discoveries, find } = rigIn('/', { discoverer: { run: failing(9) } });
      const results = await Promise.allSettled([find(), find()]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect(run).toHaveBeenCalledOnce();
      expect(discoveries.records()).toEqual([]);
    });
  });

  test('do not trust a file that changed while they ran', async () => {
    const root = folderOf({ a: '1', 'd/x': '' });
    const { files, find } = rigIn(root, {
      discoverer: {
        run: async () => {
          put(root, 'a', 'changed');
          return RESULT;
        },
      },
    });
    await find();
    expect(files.record('a').fingerprint).toBeUndefined();
  });

  test('do not start when the build was stopped', async () => {
    const { run, discoveries } = rigIn('/');
    await expect(discoveries.find(DISCOVERY, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    expect(run).not.toHaveBeenCalled();
  });
});
