import { describe, expect, test } from 'vitest';
import { encodeTarHeader } from '../../../lib/tar/header.ts';
import { startsSegment } from '../../../lib/tar/segment-start.ts';

const MIB = 1 << 20;
const header = (path: string, sizeBytes: number) =>
  encodeTarHeader({ path, type: 'file', sizeBytes, mode: 0o644, uid: 0, gid: 0, uname: '', gname: '', mtime: 0 });

describe('startsSegment()', () => {
  test('a large file begins a segment wherever it stands', () => {
    expect(startsSegment(header('large', MIB), MIB, 1)).toBe(true);
  });

  test('small files begin one only when there is enough before them, and then some of them', () => {
    const starts = (pendingBytes: number) =>
      Array.from({ length: 400 }, (_, i) => startsSegment(header(`file${i}`, 100 + i), 100 + i, pendingBytes)).filter(Boolean).length;
    expect(starts(1000)).toBe(0);
    expect(starts(MIB / 2)).toBeGreaterThan(20);
    expect(starts(MIB / 2)).toBeLessThan(100);
  });

  test('the segments of small files begin at the same files soon behind a new one', () => {
    const paths = Array.from({ length: 3000 }, (_, i) => `folder${i % 7}/file${i}`);
    const startsOf = (names: readonly string[]) => {
      const starts: string[] = [];
      let pending = 0;
      for (const path of names) {
        if (startsSegment(header(path, 5000), 5000, pending)) {
          starts.push(path);
          pending = 0;
        }
        pending += 5632;
      }
      return starts;
    };
    const before = startsOf(paths);
    const after = startsOf(['a-new-file', 'another', ...paths]);
    expect(before.length).toBeGreaterThan(15);
    expect(after.slice(-10)).toEqual(before.slice(-10));
  });
});
