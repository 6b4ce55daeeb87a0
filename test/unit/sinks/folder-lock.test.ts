import { spawnSync } from 'node:child_process';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownIdentity, parseProcessIdentity, processState } from '../../../lib/base/process-identity.ts';
import { lockFolder } from '../../../lib/sinks/folder-lock.ts';
import { temporaryFolder } from './layout-rig.ts';

/** An identity of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

describe('lockFolder()', () => {
  it('lets one at a time in, and leaves nothing', async () => {
    const folder = await temporaryFolder();
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        const unlock = await lockFolder({ path: join(folder, 'lock') });
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 1));
        inside--;
        await unlock();
      }),
    );
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('names its owner', async () => {
    const path = join(await temporaryFolder(), 'lock');
    const unlock = await lockFolder({ path });
    expect(parseProcessIdentity(JSON.parse(await readFile(path, 'utf8')) as never)).toEqual(ownIdentity());
    await unlock();
  });

  it('gives up on an owner that is alive', async () => {
    const path = join(await temporaryFolder(), 'lock');
    const unlock = await lockFolder({ path });
    await expect(lockFolder({ path, waitMs: 30 })).rejects.toThrow(
      expect.objectContaining({
        code: 'OCIDSL_FOLDER_LOCKED',
        kind: 'environment',
        message: expect.stringContaining(`process ${process.pid} on`) as string,
      }) as Error,
    );
    await unlock();
    await (
      await lockFolder({ path, waitMs: 30 })
    )();
  });

  it('can be aborted while it waits', async () => {
    const path = join(await temporaryFolder(), 'lock');
    const unlock = await lockFolder({ path });
    await expect(lockFolder({ path, signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    await expect(lockFolder({ path, signal: controller.signal })).rejects.toThrow('aborted');
    await unlock();
  });

  it.each<[string, () => string]>([
    ['a dead owner', () => JSON.stringify({ ...ownIdentity(), pid: deadPid() })],
    ['an owner whose pid is another process now', () => JSON.stringify({ ...ownIdentity(), pid: 1, start: '1' })],
    ['an owner before the last boot', () => JSON.stringify({ ...ownIdentity(), boot: 'earlier' })],
  ])('takes over from %s, by one of several at a time', async (_, content) => {
    const folder = await temporaryFolder();
    const path = join(folder, 'lock');
    await writeFile(path, content());
    let inside = 0;
    const takers = Array.from({ length: 5 }, async () => {
      const unlock = await lockFolder({ path, waitMs: 2000 });
      expect(++inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside--;
      await unlock();
    });
    await Promise.all(takers);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each<[string, () => string, number, boolean]>([
    ['a new lock without an owner', () => '', 0, false],
    ['an old lock without an owner', () => 'x', 60, true],
    ['a lock of another machine', () => JSON.stringify({ ...ownIdentity(), host: 'elsewhere' }), 60, false],
    ['a lock of another machine after an hour', () => JSON.stringify({ ...ownIdentity(), host: 'elsewhere' }), 3700, true],
  ])('%s', async (_, content, ageSeconds, isTaken) => {
    const path = join(await temporaryFolder(), 'lock');
    await writeFile(path, content());
    const then = Date.now() / 1000 - ageSeconds;
    await utimes(path, then, then);
    const taken = await lockFolder({ path, waitMs: 30 }).then(
      async (unlock) => {
        await unlock();
        return true;
      },
      () => false,
    );
    expect(taken).toBe(isTaken);
  });

  it("does not remove another's lock when it gives back its own", async () => {
    const path = join(await temporaryFolder(), 'lock');
    const unlock = await lockFolder({ path });
    await writeFile(path, 'somebody else');
    await unlock();
    expect(await readFile(path, 'utf8')).toBe('somebody else');
  });

  it('fails in a folder that does not exist', async () => {
    await expect(lockFolder({ path: join(await temporaryFolder(), 'gone', 'lock') })).rejects.toThrow(
      expect.objectContaining({ kind: 'environment' }) as Error,
    );
  });
});

describe('processState()', () => {
  it('knows itself, the dead, and what it cannot see', () => {
    expect(processState(ownIdentity())).toBe('alive');
    expect(processState({ ...ownIdentity(), pid: deadPid() })).toBe('dead');
    expect(processState({ ...ownIdentity(), host: 'elsewhere' })).toBe('unknown');
    expect(processState({ ...ownIdentity(), namespace: 'pid:[1]' })).toBe('unknown');
  });
  it.each([null, [], {}, { pid: 0 }, { ...ownIdentity(), pid: 'x' }, { ...ownIdentity(), host: 1 }])(
    'refuses %j as an identity',
    (value) => {
      expect(parseProcessIdentity(value as never)).toBeUndefined();
    },
  );
});
