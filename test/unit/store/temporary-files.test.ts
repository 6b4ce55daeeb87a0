import { closeSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTemporaryFile, makeFolder, sweepTemporaryFiles, writeAtomically } from '../../../lib/store/temporary-files.ts';
import { filesBelow, temporaryFolder } from './rig.ts';

const NOW = () => Date.now();
const TWO_DAYS = 2 * 24 * 60 * 60 * 1000;

describe('sweepTemporaryFiles()', () => {
  /** A temporary file as a process with this pid, start and boot would have named it. */
  const fileOf = (directory: string, change: (parts: string[]) => string[]) => {
    const { fd, path } = createTemporaryFile(directory, 0o700);
    closeSync(fd);
    const renamed = join(directory, change(basename(path).split('-')).join('-'));
    renameSync(path, renamed);
    return renamed;
  };
  const deadPid = 2 ** 22 + 1; // Above the largest pid that Linux gives.

  test('removes old files of dead processes, of reused pids and of earlier boots, and old corrupt blobs', () => {
    const directory = temporaryFolder();
    fileOf(directory, ([, ...rest]) => [String(deadPid), ...rest]);
    fileOf(directory, ([pid, , ...rest]) => [pid ?? '', '1', ...rest]);
    fileOf(directory, ([pid, start, , random]) => [pid ?? '', start ?? '', 'otherbt', random ?? '']);
    writeFileSync(join(directory, `corrupt-${'a'.repeat(64)}`), '');
    writeFileSync(join(directory, 'anything'), '');
    sweepTemporaryFiles(directory, NOW());
    expect(filesBelow(directory)).toHaveLength(5);
    sweepTemporaryFiles(directory, NOW() + TWO_DAYS);
    expect(filesBelow(directory)).toEqual([]);
  });

  test.skipIf(!existsSync('/proc/self/stat'))('never removes a file of a live process, however old (needs /proc)', () => {
    const directory = temporaryFolder();
    const mine = fileOf(directory, (parts) => parts);
    const start = readFileSync(`/proc/${process.ppid}/stat`, 'latin1').split(') ').pop()?.split(' ')[19];
    const parents = fileOf(directory, ([, , ...rest]) => [String(process.ppid), start ?? '', ...rest]);
    sweepTemporaryFiles(directory, NOW() + 100 * TWO_DAYS);
    expect([existsSync(mine), existsSync(parents)]).toEqual([true, true]);
  });

  test('does not follow links, and a missing directory is nothing to do', () => {
    const directory = temporaryFolder();
    const elsewhere = join(temporaryFolder(), 'kept');
    writeFileSync(elsewhere, 'kept');
    symlinkSync(elsewhere, join(directory, 'link'));
    sweepTemporaryFiles(directory, NOW() + TWO_DAYS);
    expect(filesBelow(directory)).toEqual([]);
    expect(readFileSync(elsewhere, 'utf8')).toBe('kept');
    sweepTemporaryFiles(join(directory, 'gone'), NOW());
  });
});

describe('writeAtomically()', () => {
  test('replaces a link instead of writing through it', () => {
    const directory = temporaryFolder();
    const target = join(directory, 'target');
    writeFileSync(target, 'kept');
    symlinkSync(target, join(directory, 'entry'));
    writeAtomically(join(directory, 'tmp'), join(directory, 'entry'), Buffer.from('new'), 0o700);
    expect(readFileSync(target, 'utf8')).toBe('kept');
    expect(readFileSync(join(directory, 'entry'), 'utf8')).toBe('new');
    expect(statSync(join(directory, 'entry')).mode & 0o777).toBe(0o444);
  });

  test('leaves no temporary file where the place cannot be taken', () => {
    const directory = temporaryFolder();
    mkdirSync(join(directory, 'entry', 'full'), { recursive: true });
    expect(() => writeAtomically(join(directory, 'tmp'), join(directory, 'entry'), Buffer.from('new'), 0o700)).toThrow(
      /EISDIR|ENOTEMPTY|EEXIST/,
    );
    expect(filesBelow(join(directory, 'tmp'))).toEqual([]);
  });
});

test('makeFolder() makes parents with the mode, and accepts what is there', () => {
  const folder = join(temporaryFolder(), 'a', 'b');
  makeFolder(folder, 0o700);
  makeFolder(folder, 0o700);
  expect(statSync(join(folder, '..')).mode & 0o777).toBe(0o700);
});
