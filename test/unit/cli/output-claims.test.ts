import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OutputClaims, OutputFolders } from '../../../lib/cli/outputs.ts';
import { folderOf, put } from '../engine/rig.ts';

/** What is said when `paths` are claimed in order, each by a target named for its place in the list. */
function claim(...paths: string[]): string {
  const claims = new OutputClaims();
  try {
    paths.forEach((path, i) => claims.claim(path, `t${i}`));
    return 'no conflict';
  } catch (error) {
    expect(error).toMatchObject({ code: 'OCIDSL_OUTPUT_CONFLICT', kind: 'config' });
    return (error as Error).message;
  }
}

describe('OutputClaims', () => {
  test.each<[string[], string]>([
    [['/o/a', '/o/b'], 'no conflict'],
    [['/o/a', '/o/ab', '/o/a.b', '/o/A'], 'no conflict'],
    [['/o/d/a', '/o/d/b', '/o/d/e/c'], 'no conflict'],
    [['/o/a', '/o/a'], 'Cannot write the output of "t1" to "/o/a": "t0" writes there too'],
    [['/o/a', '/o/a/b'], 'Cannot write the output of "t1" to "/o/a/b": "t0" writes there too'],
    [['/o/a/b/c', '/o/x', '/o/a'], 'Cannot write the output of "t2" to "/o/a": "t0" writes there too'],
    [['/o/x', '/o/a/b', '/o/a/b/c/d'], 'Cannot write the output of "t2" to "/o/a/b/c/d": "t1" writes there too'],
  ])('%j: %s', (paths, result) => expect(claim(...paths)).toBe(result));
});

test('OutputFolders make each folder once, and need nothing to have been made', async () => {
  await new OutputFolders().sync();
  const root = folderOf();
  const folders = new OutputFolders();
  await Promise.all([folders.prepare(join(root, 'a/b')), folders.prepare(join(root, 'a/b')), folders.prepare(join(root, 'c'))]);
  expect(readdirSync(root).sort()).toEqual(['a', 'c']);
  await folders.sync();
  put(root, 'file', '');
  await expect(folders.prepare(join(root, 'file'))).rejects.toMatchObject({ kind: 'environment' });
});
