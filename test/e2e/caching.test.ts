// What runs again after which change: exactly what must, and never a stale result.
import { chmodSync, readFileSync, renameSync, rmSync, statSync, truncateSync, unlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { filesBelow, stracesWell, temporaryFolder } from './machine.ts';
import { workspace } from './rig.ts';
import { build, cachePath, TAR } from './counted-build.ts';

describe('a second build', () => {
  it('runs no action, says so, and gives the same results', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    expect(first.actions).toBe(3);
    const again = await build(ws);
    expect(again.actions).toBe(0);
    expect(again.rows).toEqual(first.rows);
  });

  it('after a touch runs no action', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    utimesSync(ws.path('a.txt'), new Date(), new Date());
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });

  it('after a rewrite with the same bytes runs no action', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    ws.write({ 'a.txt': 'a\n', 'build.config.ts': TAR['build.config.ts'] });
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });

  it('without ocidsl-out makes it again without an action', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    const before = filesBelow(ws.path('ocidsl-out'));
    rmSync(ws.path('ocidsl-out'), { recursive: true });
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
    expect(filesBelow(ws.path('ocidsl-out'))).toEqual(before);
  });

  it('mends an output that somebody changed', async () => {
    const ws = workspace(TAR);
    await build(ws);
    const before = ws.read('ocidsl-out/layer.tar');
    rmSync(ws.path('ocidsl-out/layer.tar'));
    ws.write({ 'ocidsl-out/layer.tar': 'something else' });
    unlinkSync(ws.path('ocidsl-out/image/index.json'));
    expect(await build(ws)).toMatchObject({ actions: 0 });
    expect(ws.read('ocidsl-out/layer.tar')).toBe(before);
    expect(JSON.parse(ws.read('ocidsl-out/image/index.json'))).toHaveProperty('manifests');
  });

  it('without the snapshot gives the same without an action', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    rmSync(cachePath(ws, 'workspaces'), { recursive: true });
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });

  it.skipIf(!stracesWell())('in another environment reads no source again (needs strace)', async () => {
    const ws = workspace(TAR);
    await build(ws);
    // A file that is as new as its record could change unseen: those are read once more.
    await sleep(100);
    rmSync(ws.path('ocidsl-out'), { recursive: true });
    await build(ws);
    const folder = temporaryFolder();
    const trace = join(folder, 'trace');
    const under = ['strace', '-f', '-qqq', '-e', 'trace=open,openat', '-o', trace];
    const again = await ws.ocidsl(['build'], { under, env: { TMPDIR: folder } });
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('no action was run') as string });
    const opened = readFileSync(trace, 'utf8');
    expect(opened).toContain('/snapshot"');
    expect(opened).not.toContain('/a.txt"');
  });

  it('with a damaged snapshot gives the same without an action', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    for (const file of filesBelow(cachePath(ws, 'workspaces'))) {
      const size = statSync(file).size;
      chmodSync(file, 0o600);
      truncateSync(file, Math.floor(size / 2));
    }
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });
});

describe('a change', () => {
  it('of one source runs what uses it', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'one', srcs: ['one.txt'] });\npkgTar({ name: 'two', srcs: ['two.txt'] });\n`,
      'one.txt': '1',
      'two.txt': '2',
    });
    const first = await build(ws);
    ws.write({ 'two.txt': '2!' });
    const second = await build(ws);
    expect(second.lines).toEqual(['Packing two']);
    expect(second.digests['one ocidsl-out/one.tar']).toBe(first.digests['one ocidsl-out/one.tar']);
    expect(second.digests['two ocidsl-out/two.tar']).not.toBe(first.digests['two ocidsl-out/two.tar']);
  });

  it('of the same size is noticed', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    ws.write({ 'a.txt': 'z\n' });
    expect((await build(ws)).digests).not.toEqual(first.digests);
  });

  it('that keeps size and times is noticed', async () => {
    const ws = workspace(TAR);
    const { atime, mtime } = statSync(ws.path('a.txt'));
    const first = await build(ws);
    ws.write({ 'new.txt': 'y\n' });
    utimesSync(ws.path('new.txt'), atime, mtime);
    renameSync(ws.path('new.txt'), ws.path('a.txt'));
    expect((await build(ws)).digests).not.toEqual(first.digests);
  });

  it.each<[what: string, path: string, isNoticed: boolean, toRemove?: string]>([
    ['a file that a glob matches', 'data/new.txt', true],
    ['a file that a glob does not match', 'data/new.md', false],
    ['a file in a source folder', 'folder/deep/new.txt', true, 'folder/deep'],
    ['a file that nothing names', 'elsewhere.txt', false],
  ])('that adds %s', async (_, path, isNoticed, toRemove = path) => {
    const ws = workspace(TAR);
    const first = await build(ws);
    ws.write({ [path]: 'new' });
    const second = await build(ws);
    expect(second.actions > 0).toBe(isNoticed);
    if (isNoticed) expect(second.digests).not.toEqual(first.digests);
    else expect(second.digests).toEqual(first.digests);
    rmSync(ws.path(toRemove), { recursive: true });
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });

  it('that removes a source is an error, and undoing it runs nothing', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    renameSync(ws.path('a.txt'), ws.path('away.txt'));
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).toContain('"a.txt"');
    expect(run.code).toBe(2);
    renameSync(ws.path('away.txt'), ws.path('a.txt'));
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });

  it('of the executable bit runs nothing, since the target says the mode', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    chmodSync(ws.path('a.txt'), 0o640);
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });

  it('of an attribute runs exactly that', async () => {
    const ws = workspace(TAR);
    await build(ws);
    ws.write({ 'build.config.ts': TAR['build.config.ts'].replace('tars: [layer]', "tars: [layer], user: '1000'") });
    expect((await build(ws)).lines).toEqual(['Making image image for linux/amd64']);
  });

  it('of comments in the config runs nothing', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    ws.write({ 'build.config.ts': `// A comment.\n\n${TAR['build.config.ts']}` });
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });

  it('between builds of two targets that share it is seen by both', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'one', srcs: ['shared.txt'] });\npkgTar({ name: 'two', srcs: ['shared.txt'] });\n`,
      'shared.txt': 'old',
    });
    const old = await build(ws, 'one');
    ws.write({ 'shared.txt': 'new' });
    const two = await build(ws, 'two');
    const one = await build(ws, 'one');
    expect(one.digests['one ocidsl-out/one.tar']).not.toBe(old.digests['one ocidsl-out/one.tar']);
    expect(one.digests['one ocidsl-out/one.tar']).toBe(two.digests['two ocidsl-out/two.tar']);
  });

  it('and back gives the first result without an action', async () => {
    const ws = workspace(TAR);
    const first = await build(ws);
    ws.write({ 'a.txt': 'other\n' });
    await build(ws);
    ws.write({ 'a.txt': 'a\n' });
    expect(await build(ws)).toMatchObject({ actions: 0, digests: first.digests });
  });

  it('of the platform and back runs nothing the second time', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar, select } from 'ocidsl';\npkgTar({ name: 'a', emptyFiles: select({ 'linux/arm64': ['arm'], default: ['x'] }) });\n`,
    });
    const amd = await build(ws, '--platform', 'linux/amd64');
    await build(ws, '--platform', 'linux/arm64');
    expect(await build(ws, '--platform', 'linux/amd64')).toMatchObject({ actions: 0, digests: amd.digests });
  });
});
