// Stamps: unchanged files are not read, touched ones are compared by content, changed ones are seen.
import { chmodSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { compareStamps, readStamped } from '../../../lib/config/file-stamp.ts';
import { temporaryFolder } from './fixture/workspace-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const path = join(folder.path, 'file');
const stamped = (content: string) => {
  rmSync(path, { force: true });
  writeFileSync(path, content);
  return [readStamped(path).stamp];
};
const LATER = Infinity; // as if the stamps were taken long after the last write

it('reads content and digest together', () => {
  const [stamp] = stamped('one');
  expect(stamp).toMatchObject({ path, sizeBytes: 3, sha256: sha256Hex('one') });
  expect(readStamped(path).content.toString()).toBe('one');
});

it('takes equal stats for an unchanged file, without reading it', () => {
  const stamps = stamped('one').map((stamp) => ({ ...stamp, sha256: 'not the digest: only a read could tell' }));
  expect(compareStamps(stamps, LATER)).toBe(stamps);
});

it('compares content where the file was written just before it was stamped', () => {
  const stamps = stamped('one');
  expect(compareStamps(stamps, Date.now())).toEqual(stamps);
  expect(
    compareStamps(
      stamps.map((stamp) => ({ ...stamp, sha256: sha256Hex('two') })),
      Date.now(),
    ),
  ).toBeUndefined();
});

it('gives new stamps for a touched file', () => {
  const stamps = stamped('one');
  chmodSync(path, 0o600);
  utimesSync(path, 1, 1);
  const fresh = compareStamps(stamps, LATER);
  expect(fresh).not.toBe(stamps);
  expect(fresh).toMatchObject([{ mtimeMs: 1000, sha256: stamps[0]!.sha256 }]);
  expect(compareStamps(fresh!, LATER)).toBe(fresh);
});

it('sees an edit of the same size with the time set back', () => {
  writeFileSync(path, 'one');
  utimesSync(path, 1, 1);
  const stamps = [readStamped(path).stamp];
  writeFileSync(path, 'two');
  utimesSync(path, 1, 1);
  expect(compareStamps(stamps, LATER)).toBeUndefined();
});

it('sees another size, a replaced file, a missing file and a folder', () => {
  const stamps = stamped('one');
  writeFileSync(path, 'longer');
  expect(compareStamps(stamps, LATER)).toBeUndefined();
  const again = stamped('one');
  writeFileSync(`${path}.new`, 'two');
  renameSync(`${path}.new`, path);
  expect(compareStamps(again, LATER)).toBeUndefined();
  rmSync(path);
  expect(compareStamps(again, LATER)).toBeUndefined();
  expect(compareStamps([{ ...again[0]!, path: folder.path }], LATER)).toBeUndefined();
});
