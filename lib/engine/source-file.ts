// Reads source files, and notices where one is not (or no longer) what was looked at.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { environmentError, OcidslError } from '../base/errors.ts';
import { fingerprintOf, sameFingerprint, type Fingerprint } from './fingerprint.ts';

/** Files below this size are read in one piece: they may come by the 100,000, and a generator for each takes as long as the reading. */
export const SMALL_FILE_BYTES: number = 256 * 1024;

/**
 * The content of a file of less than SMALL_FILE_BYTES, in the beginning of `buffer`, which has SMALL_FILE_BYTES.
 * @throws OCIDSL_INPUT_CHANGED where the file at `absolute` is not the one that `expected` was taken of, and environment failures
 */
export function readSmallFile(path: string, absolute: string, expected: Fingerprint, buffer: Buffer): Buffer {
  const fd = openFile(path, absolute, expected);
  try {
    let read = 0;
    for (let count = -1; count !== 0 && read < expected.sizeBytes; read += count)
      // One byte more, so that a file that grew shows without another read.
      count = readSync(fd, buffer, read, expected.sizeBytes + 1 - read, null);
    checkSame(path, fd, read, expected);
    return buffer.subarray(0, read);
  } catch (error) {
    throw asReadFailure(path, error);
  } finally {
    closeSync(fd);
  }
}

/** The same for a file of any size, in chunks that are valid until the next one. */
export function* readChunks(path: string, absolute: string, expected: Fingerprint): Generator<Uint8Array, void, undefined> {
  const fd = openFile(path, absolute, expected);
  try {
    const size = expected.sizeBytes;
    const buffer = Buffer.allocUnsafe(Math.min(size + 1, SMALL_FILE_BYTES));
    let read = 0;
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, null);
      if (count === 0) break;
      read += count;
      if (read > size) throw fileChanged(path);
      yield buffer.subarray(0, count);
      if (read === size && size < SMALL_FILE_BYTES) break;
    }
    checkSame(path, fd, read, expected);
  } catch (error) {
    throw asReadFailure(path, error);
  } finally {
    closeSync(fd);
  }
}

function openFile(path: string, absolute: string, expected: Fingerprint): number {
  if (expected.kind !== 'file') throw notRegular(path, expected);
  try {
    return openSync(absolute, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw environmentError(`read "${path}"`, error);
  }
}

function checkSame(path: string, fd: number, read: number, expected: Fingerprint): void {
  if (read !== expected.sizeBytes || !sameFingerprint(fingerprintOf(fstatSync(fd)), expected)) throw fileChanged(path);
}

function asReadFailure(path: string, error: unknown): unknown {
  return (error as { syscall?: string }).syscall === undefined ? error : environmentError(`read "${path}"`, error);
}

/** The error for a file that is not what it was a moment ago. */
export function fileChanged(path: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_INPUT_CHANGED',
    kind: 'build',
    message: `Cannot use "${path}": it changed while it was being read`,
    hint: 'Run the build again when nothing writes to the file',
  });
}

/** The error for an input that is missing or not a regular file. */
export function notRegular(path: string, fingerprint: Fingerprint): OcidslError {
  if (fingerprint.kind === 'absent') {
    return new OcidslError({
      code: 'OCIDSL_INPUT_MISSING',
      kind: 'config',
      message: `Cannot find the file "${path}": it does not exist, expected a file of the workspace`,
    });
  }
  const is = { directory: 'a folder', symlink: 'a symbolic link', other: 'a device, pipe or socket', file: 'a file' }[fingerprint.kind];
  return new OcidslError({
    code: 'OCIDSL_INPUT_KIND',
    kind: 'config',
    message: `Cannot read "${path}": it is ${is}, expected a regular file`,
  });
}
