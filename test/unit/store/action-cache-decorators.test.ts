import { describe, expect, test } from 'vitest';
import { encodeTree } from '../../../lib/action/tree.ts';
import { digestOf } from '../../../lib/base/digest.ts';
import { CompletenessCheckingActionCache } from '../../../lib/store/completeness-checking-action-cache.ts';
import { MemoryActionCache } from '../../../lib/store/memory-action-cache.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { ReadOnlyActionCache } from '../../../lib/store/read-only-action-cache.ts';
import { actionCacheConformance, sampleResult } from '../../conformance/action-cache.ts';
import type { ActionResult } from '../../../lib/action/action-result.ts';
import type { Directory } from '../../../lib/action/directory.ts';
import type { Digest } from '../../../lib/base/digest.ts';

const action = digestOf(Buffer.from('action'));

describe('CompletenessCheckingActionCache', () => {
  const open = () => {
    const cas = new MemoryCas();
    return { cas, actionCache: new CompletenessCheckingActionCache(new MemoryActionCache(), cas) };
  };
  actionCacheConformance(open);

  /** A result with one output directory that has one file in a child directory. */
  async function treeResult(cas: MemoryCas, file: Digest, tree?: Digest): Promise<ActionResult> {
    const child: Directory = { files: [{ name: 'f', digest: file, isExecutable: false }], directories: [], symlinks: [] };
    const root: Directory = { files: [], directories: [{ name: 'd', digest: digestOf(Buffer.from('any')) }], symlinks: [] };
    const treeDigest = tree ?? (await cas.write(encodeTree({ root, children: [child] })));
    return { ...(await sampleResult(cas, 'x')), outputDirectories: [{ path: 'dir', treeDigest }] };
  }

  test('returns a result whose tree and files are all there', async () => {
    const { cas, actionCache } = open();
    const result = await treeResult(cas, await cas.write(Buffer.from('file')));
    await actionCache.updateActionResult(action, result);
    expect(await actionCache.getActionResult(action)).toEqual(result);
  });

  const gone = digestOf(Buffer.from('gone'));
  test.each<[string, (cas: MemoryCas) => Promise<ActionResult>]>([
    [
      'an output file',
      async (cas) => ({ ...(await sampleResult(cas, 'x')), outputFiles: [{ path: 'f', digest: gone, isExecutable: false }] }),
    ],
    ['a tree', (cas) => treeResult(cas, gone, gone)],
    ['a file of a tree', (cas) => treeResult(cas, gone)],
    ['a tree that is no Tree', async (cas) => treeResult(cas, gone, await cas.write(Buffer.from('no tree')))],
  ])('a result without %s is a miss', async (_, make) => {
    const { cas, actionCache } = open();
    await actionCache.updateActionResult(action, await make(cas));
    expect(await actionCache.getActionResult(action)).toBeUndefined();
  });

  test('a store that does not answer is a failure, not a miss', async () => {
    class Broken extends MemoryCas {
      override findMissing(): Promise<Digest[]> {
        return Promise.reject(new Error('no answer'));
      }
    }
    const inner = new MemoryActionCache();
    await inner.updateActionResult(action, await sampleResult(new MemoryCas(), 'x'));
    await expect(new CompletenessCheckingActionCache(inner, new Broken()).getActionResult(action)).rejects.toThrow('no answer');
  });
});

test('ReadOnlyActionCache gives hits and drops updates', async () => {
  const [inner, cas] = [new MemoryActionCache(), new MemoryCas()];
  const result = await sampleResult(cas, 'first');
  await inner.updateActionResult(action, result);
  const readOnly = new ReadOnlyActionCache(inner);
  await readOnly.updateActionResult(action, await sampleResult(cas, 'second'));
  expect(await readOnly.getActionResult(action)).toEqual(result);
});
