import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../lib/base/digest.ts';
import { diskLayout } from '../../../lib/store/disk-layout.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { actionCacheConformance, sampleResult } from '../../conformance/action-cache.ts';
import { contentAddressableStorageConformance, sampleBytes } from '../../conformance/content-addressable-storage.ts';
import { brokenBlobs, damage, filesBelow, flipBit, temporaryFolder } from './rig.ts';
import type { BuildEvent } from '../../../lib/base/events.ts';

function rig() {
  const directory = join(temporaryFolder(), 'cache');
  const events: BuildEvent[] = [];
  const open = () => openDiskStore({ directory, onEvent: (event) => events.push(event) });
  return { directory, layout: diskLayout(directory), events, open, ...open() };
}

describe('the blob store of a cache directory', () => {
  contentAddressableStorageConformance(() => rig().cas);
});

describe('the action cache of a cache directory', () => {
  actionCacheConformance(() => rig());
});

describe('a corrupt blob', () => {
  const data = sampleBytes(300_000);
  const faults: [string, (path: string) => void][] = [
    ['truncated', (path) => damage(path, (bytes) => bytes.subarray(0, 1000))],
    ['emptied', (path) => damage(path, () => Buffer.alloc(0))],
    ['of one byte more', (path) => damage(path, (bytes) => Buffer.concat([bytes, Buffer.from('x')]))],
    ['with a changed last bit', (path) => damage(path, (bytes) => flipBit(bytes, bytes.length * 8 - 1))],
    ['that is a folder', (path) => (rmSync(path), mkdirSync(path))],
    ['that is a link to a good copy elsewhere', (path) => (renameSync(path, `${path}.moved`), symlinkSync(`${path}.moved`, path))],
    ['that is a pipe', (path) => (rmSync(path), spawnSync('mkfifo', [path]))],
  ];

  test.each(faults)('%s is found, taken out, reported and can be written again', async (_, breakIt) => {
    const { cas, layout, events, open } = rig();
    const digest = await cas.write(data);
    breakIt(layout.blob(digest));
    // Another process, which has not written the blob itself.
    const other = open().cas;
    await expect(other.readBytes(digest)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT', kind: 'integrity' });
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: 'warning', message: expect.stringContaining(digest.hash) });
    expect(await other.findMissing([digest])).toEqual([digest]);
    await expect(other.readBytes(digest)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_MISSING' });
    expect(await other.write(data)).toEqual(digest);
    expect((await cas.readBytes(digest)).equals(data)).toBe(true);
  });

  test.each(faults.slice(0, 5))('%s never leaves localPath()', async (_, breakIt) => {
    const { cas, layout } = rig();
    const digest = await cas.write(data);
    expect(await cas.localPath?.(digest)).toBe(layout.blob(digest));
    breakIt(layout.blob(digest));
    await expect(cas.localPath?.(digest)).rejects.toMatchObject({ code: expect.stringMatching(/^OCIDSL_BLOB_(CORRUPT|MISSING)$/) });
  });

  test('of which only time and content changed is found by another process, although it has the right size', async () => {
    const { cas, layout, open } = rig();
    const digest = await cas.write(data);
    const path = layout.blob(digest);
    const { atime, mtime } = statSync(path);
    damage(path, (bytes) => flipBit(bytes, 77));
    utimesSync(path, atime, mtime);
    await expect(open().cas.localPath?.(digest)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT' });
  });

  test('any one of its bits changed: no reader ever gets all of its bytes', async () => {
    const { cas, layout, open } = rig();
    const small = sampleBytes(2000);
    const digest = await cas.write(small);
    for (let bit = 0; bit < small.length * 8; bit += 61) {
      damage(layout.blob(digest), (bytes) => flipBit(bytes, bit));
      let got = 0;
      await expect(
        (async () => {
          for await (const chunk of open().cas.read(digest)) got += chunk.byteLength;
        })(),
      ).rejects.toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT' });
      // Also a reader that counts, and stops at the size without asking for more, must not take them for the blob.
      expect(got).toBeLessThan(small.length);
      await cas.write(small);
    }
    expect((await cas.readBytes(digest)).equals(small)).toBe(true);
  });

  test('that another process has put right meanwhile stays', async () => {
    const { cas, layout, open } = rig();
    const digest = await cas.write(data);
    damage(layout.blob(digest), (bytes) => flipBit(bytes, 5));
    const reader = open().cas.read(digest)[Symbol.asyncIterator]();
    await reader.next();
    rmSync(layout.blob(digest));
    await cas.write(data);
    await expect(reader.next()).rejects.toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT' });
    expect(await cas.findMissing([digest])).toEqual([]);
  });

  test('is replaced by a writer, which does not look at what is there', async () => {
    const { cas, layout } = rig();
    const digest = await cas.write(data);
    damage(layout.blob(digest), (bytes) => flipBit(bytes, 5));
    const writer = await cas.openWriter();
    await writer.write(data);
    await writer.commit();
    expect((await cas.readBytes(digest)).equals(data)).toBe(true);
  });

  test('after rm -rf of the whole directory, writes work again', async () => {
    const { cas, actionCache, directory } = rig();
    const digest = await cas.write(data);
    rmSync(directory, { recursive: true });
    expect(await cas.findMissing([digest])).toEqual([digest]);
    const result = await sampleResult(cas, 'again');
    await actionCache.updateActionResult(digest, result);
    expect(await actionCache.getActionResult(digest)).toEqual(result);
  });
});

describe('an action result', () => {
  const action = digestOf(Buffer.from('action'));

  test('with any byte changed, or cut anywhere, is a miss', async () => {
    const { actionCache, cas, layout } = rig();
    const result = await sampleResult(cas, 'content');
    await actionCache.updateActionResult(action, result);
    const path = layout.actionResult(action);
    const good = readFileSync(path);
    for (let at = 0; at < good.length; at++) {
      for (const bad of [flipBit(good, at * 8 + (at % 8)), good.subarray(0, at)]) {
        damage(path, () => bad);
        expect(await actionCache.getActionResult(action)).toBeUndefined();
      }
    }
    damage(path, () => good);
    expect(await actionCache.getActionResult(action)).toEqual(result);
  });

  test('under the name of another action is a miss', async () => {
    const { actionCache, cas, layout } = rig();
    await actionCache.updateActionResult(action, await sampleResult(cas, 'content'));
    const other = digestOf(Buffer.from('other'));
    mkdirSync(dirname(layout.actionResult(other)), { recursive: true });
    writeFileSync(layout.actionResult(other), readFileSync(layout.actionResult(action)));
    expect(await actionCache.getActionResult(other)).toBeUndefined();
  });

  test('is a miss once a blob that it names is deleted or truncated', async () => {
    const { actionCache, cas, layout } = rig();
    const result = await sampleResult(cas, 'content');
    const [file] = result.outputFiles;
    for (const harm of [(path: string) => rmSync(path), (path: string) => damage(path, () => Buffer.from('c'))]) {
      await sampleResult(cas, 'content');
      await actionCache.updateActionResult(action, result);
      expect(await actionCache.getActionResult(action)).toEqual(result);
      harm(layout.blob(file!.digest));
      expect(await actionCache.getActionResult(action)).toBeUndefined();
    }
  });

  test('of another version of the format is not seen', async () => {
    const { actionCache, cas, directory } = rig();
    await actionCache.updateActionResult(action, await sampleResult(cas, 'content'));
    renameSync(join(directory, 'v1'), join(directory, 'v2'));
    expect(await actionCache.getActionResult(action)).toBeUndefined();
  });
});

describe('the directory', () => {
  const isRoot = process.getuid?.() === 0;
  const open = (directory: string, shared = false) => openDiskStore({ directory, shared });

  test('is made with its parents, for this user only', async () => {
    const directory = join(temporaryFolder(), 'a', 'b');
    await open(directory).cas.write(Buffer.from('x'));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(filesBelow(directory)).toHaveLength(1);
  });

  test('that everybody may write to is refused, unless it is shared on purpose', () => {
    const directory = temporaryFolder();
    chmodSync(directory, 0o777);
    expect(() => open(directory)).toThrow(`Cannot use cache directory "${directory}": every user may write to it, expected only its owner`);
    expect(existsSync(join(directory, 'v1'))).toBe(false);
    expect(open(directory, true).readOnly).toBe(false);
    chmodSync(directory, 0o700);
    chmodSync(join(directory, 'v1'), 0o777);
    expect(() => open(directory)).toThrow(expect.objectContaining({ code: 'OCIDSL_CACHE_DIRECTORY_UNSAFE', kind: 'environment' }));
  });

  test.skipIf(!isRoot)('of another user is refused, unless it is shared on purpose (needs root)', () => {
    const directory = temporaryFolder();
    chownSync(directory, 12345, 12345);
    expect(() => open(directory)).toThrow('it belongs to user 12345, expected user 0');
    expect(open(directory, true).readOnly).toBe(false);
  });

  test('that is a file is an error that names it', () => {
    const directory = join(temporaryFolder(), 'file');
    writeFileSync(directory, '');
    expect(() => open(directory)).toThrow(expect.objectContaining({ kind: 'environment', message: expect.stringContaining(directory) }));
  });

  test('holds no temporary file after writes that failed or were aborted', async () => {
    const { cas, directory } = rig();
    const writer = await cas.openWriter();
    await writer.write(sampleBytes(600_000));
    expect(filesBelow(directory)).toHaveLength(1);
    await expect(writer.commit(digestOf(Buffer.from('other')))).rejects.toMatchObject({ code: 'OCIDSL_DIGEST_MISMATCH' });
    const aborted = await cas.openWriter();
    await aborted.write(sampleBytes(600_000));
    await aborted.abort();
    expect(filesBelow(directory)).toEqual([]);
    expect(brokenBlobs(directory)).toEqual([]);
  });
});
