// The cache between builds: it heals whatever is deleted or damaged in it, and is shared by workspaces and by builds at once.
import { appendFileSync, chmodSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesBelow, temporaryFolder } from './machine.ts';
import { workspace, type Workspace } from './rig.ts';
import { build, cachePath, TAR } from './counted-build.ts';

describe('the store', () => {
  const stored = (ws: Workspace, folder: 'ac' | 'cas') => filesBelow(cachePath(ws, 'v1', folder));

  it.each(['ac', 'cas'] as const)('heals when everything in %s is deleted', async (folder) => {
    const ws = workspace(TAR);
    const first = await build(ws);
    rmSync(cachePath(ws, 'v1', folder), { recursive: true });
    rmSync(ws.path('ocidsl-out'), { recursive: true });
    expect(await build(ws)).toMatchObject({ digests: first.digests });
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });

  it('heals when any one file of it is deleted', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    const files = [...stored(ws, 'ac'), ...stored(ws, 'cas')];
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      unlinkSync(file);
      rmSync(ws.path('ocidsl-out'), { recursive: true });
      expect((await build(ws)).digests, file).toEqual(first.digests);
    }
  });

  it.each([
    ['cut short', (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ['longer', (file: string) => appendFileSync(file, 'x')],
    ['of other bytes', (file: string) => writeFileSync(file, Buffer.alloc(statSync(file).size, 7))],
    ['empty', (file: string) => truncateSync(file, 0)],
  ])('heals when its files are %s', async (_, damage) => {
    const ws = workspace(TAR);
    const first = await build(ws);
    rmSync(ws.path('ocidsl-out'), { recursive: true });
    for (const file of [...stored(ws, 'ac'), ...stored(ws, 'cas')]) {
      chmodSync(file, 0o600);
      damage(file);
    }
    expect((await build(ws)).digests).toEqual(first.digests);
    for (const file of filesBelow(ws.path('ocidsl-out/image/blobs'))) expect(statSync(file).size).toBeGreaterThan(10);
    expect(ws.leftovers().filter((path) => !path.includes('corrupt'))).toEqual([]);
  });

  it('is shared by workspaces', async () => {
    const cache = join(temporaryFolder(), 'cache');
    const one = await build(workspace(TAR, { cache }));
    const two = await build(workspace(TAR, { cache }));
    expect(one.actions).toBe(3);
    expect(two).toMatchObject({ actions: 0, digests: one.digests });
  });

  it('is shared by builds at the same time, in one workspace and in several', async () => {
    const cache = join(temporaryFolder(), 'cache');
    const spaces = [workspace(TAR, { cache }), workspace(TAR, { cache })];
    const all = await Promise.all([...spaces, ...spaces].map(async (ws) => await ws.build()));
    const [first] = all;
    for (const rows of all) expect(rows).toEqual(first);
    for (const ws of spaces) {
      expect(ws.leftovers()).toEqual([]);
      expect((await build(ws)).actions).toBe(0);
    }
  });

  it('lives with a cache folder that is emptied while nothing runs', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    for (const name of readdirSync(ws.cache)) rmSync(join(ws.cache, name), { recursive: true });
    mkdirSync(cachePath(ws), { mode: 0o700 });
    expect(await build(ws)).toMatchObject({ digests: first.digests });
  });
});
