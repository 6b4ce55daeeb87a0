// What happens to a cache directory when processes are many, killed or starved.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { brokenBlobs, filesBelow, run, storeProcess, temporaryFolder, works } from './rig.ts';

const node = process.execPath;
const hasStrace = works('strace', '-f', '-qq', '-o', '/dev/null', 'true');
const hasBwrap = works('bwrap', '--dev-bind', '/', '/', 'true');
const hasMount = works('unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /mnt');

test('20 processes that write the same blobs at once all succeed', async () => {
  const directory = join(temporaryFolder(), 'cache');
  const script = storeProcess();
  const ended = await Promise.all(Array.from({ length: 20 }, () => run(node, [script, 'many', directory])));
  for (const { report, stderr } of ended) expect({ report, stderr }).toMatchObject({ report: { ok: true, warnings: [] } });
  expect(brokenBlobs(directory)).toEqual([]);
  expect(filesBelow(join(directory, 'v1', 'cas'))).toHaveLength(20);
  expect(filesBelow(join(directory, 'v1', 'tmp'))).toEqual([]);
}, 30_000);

test.each(['000', '022', '077'])(
  'umask %s changes no mode',
  async (umask) => {
    const directory = join(temporaryFolder(), 'cache');
    const { report } = await run(node, [storeProcess(), 'few', directory, umask]);
    expect(report).toMatchObject({ ok: true, shape: true });
    const modes = Object.keys(report.modes ?? {}).sort();
    expect(modes).toEqual(['directory 700', 'file 444']);
  },
  20_000,
);

describe(`killed by SIGKILL${hasStrace ? '' : ' (skipped: needs strace and ptrace)'}`, () => {
  const points = ['openat', 'pwrite64', 'fchmod', 'fsync', '/^rename'].flatMap((call) => [1, 2, 3].map((nth) => [call, nth] as const));

  test.skipIf(!hasStrace)(
    'at any point of a write: no partial blob is visible, and the next process succeeds',
    async () => {
      const directory = join(temporaryFolder(), 'cache');
      const script = storeProcess();
      let killed = 0;
      for (const [call, nth] of points) {
        // openat also opens what node itself needs: only those below the cache directory count.
        const paths = call === 'openat' ? ['-P', join(directory, 'v1', 'tmp')] : [];
        const { signal } = await run('strace', [
          '-f',
          '-qq',
          '-o',
          '/dev/null',
          ...paths,
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:signal=KILL:when=${nth}`,
          node,
          script,
          'few',
          directory,
        ]);
        if (signal === 'SIGKILL') killed++;
        expect(brokenBlobs(directory)).toEqual([]);
      }
      expect(killed).toBeGreaterThanOrEqual(8);
      expect((await run(node, [script, 'few', directory])).report).toMatchObject({ ok: true, warnings: [] });
      expect(brokenBlobs(directory)).toEqual([]);
    },
    60_000,
  );

  test
    .skipIf(!hasStrace)
    .each(['fsync:error=EIO', 'fsync:error=ENOSPC', 'pwrite64:error=ENOSPC', '/^rename:error=EIO', 'fchmod:error=EPERM'])(
    'with %s instead: the failure is reported and nothing is left behind',
    async (inject) => {
      const directory = join(temporaryFolder(), 'cache');
      const [call = '', error = ''] = inject.split(':error=');
      const { report } = await run('strace', [
        '-f',
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        `trace=${call}`,
        '-e',
        `inject=${inject}`,
        node,
        storeProcess(),
        'few',
        directory,
      ]);
      expect(report).toMatchObject({ ok: false, code: `OCIDSL_SYSTEM_${error}`, temporary: [] });
      expect(report.message).toContain(join(directory, 'v1'));
      expect(brokenBlobs(directory)).toEqual([]);
    },
    20_000,
  );
});

test.skipIf(!hasMount)(
  `a full disk is reported with path and size, and leaves whole blobs only${hasMount ? '' : ' (skipped: needs to mount a tmpfs)'}`,
  async () => {
    const directory = temporaryFolder();
    const check = join(directory, 'check.sh');
    writeFileSync(
      check,
      'cd "$1/v1/cas" && find . -type f | while read -r f; do echo "$(basename "$f")  $f"; done | sha256sum -c --quiet && find . -type f | wc -l >&2',
    );
    const { report, stderr } = await run('unshare', [
      '-m',
      'sh',
      '-c',
      'mkdir "$1/cache" && mount -t tmpfs -o size=1m,mode=700 tmpfs "$1/cache" && "$2" "$3" fill "$1/cache" && sh "$1/check.sh" "$1/cache"',
      'sh',
      directory,
      node,
      storeProcess(),
    ]);
    expect(report).toMatchObject({ ok: false, code: 'OCIDSL_SYSTEM_ENOSPC', temporary: [] });
    expect(report.message).toMatch(/Cannot write \d{6} bytes of a blob to "\/.*\/cache\/v1\/.*": no space is left on the device/);
    expect(report.hint).toContain('--cache-dir');
    expect(Number(stderr)).toBeGreaterThan(0);
  },
  20_000,
);

describe(`a directory that can only be read${hasBwrap ? '' : ' (skipped: needs bwrap)'}`, () => {
  const readOnly = (directory: string) => ['--dev-bind', '/', '/', '--ro-bind', directory, directory, node, storeProcess()];

  test.skipIf(!hasBwrap)(
    'gives its hits; what is built goes elsewhere, with one warning',
    async () => {
      const directory = join(temporaryFolder(), 'cache');
      expect((await run(node, [storeProcess(), 'few', directory])).report).toMatchObject({ ok: true });
      const before = filesBelow(directory);
      const { report, stderr } = await run('bwrap', [...readOnly(directory), 'many', directory]);
      expect({ report, stderr }).toMatchObject({ report: { ok: true, readOnly: true, shape: true } });
      expect(report.warnings).toEqual([
        `The cache directory "${directory}" can only be read: what is built now is not kept for the next build`,
      ]);
      expect(filesBelow(directory)).toEqual(before);
    },
    20_000,
  );

  test.skipIf(!hasBwrap)(
    'and is empty still serves the build',
    async () => {
      const directory = temporaryFolder();
      const { report } = await run('bwrap', [...readOnly(directory), 'few', directory]);
      expect(report).toMatchObject({ ok: true, readOnly: true, shape: false });
      expect(filesBelow(directory)).toEqual([]);
    },
    20_000,
  );

  test.skipIf(!hasBwrap)(
    'and has a corrupt blob: it is made again elsewhere',
    async () => {
      const directory = join(temporaryFolder(), 'cache');
      const store = openDiskStore({ directory });
      const digest = await store.cas.write(Buffer.alloc(100, '0 '));
      const path = await store.cas.localPath?.(digest);
      writeFileSync(path!, 'not it');
      const { report } = await run('bwrap', [...readOnly(directory), 'few', directory]);
      expect(report).toMatchObject({ ok: true, readOnly: true });
    },
    20_000,
  );
});
