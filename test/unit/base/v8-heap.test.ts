import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectGarbageAfter } from '../../../lib/base/v8-heap.ts';
import { projectRoot } from '../../source-files.ts';

test('collectGarbageAfter() collects after work on many objects', async () => {
  const dead = new WeakRef({ text: 'unreachable' });
  // What a WeakRef points to lives as long as the job that made it.
  await new Promise((next) => setImmediate(next));
  collectGarbageAfter(20_000);
  expect(dead.deref()).toBeUndefined();
});

test('after many objects were expected, the young generation grows no more', () => {
  const grown = (expected: number) => {
    const program = `
      import { getHeapSpaceStatistics } from 'node:v8';
      import { expectObjects } from ${JSON.stringify(pathToFileURL(join(projectRoot, 'lib/base/v8-heap.ts')).href)};
      expectObjects(${expected - 1});
      expectObjects(1);
      const kept = [];
      for (let i = 0; i < 2_000_000; i++) kept.push({ i });
      console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size, kept.length);
    `;
    const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
      cwd: projectRoot,
      encoding: 'utf8',
    });
    return Number(output.split(' ')[0]);
  };
  expect(grown(5000)).toBeLessThan(grown(4999) / 2);
});
