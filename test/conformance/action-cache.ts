// What every ActionCache has to do. Called inside a describe() with a factory of empty caches.
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../lib/base/digest.ts';
import { HOSTILE_HASHES } from './content-addressable-storage.ts';
import type { ActionResult } from '../../lib/action/action-result.ts';
import type { ActionCache } from '../../lib/store/action-cache.ts';
import type { ContentAddressableStorage } from '../../lib/store/content-addressable-storage.ts';

/** A cache and the store in which its results' blobs are looked for. */
export interface ActionCacheUnderTest {
  readonly actionCache: ActionCache;
  readonly cas: ContentAddressableStorage;
}

/** A result with one file of `content`, which is stored. */
export async function sampleResult(cas: ContentAddressableStorage, content: string): Promise<ActionResult> {
  return {
    outputFiles: [{ path: 'out/file', digest: await cas.write(Buffer.from(content)), isExecutable: true }],
    outputDirectories: [],
    outputSymlinks: [{ path: 'out/link', target: 'file' }],
    exitCode: 0,
    stdout: new Uint8Array(Buffer.from('printed\n')),
    stderr: new Uint8Array([0, 255]),
  };
}

/** Defines the tests. */
export function actionCacheConformance(open: () => Promise<ActionCacheUnderTest> | ActionCacheUnderTest): void {
  const action = digestOf(Buffer.from('action'));

  test('an action that was never stored has no result', async () => {
    const { actionCache } = await open();
    expect(await actionCache.getActionResult(action)).toBeUndefined();
  });

  test('a result comes back as it was stored', async () => {
    const { actionCache, cas } = await open();
    const result = await sampleResult(cas, 'content');
    await actionCache.updateActionResult(action, result);
    expect(await actionCache.getActionResult(action)).toEqual(result);
    expect(await actionCache.getActionResult(digestOf(Buffer.from('other')))).toBeUndefined();
  });

  test('an update overwrites', async () => {
    const { actionCache, cas } = await open();
    await actionCache.updateActionResult(action, await sampleResult(cas, 'first'));
    const second = await sampleResult(cas, 'second');
    await actionCache.updateActionResult(action, second);
    expect(await actionCache.getActionResult(action)).toEqual(second);
  });

  test('updates of one action at the same time leave one of the results', async () => {
    const { actionCache, cas } = await open();
    const results = await Promise.all(Array.from({ length: 10 }, (_, i) => sampleResult(cas, `content ${i}`)));
    await Promise.all(results.map((result) => actionCache.updateActionResult(action, result)));
    expect(results).toContainEqual(await actionCache.getActionResult(action));
  });

  describe('texts that are no digest are refused', () => {
    test.each(HOSTILE_HASHES)('%j', async (hash) => {
      const { actionCache, cas } = await open();
      const refusal = { code: 'OCIDSL_DIGEST_SYNTAX' };
      await expect(actionCache.getActionResult({ hash, sizeBytes: 1 })).rejects.toMatchObject(refusal);
      await expect(actionCache.updateActionResult({ hash, sizeBytes: 1 }, await sampleResult(cas, 'a'))).rejects.toMatchObject(refusal);
    });
  });
}
