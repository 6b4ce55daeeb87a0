// What the disk does to a build: full, read-only, other people's folders. Nothing half-written stays, and the next build on a
// sound machine gives what it always gave.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canMount, has } from './machine.ts';
import { digests, workspace, type Files } from './rig.ts';
import { NOISE } from './noise.ts';

const isRoot = process.getuid?.() === 0;
const mounts = canMount();

const BIG: Files = {
  'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', srcs: ['big.bin'] }); // layer
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer] }); // image
`,
  'big.bin': NOISE,
};
const SMALL: Files = {
  'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', srcs: ['small.txt'] }); // HERE
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer] });
`,
  'small.txt': 'small\n',
};

/** A folder on a file system of its own, of a size. Taken away when the test has ended. */
function mountTmpfs(folder: string, options: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `${options},mode=0700`, 'tmpfs', folder]);
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
}

function filesOn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

const isTemporary = (path: string) => /\/v1\/tmp\/|\.tmp$|\/\.ocidsl-/.test(path);

describe.skipIf(!mounts)('a disk that is full (needs root and mount)', () => {
  it.each([1, 2, 3, 4])('as cache with %d MiB: exit code 6, and with space it goes on', async (size) => {
    const ws = workspace(BIG);
    const expected = digests(await workspace(BIG).build());
    const cache = join(ws.folder, 'tiny');
    mountTmpfs(cache, `size=${size}m`);
    const run = await ws.ocidsl(['build', '--cache-dir', cache]);
    expect(run.stderr).toContain('no space is left');
    expect(run.stderr).not.toContain('internal error');
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 6, stdout: '' });
    expect(run.stderr).toMatch(/build\.config\.ts:[23]:/);
    expect(filesOn(cache).filter(isTemporary)).toEqual([]);
    ws.expectClean('outputs');
    execFileSync('mount', ['-o', 'remount,size=40m', cache]);
    expect(digests(await ws.build(['--cache-dir', cache]))).toEqual(expected);
  });

  it.each([1, 2, 4])('as output folder with %d MiB: exit code 6, and with space it goes on', async (size) => {
    const ws = workspace(BIG);
    const out = join(ws.folder, 'out');
    mountTmpfs(out, `size=${size}m`);
    const run = await ws.ocidsl(['build', '--output-dir', out]);
    expect(run.stderr).toContain('no space is left');
    expect(run.stderr).toContain(out);
    expect(run.stderr).not.toContain('internal error');
    expect(run.code).toBe(6);
    expect(filesOn(out).filter(isTemporary)).toEqual([]);
    execFileSync('mount', ['-o', 'remount,size=40m', out]);
    expect((await ws.build(['--output-dir', out])).map(({ label }) => label)).toEqual(['layer', 'image']);
    expect(filesOn(out).filter(isTemporary)).toEqual([]);
  });

  it('as temporary folder of a command', async () => {
    const ws = workspace({
      ...BIG,
      'build.config.ts': `import { command } from 'ocidsl';\ncommand({ name: 'copy', argv: ['cp', 'big.bin', 'copy.bin'], inputs: ['big.bin'], outputs: ['copy.bin'] }); // HERE\n`,
    });
    mountTmpfs(join(ws.folder, 'tiny'), 'size=1m');
    const run = await ws.ocidsl(['build'], { env: { TMPDIR: join(ws.folder, 'tiny') } });
    expect(run.stderr).not.toContain('internal error');
    expect(run.stderr).toContain('no space is left');
    expect(run.code, run.stderr).toBe(6);
    expect(readdirSync(join(ws.folder, 'tiny'))).toEqual([]);
    ws.expectClean();
  });
});

describe('folders that can only be read', () => {
  it.skipIf(!mounts)('as cache: hits are used, new work is built, one warning (needs root and mount)', async () => {
    const ws = workspace(SMALL);
    const first = digests(await ws.build(['layer']));
    execFileSync('mount', ['--bind', ws.cache, ws.cache]);
    onTestFinished(() => void execFileSync('umount', ['-l', ws.cache]));
    execFileSync('mount', ['-o', 'remount,ro,bind', ws.cache]);
    const { rows, run } = await ws.buildVerbosely(['--output-dir', join(ws.folder, 'out')]);
    expect(Object.values(digests(rows))).toEqual(expect.arrayContaining(Object.values(first)));
    expect(run.stderr.split('can only be read')).toHaveLength(2);
    expect(run.stderr).not.toContain('internal error');
    expect(ws.leftovers()).toEqual([]);
  });

  it.skipIf(!mounts)('as output folder: exit code 6 that names it (needs root and mount)', async () => {
    const ws = workspace(SMALL);
    const out = join(ws.folder, 'out');
    mountTmpfs(out, 'size=1m,ro');
    const run = await ws.ocidsl(['build', '--output-dir', out]);
    expect(run.stderr).toContain(out);
    expect(run.stderr).toContain('read-only');
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 6, stdout: '' });
  });

  it.skipIf(isRoot && !has('setpriv'))(
    'as output folder of another user: exit code 6 (needs setpriv where the tests run as root)',
    async () => {
      const ws = workspace(SMALL);
      mkdirSync(ws.path('ocidsl-out'), { mode: 0o555 });
      chmodSync(ws.path('ocidsl-out'), 0o555);
      // Root may write everywhere: give that up.
      const under = isRoot ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
      const run = await ws.ocidsl(['build'], { under });
      expect(run.stderr).toContain('ocidsl-out');
      expect(run.stderr).toMatch(/permission denied|not permitted/);
      expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 6, stdout: '' });
      ws.expectClean();
    },
  );

  it('a file in place of the output folder is left alone', async () => {
    const ws = workspace({ ...SMALL, 'ocidsl-out': 'mine' });
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).toContain('ocidsl-out');
    expect(run.stderr).not.toContain('internal error');
    expect(run.code).toBe(6);
    expect(ws.read('ocidsl-out')).toBe('mine');
  });

  it('a folder with other files in place of a layout is left alone', async () => {
    const ws = workspace({ ...SMALL, 'ocidsl-out/image/precious.txt': 'mine' });
    const run = await ws.ocidsl(['build', 'image']);
    expect(run.stderr).toContain('precious.txt');
    expect(run.code).toBe(6);
    expect(readdirSync(ws.path('ocidsl-out/image'))).toEqual(['precious.txt']);
  });

  it('an output that is a symbolic link is replaced, not followed', async () => {
    const ws = workspace({ ...SMALL, 'precious.txt': 'mine', 'ocidsl-out/x': '' });
    symlinkSync(ws.path('precious.txt'), ws.path('ocidsl-out/layer.tar'));
    await ws.build(['layer']);
    expect(ws.read('precious.txt')).toBe('mine');
    expect(ws.read('ocidsl-out/layer.tar')).toContain('ustar');
  });
});

describe('few file descriptors', () => {
  it('are enough for many targets', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar } from 'ocidsl';\nfor (let i = 0; i < 300; i++) pkgTar({ name: 't' + i, srcs: ['d'] });\n`,
      ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`d/file${i}`, `${i}`])),
    });
    const run = await ws.ocidsl(['build', '--quiet'], { under: ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'] });
    expect(run.code, run.stderr).toBe(0);
  });
});
