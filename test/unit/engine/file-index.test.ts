import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { FileIndex } from '../../../lib/engine/file-index.ts';
import { isRacy, sameFingerprint, takeFingerprint, type Fingerprint } from '../../../lib/engine/fingerprint.ts';
import { folderOf, put } from './rig.ts';

const LATER = Date.now() + 3_600_000;

/** The record of a path as a build leaves it that began long after the file was written. */
function recordOf(root: string, path: string) {
  const files = new FileIndex(root);
  files.lookSince([path], LATER);
  return files.record(path);
}

describe('fingerprints', () => {
  const fingerprint: Fingerprint = { kind: 'file', sizeBytes: 1, mtimeMs: 1000, ctimeMs: 2000, ino: 3, mode: 0o644 };

  test.each<[keyof Fingerprint, Partial<Fingerprint>]>([
    ['kind', { kind: 'symlink' }],
    ['sizeBytes', { sizeBytes: 2 }],
    ['mtimeMs', { mtimeMs: 1000.0001 }],
    ['ctimeMs', { ctimeMs: 2001 }],
    ['ino', { ino: 4 }],
    ['mode', { mode: 0o755 }],
  ])('differ in %s', (_, change) => {
    expect(sameFingerprint(fingerprint, { ...fingerprint })).toBe(true);
    expect(sameFingerprint(fingerprint, { ...fingerprint, ...change })).toBe(false);
  });

  test.each<[string, Partial<Fingerprint>, number, boolean]>([
    ['changed in the same tick', {}, 2000, true],
    ['changed after', {}, 1999, true],
    ['changed a tick before', {}, 2020, true],
    ['changed longer ago', {}, 2021, false],
    ['an old change time does not help a young modification', { mtimeMs: 2010 }, 2021, true],
    ['an old modification time (touch -d, tar -x) does not help a young change', { mtimeMs: 0 }, 2000, true],
    ['absent', { kind: 'absent', ctimeMs: 0, mtimeMs: 0 }, 0, false],
  ])('are racy: %s', (_, change, now, racy) => expect(isRacy({ ...fingerprint, ...change }, now)).toBe(racy));

  test('are of the path itself: links are not followed, and what is not there is absent', () => {
    const root = folderOf({ file: 'abc' });
    symlinkSync('file', join(root, 'link'));
    mkdirSync(join(root, 'folder'));
    expect(takeFingerprint(join(root, 'file'))).toMatchObject({ kind: 'file', sizeBytes: 3 });
    expect(takeFingerprint(join(root, 'link')).kind).toBe('symlink');
    expect(takeFingerprint(join(root, 'folder'))).toMatchObject({ kind: 'directory', sizeBytes: 0 });
    expect(takeFingerprint(join(root, 'gone')).kind).toBe('absent');
    expect(takeFingerprint('/dev/null').kind).toBe('other');
  });
});

describe('FileIndex', () => {
  test('digests a file, and looks and reads once', async () => {
    const root = folderOf({ a: 'content' });
    const files = new FileIndex(root);
    expect(files.known('a')).toBeUndefined();
    const digest = { hash: sha256Hex('content'), sizeBytes: 7 };
    expect(await files.digest('a')).toEqual(digest);
    rmSync(join(root, 'a'));
    expect(await files.digest('a')).toEqual(digest);
    expect(files.known('a')).toEqual(digest);
    expect(files.look('a').kind).toBe('file');
  });

  test.each([0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_000_000])('digests %i bytes', async (size) => {
    const content = Buffer.alloc(size, 'x1');
    expect(await new FileIndex(folderOf({ a: content })).digest('a')).toEqual({ hash: sha256Hex(content), sizeBytes: size });
  });

  test('knows the digest of a file that has not changed since an earlier build', async () => {
    const root = folderOf({ a: 'content' });
    const record = { ...recordOf(root, 'a'), hash: 'f'.repeat(64) };
    expect(new FileIndex(root, [record]).known('a')).toEqual({ hash: 'f'.repeat(64), sizeBytes: 7 });
  });

  test.each<[string, (file: string) => void]>([
    ['content', (file) => writeFileSync(file, 'CONTENT')],
    ['size', (file) => appendFileSync(file, 'x')],
    ['mode', (file) => chmodSync(file, 0o755)],
    [
      'inode',
      (file) => {
        writeFileSync(`${file}2`, 'content');
        renameSync(`${file}2`, file);
      },
    ],
  ])('does not trust a file whose %s changed', async (_, change) => {
    const root = folderOf({ a: 'content' });
    const record = { ...recordOf(root, 'a'), hash: 'f'.repeat(64) };
    // Another time stamp, whatever the resolution of the clock of files.
    record.fingerprint = { ...record.fingerprint!, mtimeMs: record.fingerprint!.mtimeMs - 1000 };
    change(join(root, 'a'));
    const files = new FileIndex(root, [record]);
    expect([files.known('a'), files.isUnchanged('a')]).toEqual([undefined, false]);
  });

  test('leaves no fingerprint of a file that is as young as the look at it, but its digest', async () => {
    const root = folderOf({ a: 'content' });
    const files = new FileIndex(root);
    files.lookSince(['a'], 0);
    await files.digest('a');
    expect(files.record('a')).toEqual({ path: 'a', fingerprint: undefined, hash: sha256Hex('content') });
    expect(recordOf(root, 'a').fingerprint).toMatchObject({ kind: 'file', sizeBytes: 7 });
    // And such a record is never trusted.
    expect(new FileIndex(root, [files.record('a')]).isUnchanged('a')).toBe(false);
  });

  test('isUnchanged() holds for what is as it was, also for what is not there', () => {
    const root = folderOf({ a: 'content' });
    const files = new FileIndex(root, [recordOf(root, 'a'), recordOf(root, 'gone')]);
    expect([files.isUnchanged('a'), files.isUnchanged('gone'), files.isUnchanged('unknown')]).toEqual([true, true, false]);
  });

  test('isUnchanged() holds for a folder with the same names, though an editor wrote a file in it anew', () => {
    const root = folderOf({ 'd/a': '1', 'd/b': '2' });
    const record = recordOf(root, 'd');
    put(root, 'd/a.tmp', 'new');
    renameSync(join(root, 'd/a.tmp'), join(root, 'd/a'));
    expect(new FileIndex(root, [record]).isUnchanged('d')).toBe(true);
    put(root, 'd/c', '3');
    expect(new FileIndex(root, [record]).isUnchanged('d')).toBe(false);
    rmSync(join(root, 'd/c'));
    rmSync(join(root, 'd/b'));
    expect(new FileIndex(root, [record]).isUnchanged('d')).toBe(false);
  });

  test('does not follow a link, and says what a path is instead of a file', async () => {
    const root = folderOf({ a: 'x', 'd/x': '' });
    symlinkSync('a', join(root, 'link'));
    const files = new FileIndex(root);
    await expect(files.digest('link')).rejects.toMatchObject({
      code: 'OCIDSL_INPUT_KIND',
      message: 'Cannot read "link": it is a symbolic link, expected a regular file',
    });
    await expect(files.digest('d')).rejects.toThrow('it is a folder');
    await expect(files.digest('/dev/null')).rejects.toThrow('it is a device, pipe or socket');
    await expect(files.digest('gone')).rejects.toMatchObject({ code: 'OCIDSL_INPUT_MISSING', kind: 'config' });
  });

  test('notices a file that is swapped for a link between the look and the read', async () => {
    const root = folderOf({ a: 'x', secret: 'y' });
    const files = new FileIndex(root);
    files.look('a');
    rmSync(join(root, 'a'));
    symlinkSync('secret', join(root, 'a'));
    await expect(files.digest('a')).rejects.toMatchObject({ kind: 'environment' });
  });

  const big = 3 * 256 * 1024;
  test.each<[string, (file: string) => void]>([
    ['grows', (file) => appendFileSync(file, 'more')],
    ['shrinks', (file) => truncateSync(file, 300_000)],
    [
      'is written with as many bytes',
      (file) => {
        writeFileSync(file, Buffer.alloc(big, 'b'));
      },
    ],
  ])('refuses a file that %s while it is read', (_, change) => {
    const root = folderOf({ a: Buffer.alloc(big, 'a') });
    const files = new FileIndex(root);
    const chunks = files.chunks('a');
    chunks.next();
    change(join(root, 'a'));
    const rest = () => {
      for (;;) if (chunks.next().done === true) return;
    };
    expect(rest).toThrow(expect.objectContaining({ code: 'OCIDSL_INPUT_CHANGED', kind: 'build' }) as Error);
  });

  test('verifyUnchanged() refuses a file that is no longer the one that was looked at', () => {
    const root = folderOf({ a: 'x', b: 'y' });
    const files = new FileIndex(root);
    files.look('a');
    files.verifyUnchanged(['a', 'b']);
    appendFileSync(join(root, 'a'), 'more');
    expect(() => files.verifyUnchanged(['b'])).not.toThrow();
    expect(() => files.verifyUnchanged(['b', 'a'])).toThrow('Cannot use "a": it changed while it was being read');
  });

  test('forget() looks again', () => {
    const root = folderOf({ a: 'x' });
    const files = new FileIndex(root);
    files.look('a');
    appendFileSync(join(root, 'a'), 'more');
    files.forget(['a']);
    expect(files.look('a').sizeBytes).toBe(5);
  });

  test('learn() takes the digest that a tool computed', () => {
    const files = new FileIndex(folderOf({ a: 'xyz' }));
    files.learn('a', 'e'.repeat(64));
    expect(files.known('a')).toEqual({ hash: 'e'.repeat(64), sizeBytes: 3 });
  });

  test('takes absolute paths as they are', async () => {
    const other = folderOf({ a: 'x' });
    expect(await new FileIndex('/nowhere').digest(join(other, 'a'))).toEqual({ hash: sha256Hex('x'), sizeBytes: 1 });
  });
});
