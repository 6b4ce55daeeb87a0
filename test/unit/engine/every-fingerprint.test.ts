import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { everyFingerprint, type LookOptions, type PathTable } from '../../../lib/engine/every-fingerprint.ts';
import { sameFingerprint, takeFingerprint, type Fingerprint } from '../../../lib/engine/fingerprint.ts';
import { absolutePath } from '../../../lib/engine/indexed-path.ts';
import { folderOf } from './rig.ts';

const FILES = 3000;

function tableOf(paths: readonly string[]): PathTable {
  return { pathCount: paths.length, path: (i) => paths[i]!, pathText: Buffer.from(paths.join('\0')) };
}

/** A folder of files, with one of everything else among them. */
function scene() {
  const root = folderOf();
  mkdirSync(join(root, 'folder'));
  symlinkSync('nowhere', join(root, 'link'));
  const paths = ['', 'folder', 'link', 'not there', 'ä ö'];
  writeFileSync(join(root, 'ä ö'), 'x');
  for (let i = 0; i < FILES; i++) {
    paths.push(`f${i}`);
    writeFileSync(join(root, `f${i}`), '');
  }
  paths.push(join(root, 'f0'));
  return { root, paths, table: tableOf(paths) };
}

/** The same, with a first call that takes as long as a thread needs to start and look at the rest. */
function slowly(check: (i: number, now: Fingerprint) => boolean) {
  let isFirst = true;
  return (i: number, now: Fingerprint) => {
    if (isFirst) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    isFirst = false;
    return check(i, now);
  };
}

const ways: [string, LookOptions][] = [
  ['alone', { sharedFrom: Number.POSITIVE_INFINITY }],
  ['with a thread', { sharedFrom: 0 }],
  ['with a thread that fails', { sharedFrom: 0, program: 'throw new Error("no memory")' }],
  [
    'with a thread that takes a chunk and hangs',
    {
      sharedFrom: 0,
      patienceMs: 50,
      program: `const { next, size } = require('node:worker_threads').workerData; Atomics.add(next, 0, size);`,
    },
  ],
];

describe.each(ways)('looking at many paths %s', (_, options) => {
  test('shows each of them once, as it is', () => {
    const { root, paths, table } = scene();
    const seen: (Fingerprint | undefined)[] = [];
    const check = (i: number, now: Fingerprint) => {
      expect(seen[i]).toBeUndefined();
      seen[i] = now;
      return true;
    };
    expect(everyFingerprint(root, table, slowly(check), options)).toBe(true);
    expect(seen).toEqual(paths.map((path) => takeFingerprint(absolutePath(root, path))));
  });

  test('notices one that is another, wherever it is', () => {
    const { root, paths, table } = scene();
    const before = paths.map((path) => takeFingerprint(absolutePath(root, path)));
    const isUnchanged = (i: number, now: Fingerprint) => sameFingerprint(before[i]!, now);
    expect(everyFingerprint(root, table, isUnchanged, options)).toBe(true);
    for (const i of [5, 600, 1700, FILES + 4]) {
      writeFileSync(join(root, paths[i]!), 'changed');
      expect(everyFingerprint(root, table, slowly(isUnchanged), options), `path ${i}`).toBe(false);
      before[i] = takeFingerprint(join(root, paths[i]!));
      // The last path of the table is a file of it once more.
      if (i === 5) before[paths.length - 1] = before[i];
    }
  });

  test('leaves out those that do not count', () => {
    const { root, paths, table } = scene();
    const isNeeded = Uint8Array.from(paths, (_path, i) => (i % 3 === 0 ? 1 : 0));
    const seen = new Set<number>();
    everyFingerprint(root, table, (i) => seen.add(i).size > 0, { ...options, isNeeded });
    expect([...seen].sort((a, b) => a - b)).toEqual(paths.flatMap((_path, i) => (i % 3 === 0 ? [i] : [])));
  });

  test('fails with what cannot be looked at', () => {
    const { root, paths } = scene();
    const table = tableOf([...paths, 'x'.repeat(5000)]);
    expect(() => everyFingerprint(root, table, () => true, options)).toThrow('ENAMETOOLONG');
  });
});
