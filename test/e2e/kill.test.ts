// SIGKILL at any point of a build: the next build succeeds with the same digests, and nothing is left but what is swept later.
import { cpSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { has, stracesWell } from './machine.ts';
import { CHECKOUT_BINARY, digests, workspace, type Files, type Workspace } from './rig.ts';

const EXAMPLE = join(CHECKOUT_BINARY, '../../examples/hello');
const HELLO: Files = {
  'build.config.ts': readFileSync(join(EXAMPLE, 'build.config.ts')),
  'go.mod': readFileSync(join(EXAMPLE, 'go.mod')),
  'go.sum': readFileSync(join(EXAMPLE, 'go.sum')),
  'apps/hello/main.go': readFileSync(join(EXAMPLE, 'apps/hello/main.go')),
};
const SMALL: Files = {
  'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', srcs: ['a.txt'] });
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer] });
`,
  'a.txt': 'a\n',
};

/** Points for the random test: a few for every run of the suite, 200 for a soak. */
const POINTS = Number(process.env['OCIDSL_KILL_POINTS'] ?? 25);

/** The cache of a complete build, without results: what a build finds when only its own work is to be done. */
function forget(ws: Workspace): void {
  for (const folder of [ws.path('ocidsl-out'), ws.cache]) rmSync(folder, { recursive: true, force: true });
}

// Files that were being written when the build was killed: swept by later builds, once they are a day old.
const SWEPT_LATER =
  /^(?:ws\/ocidsl-out\/\.ocidsl-[0-9a-f]{24}\.tmp|cache\/ocidsl\/v1\/tmp\/.*|cache\/ocidsl\/workspaces\/[^/]*\/[^/]*\.tmp|tmp\/(?:ocidsl|go)-.*)$/;

/** What a killed build left and no later build would take away. */
function leftForGood(ws: Workspace): string[] {
  return ws.leftovers().filter((path) => !SWEPT_LATER.test(path));
}

describe('SIGKILL at random points of a build of the hello workspace', () => {
  it.skipIf(!has('go'))(
    `leaves nothing that the next build trips over, ${POINTS} times (needs go)`,
    { timeout: 60_000 + POINTS * 15_000 },
    async () => {
      const ws = workspace(HELLO);
      const expected = digests(await ws.build());
      forget(ws);
      const start = performance.now();
      await ws.build();
      const whole = performance.now() - start;
      const random = generator(20_241_122);
      let killed = 0;
      for (let point = 0; point < POINTS; point++) {
        forget(ws);
        const at = random() * whole;
        const { child, ended } = ws.start(['build', '--json']);
        const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), at);
        const { code } = await ended;
        clearTimeout(timer);
        expect([0, 137], `killed after ${at} ms`).toContain(code);
        if (code === 137) killed++;
        expect(digests(await ws.build()), `killed after ${at} ms`).toEqual(expected);
        expect(leftForGood(ws), `killed after ${at} ms`).toEqual([]);
      }
      expect(killed).toBeGreaterThan(POINTS / 2);
    },
  );
});

describe.skipIf(!stracesWell())('SIGKILL at a system call of a small build (needs strace)', () => {
  // Every way in which a file gets its name or its bytes for good.
  it.each(['rename', 'link', 'fsync', 'unlink', 'mkdir'])('%s, each of them: the next build gives the same digests', async (call) => {
    const ws = workspace(SMALL);
    const expected = digests(await ws.build());
    let when = 1;
    for (; when < 200; when++) {
      forget(ws);
      const { code } = await ws.ocidsl(['build', '--quiet'], { under: killAt(call, when) });
      expect(digests(await ws.build()), `${call} ${when}`).toEqual(expected);
      expect(leftForGood(ws), `${call} ${when}`).toEqual([]);
      if (code === 0) break;
      expect(code, `${call} ${when}`).toBe(137);
    }
    expect(when).toBeGreaterThan(1);
    expect(when).toBeLessThan(200);
  });

  it('of a second build over the results of the first: old or new, never a mixture', async () => {
    const ws = workspace(SMALL);
    await ws.build();
    const old = join(ws.folder, 'old');
    cpSync(ws.root, old, { recursive: true });
    cpSync(ws.cache, `${old}-cache`, { recursive: true });
    const before = ws.read('ocidsl-out/image/index.json');
    ws.write({ 'a.txt': 'changed\n' });
    const after = digests(await ws.build());
    const indexes = [before, ws.read('ocidsl-out/image/index.json')];
    for (let when = 1; when < 200; when++) {
      for (const folder of [ws.root, ws.cache]) rmSync(folder, { recursive: true });
      cpSync(old, ws.root, { recursive: true });
      cpSync(`${old}-cache`, ws.cache, { recursive: true });
      ws.write({ 'a.txt': 'changed\n' });
      const { code } = await ws.ocidsl(['build', '--quiet'], { under: killAt('rename', when) });
      const index = ws.read('ocidsl-out/image/index.json');
      expect(indexes, `rename ${when}`).toContain(index);
      expectComplete(ws, index);
      expect(digests(await ws.build()), `rename ${when}`).toEqual(after);
      if (code === 0) return;
    }
    expect.unreachable('no run came to its end');
  });
});

describe('temporary files of killed builds in the cache', () => {
  it('are swept by a later build once they are a day old, and not before', async () => {
    const ws = workspace(SMALL);
    await ws.build();
    const temporary = join(ws.cache, 'ocidsl/v1/tmp');
    writeFileSync(join(temporary, '1-x-x-recent'), '');
    utimesSync(join(temporary, '1-x-x-recent'), 0, 0); // the change time counts, and nobody can set that back
    ws.write({ 'a.txt': 'other\n' });
    await ws.build();
    expect(readdirSync(temporary)).toEqual(['1-x-x-recent']);
  });
});

/** Every blob that an index names is there, whole. */
function expectComplete(ws: Workspace, index: string): void {
  const blob = (digest: string) => ws.path('ocidsl-out/image/blobs', digest.replace(':', '/'));
  const visit = (descriptor: { digest: string; size: number; mediaType: string }): void => {
    const bytes = readFileSync(blob(descriptor.digest));
    expect(bytes.length).toBe(descriptor.size);
    if (!descriptor.mediaType.endsWith('manifest.v1+json')) return;
    const manifest = JSON.parse(bytes.toString('utf8')) as { config: typeof descriptor; layers: (typeof descriptor)[] };
    for (const each of [manifest.config, ...manifest.layers]) visit(each);
  };
  for (const each of (JSON.parse(index) as { manifests: Parameters<typeof visit>[0][] }).manifests) visit(each);
}

// One thread for file system calls: strace counts them by thread, and each has its turn.
function killAt(call: string, when: number): string[] {
  const calls: Readonly<Record<string, string>> = {
    rename: 'rename,renameat,renameat2',
    link: 'link,linkat',
    fsync: 'fsync,fdatasync',
    unlink: 'unlink,unlinkat',
    mkdir: 'mkdir,mkdirat',
  };
  const set = calls[call] ?? call;
  return [
    'env',
    'UV_THREADPOOL_SIZE=1',
    'strace',
    '-f',
    '-qqq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${set}`,
    '-e',
    `inject=${set}:signal=KILL:when=${when}`,
  ];
}

// The same numbers in every run, so that a failure can be repeated.
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
