// The same inputs give the same bytes, wherever, whenever and by whomever they are built.
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesBelow, has } from './machine.ts';
import { CHECKOUT_BINARY, digests, workspace, type Files, type Workspace } from './rig.ts';

const TARS: Files = {
  'build.config.ts': `import { glob, ociImage, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', srcs: [glob(['data/**'])], stripPrefix: '.', symlinks: { link: 'data/z' }, extension: 'tar.gz' });
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer], env: { B: '1', A: '2' }, labels: { z: '1', a: '2' } });
`,
  'data/z': 'z',
  'data/a': 'a',
  'data/\u00e9': 'not ASCII',
  'data/Z': 'upper case',
};
const HELLO: Files = {
  'build.config.ts': `import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';
goOciImage({ name: 'hello', srcs: [goBinary({ name: 'app', package: './cmd/app' })], entrypoint: ['/app'] });
`,
  'go.mod': 'module example.com/app\n\ngo 1.24\n',
  'cmd/app/main.go': 'package main\n\nimport "os"\n\nfunc main() { println(len(os.Args)) }\n',
};

/** Builds as another user of another machine might: their folder, umask, time zone, language, home and cache. */
async function buildElsewhere(
  files: Files,
  umask: string,
  env: Record<string, string>,
  args: readonly string[],
): Promise<{ ws: Workspace; digests: Record<string, string> }> {
  const ws = workspace(Object.fromEntries(Object.entries(files).reverse()));
  const home = join(ws.folder, 'another home');
  mkdirSync(home);
  const rows = await ws.build(args, { env: { HOME: home, ...env }, under: ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'] });
  return { ws, digests: digests(rows) };
}

const HERE = ['022', { TZ: 'UTC', LANG: 'C' }] as const;
const THERE = ['077', { TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', USER: 'somebody', CI: 'true' }] as const;

describe('two builds in different folders with different umask, TZ, LANG, HOME and cache', () => {
  it.skipIf(!has('go'))('give the same index digest (needs go)', async () => {
    const here = await buildElsewhere(HELLO, ...HERE, ['hello_index', 'app']);
    const there = await buildElsewhere(HELLO, ...THERE, ['hello_index', 'app']);
    expect(here.digests['hello_index ocidsl-out/hello_index']).toMatch(/^sha256:/);
    expect(there.digests).toEqual(here.digests);
  });

  it('give the same files', async () => {
    const here = await buildElsewhere(TARS, ...HERE, []);
    const there = await buildElsewhere(TARS, ...THERE, []);
    expect(there.digests).toEqual(here.digests);
    const names = (ws: Workspace) =>
      filesBelow(ws.path('ocidsl-out'))
        .map((path) => path.slice(ws.root.length))
        .sort();
    expect(names(there.ws)).toEqual(names(here.ws));
    expect(there.ws.read('ocidsl-out/image/index.json')).toBe(here.ws.read('ocidsl-out/image/index.json'));
  });
});

describe('what may differ', () => {
  it.each(['1', '4'])('is not the number of jobs: %s', async (jobs) => {
    const usual = await workspace(TARS).build();
    expect(await workspace(TARS).build(['--jobs', jobs])).toEqual(usual);
  });

  it('SOURCE_DATE_EPOCH is the time of the image, and nothing else', async () => {
    const ws = workspace(TARS);
    const usual = digests(await ws.build());
    const dated = digests(await ws.build([], { env: { SOURCE_DATE_EPOCH: '1700000000' } }));
    expect(dated['layer ocidsl-out/layer.tar.gz']).toBe(usual['layer ocidsl-out/layer.tar.gz']);
    expect(dated['image ocidsl-out/image']).not.toBe(usual['image ocidsl-out/image']);
    const own = configOf(ws);
    expect(own).toHaveProperty('created', '2023-11-14T22:13:20Z');
    expect(digests(await ws.build([], { env: { SOURCE_DATE_EPOCH: '' } }))).toEqual(usual);
    const { created, history, ...rest } = configOf(ws);
    expect(created).toBe('1970-01-01T00:00:00Z');
    expect(history).toBeDefined();
    expect(own).toMatchObject(rest);
  });

  it('the config loader decides nothing', async () => {
    const usual = await workspace(TARS).build();
    // Without the bundle, the config is a module like any other, and the library must be installed.
    const ws = workspace({ ...TARS, 'package.json': '{ "type": "module" }', 'node_modules/x': '' });
    symlinkSync(join(CHECKOUT_BINARY, '../..'), ws.path('node_modules/ocidsl'));
    expect(await ws.build(['--config-loader', 'tsx'])).toEqual(usual);
  });
});

function configOf(ws: Workspace): Record<string, unknown> {
  const blob = (digest: string) => JSON.parse(ws.read(`ocidsl-out/image/blobs/${digest.replace(':', '/')}`)) as Record<string, unknown>;
  const index = JSON.parse(ws.read('ocidsl-out/image/index.json')) as { manifests: { digest: string }[] };
  const manifest = blob(index.manifests[0]!.digest) as { config: { digest: string } };
  return blob(manifest.config.digest);
}
