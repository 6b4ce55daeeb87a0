import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hasProgram } from './layer-fixtures.ts';

const GiB = 2 ** 30;
const child = join(import.meta.dirname, 'huge-file-child.ts');

/** Archives a sparse file of `sizeBytes` into GNU tar's listing. */
function listHuge(sizeBytes: number, format: 'none' | 'gzip') {
  const folder = mkdtempSync(join(tmpdir(), 'ocidsl-huge-'));
  try {
    const path = join(folder, 'huge');
    writeFileSync(path, '');
    truncateSync(path, sizeBytes);
    const script = 'set -o pipefail; "$0" --import tsx "$1" "$2" "$3" "$4" | tar -b 2048 --numeric-owner --utc "$5" -tvf -';
    const args = ['-c', script, process.execPath, child, path, String(sizeBytes), format, format === 'gzip' ? '-z' : '--full-time'];
    const { status, stdout, stderr } = spawnSync('bash', args, { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    return {
      lines: stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ +/)),
      peakMB: Number(stderr),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sizes = process.env['OCIDSL_SLOW_TESTS'] === undefined ? [GiB / 2 + 5] : [9 * GiB + 5];
const peers = hasProgram('tar') && hasProgram('bash');

// 9 GiB, beyond what ustar can say, take minutes on a busy machine: only with OCIDSL_SLOW_TESTS.
it.skipIf(!peers).each(sizes.flatMap((size) => [[size, 'none'] as const, [size, 'gzip'] as const]))(
  'a file of %d bytes passes in less than 200 MB, compression %s (skipped without tar and bash)',
  (sizeBytes, format) => {
    const { lines, peakMB } = listHuge(sizeBytes, format);
    expect(lines.map((line) => [line[2], line.at(-1)])).toEqual([
      [String(sizeBytes), 'huge'],
      ['7', 'last'],
    ]);
    expect(peakMB).toBeGreaterThan(20);
    expect(peakMB).toBeLessThan(200);
  },
  600_000,
);
