// Every example: listed, built, built again without running anything, and seen to show what it is there for.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startFakeRegistry } from '../../lib/testing/fake-registry.ts';
import { CHECKOUT, EXAMPLES, exampleFiles, exampleWorkspace, linkLibrary } from './example-workspace.ts';
import { readLayout, type ImageDocuments } from './layout-documents.ts';
import { announced, has, workspace, type ResultRow, type Workspace } from './rig.ts';

/** What there is after the first build. */
interface Built {
  readonly ws: Workspace;
  readonly rows: readonly ResultRow[];
  /** The result of a target that has one. */
  readonly row: (label: string) => ResultRow;
}

function imagesOf(ws: Workspace, path: string): readonly ImageDocuments[] {
  return readLayout(ws.path(path)).images;
}

/** Lines of `tar -tv` without sizes: `-r--r--r-- 0/0 2000-01-01 00:00 srv/www/index.html`. */
function listArchive(file: string): string[] {
  const text = execFileSync('tar', ['-tvf', file, '--numeric-owner'], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^(\S+ \S+) +\d+ \S+ \S+ /, '$1 '));
}

const SHOWN: Readonly<Record<string, (built: Built) => Promise<void> | void>> = {
  async hello({ ws, row }) {
    expect(row('hello_index').platforms).toEqual(['linux/amd64', 'linux/arm64']);
    // Go does not read this file, so nothing depends on it.
    ws.write({ 'apps/hello/NOTES.md': 'not part of the program\n' });
    expect(announced((await ws.buildVerbosely()).run)).toEqual([]);
  },

  async 'from-scratch-by-rules'({ ws }) {
    const before = imagesOf(ws, 'ocidsl-out/index');
    expect(before.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64']);
    for (const { config } of before) expect(config.config).toMatchObject({ User: '65532:65532', Entrypoint: ['/usr/bin/greet'] });
    ws.write({ 'etc/greeting.txt': 'Another greeting\n' });
    const { run } = await ws.buildVerbosely(['index']);
    expect(run.stderr).not.toContain('Compiling');
    const after = imagesOf(ws, 'ocidsl-out/index');
    after.forEach(({ manifest }, i) => {
      expect(manifest.layers[0]).toEqual(before[i]!.manifest.layers[0]);
      expect(manifest.layers[1]).not.toEqual(before[i]!.manifest.layers[1]);
    });
  },

  'base-image'({ ws }) {
    const foundation = imagesOf(ws, 'foundation');
    const images = imagesOf(ws, 'ocidsl-out/index');
    expect(images.map(({ platform }) => platform)).toEqual(foundation.map(({ platform }) => platform));
    images.forEach(({ manifest, config }, i) => {
      const base = foundation[i]!;
      expect(manifest.layers.slice(0, base.manifest.layers.length)).toEqual(base.manifest.layers);
      expect(base.config.config!.Cmd).toEqual(['/bin/sh']);
      expect(config.config).toEqual({
        User: 'service',
        Env: ['PATH=/opt/app/bin:/usr/bin:/bin', 'HOME=/home/service'],
        Entrypoint: ['whoami'],
        WorkingDir: '/home/service',
        Labels: { 'com.example.contact': 'base@example.com', 'org.opencontainers.image.title': 'runtime' },
      });
    });
  },

  'static-site'({ ws }) {
    expect(listArchive(ws.path('ocidsl-out/site.tar'))).toEqual([
      'drwxr-xr-x 0/0 srv/',
      'drwxr-xr-x 0/0 srv/www/',
      '-r--r--r-- 0/0 srv/www/index.html',
      'drwxr-xr-x 0/0 srv/www/static/',
      '-r--r--r-- 0/0 srv/www/static/site.css',
    ]);
    expect(listArchive(ws.path('ocidsl-out/folders.tar'))).toEqual([
      'drwxrwxrwt 0/0 tmp/',
      expect.stringMatching(/^drwxr-xr-x \S+ var\/$/),
      expect.stringMatching(/^drwxr-xr-x \S+ var\/cache\/$/),
      'drwxr-x--- 65532/65532 var/cache/site/',
      'lrwxrwxrwx 0/0 var/www -> ../srv/www',
    ]);
    const [image] = imagesOf(ws, 'ocidsl-out/image');
    expect(image!.config.config).toMatchObject({
      Env: ['SITE_ROOT=/srv/www', 'SITE_ADDRESS=:8080'],
      ExposedPorts: { '8080/tcp': {} },
      Labels: { 'org.opencontainers.image.licenses': 'Apache-2.0', 'org.opencontainers.image.title': 'Acme site' },
    });
    expect(image!.manifest.annotations).toMatchObject({ 'org.opencontainers.image.source': 'https://example.com/acme/site' });
  },

  async command({ ws, row }) {
    expect(ws.read(row('page').path!)).toBe('<h1>Release notes</h1>\n<ul>\n  <li>Faster start.</li>\n  <li>Fewer surprises.</li>\n</ul>\n');
    ws.write({ 'notes.txt': 'One thing.\n', 'unrelated.txt': 'no input' });
    expect(announced((await ws.buildVerbosely(['page'])).run)).toEqual(['Running sh for page']);
    expect(ws.read(row('page').path!)).toContain('<li>One thing.</li>');
  },

  // What its workflow runs is in auth-github-actions.test.ts.
  'github-actions'({ row }) {
    expect(row('hello_index').platforms).toEqual(['linux/amd64', 'linux/arm64']);
  },

  async 'macros-package'({ ws, row }) {
    expect(ws.read('ocidsl-out/clock_checksums/SHA256SUMS')).toBe(`${row('clock_bin').digest.replace('sha256:', '')}  clock_bin\n`);
    const [image] = imagesOf(ws, 'ocidsl-out/clock');
    expect(image!.config.config).toMatchObject({ User: '65532:65532', Labels: { 'com.acme.team': 'time', 'com.acme.service': 'clock' } });
    // Installed from npm by somebody else, it makes the same.
    const files = exampleFiles('macros-package');
    const other = workspace(Object.fromEntries(['build.config.ts', 'go.mod', 'cmd/clock/main.go'].map((path) => [path, files[path]!])));
    linkLibrary(other);
    mkdirSync(other.path('node_modules/@acme/images'), { recursive: true });
    for (const file of ['package.json', 'index.ts', 'acme-service.ts', 'checksums.ts'])
      cpSync(ws.path(file), other.path('node_modules/@acme/images', file));
    const [index] = await other.build(['clock_index']);
    expect(index!.digest).toBe(row('clock_index').digest);
  },

  async monorepo({ ws, row }) {
    const indexes = async () => {
      const rows = await ws.build(['push_api', 'push_worker']);
      return rows.map(({ digest }) => digest);
    };
    const [api, worker] = [row('apps/api:api_index').digest, row('apps/worker:worker_index').digest];
    expect(await indexes()).toEqual([api, worker]);
    ws.write({ 'apps/api/main.go': ws.read('apps/api/main.go').replace('"api"', '"the new api"') });
    expect(await indexes()).toEqual([expect.not.stringMatching(api), worker]);
    ws.write({ 'libs/greeting/greeting.go': ws.read('libs/greeting/greeting.go').replace('Hello', 'Greetings') });
    expect((await indexes())[1]).not.toBe(worker);
    // Only what a command needs is loaded.
    ws.write({ 'apps/worker/build.config.ts': 'this is no config' });
    expect((await ws.build(['apps/api:api_index'])).map(({ label }) => label)).toEqual(['apps/api:api_index']);
  },

  async push({ ws, row }) {
    await using registry = await startFakeRegistry();
    const env = { REGISTRY: registry.host, GIT_CEILING_DIRECTORIES: ws.folder };
    ws.write({ 'preview.txt': `${registry.host}/preview/site\n`, '.gitignore': 'ocidsl-out\nnode_modules\n' });
    const git = ['-c', 'user.name=a', '-c', 'user.email=a@example.com'];
    for (const args of [
      ['init', '-q'],
      ['add', '.'],
      ['commit', '-q', '-m', 'site'],
      ['tag', 'v1.0.0'],
    ])
      execFileSync('git', [...git, ...args], { cwd: ws.root, env: { PATH: process.env['PATH'], HOME: ws.home } });
    const plan = await ws.ocidsl(['push', '--dry-run', 'release'], { env });
    expect(plan.stdout).toContain(`from ${registry.host}/acme/site`);
    expect(plan.stdout).toContain('6 tags to move');
    const run = await ws.ocidsl(['push', 'release', 'preview'], { env });
    expect(run).toMatchObject({ code: 0 });
    const { digest } = row('index');
    expect(run.stdout.split('\n').slice(0, 2)).toEqual(['acme', 'mirror'].map((name) => `${registry.host}/${name}/site@${digest}`));
    for (const name of ['acme/site', 'mirror/site'])
      expect([...registry.storage.repository(name).tags]).toEqual([
        [expect.stringMatching(/^[0-9a-f]{7}$/), digest],
        ['v1.0.0', digest],
        ['latest', digest],
      ]);
    expect([...registry.storage.repository('preview/site').tags.keys()]).toEqual(['preview']);
    const found = (await (await fetch(`${registry.origin}/v2/mirror/site/referrers/${digest}`)).json()) as { manifests: object[] };
    expect(found.manifests).toMatchObject([{ artifactType: 'application/vnd.example.contents' }]);
  },

  async 'select-and-variants'({ ws, row }) {
    expect(row('index').platforms).toEqual(['linux/amd64', 'linux/amd64/v3', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7']);
    expect(readFileSync(ws.path(row('agent_mac').path!)).readUInt32LE()).toBe(0xfeedfacf); // Mach-O, 64 bits
    await ws.build(['--platform=linux/arm/v7', 'agent', 'layer']);
    expect(execFileSync('go', ['version', '-m', ws.path('ocidsl-out/agent')], { encoding: 'utf8' })).toContain('GOARM=7');
    expect(execFileSync('tar', ['-xOf', ws.path('ocidsl-out/layer.tar'), 'etc/agent.conf'], { encoding: 'utf8' })).toBe('buffers = 4\n');
    const run = await ws.ocidsl(['build', '--platform=linux/riscv64', 'image']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('linux/amd64, linux/arm64, linux/arm');
  },
};

it('every folder of examples/ is tested here', () => {
  expect(Object.keys(SHOWN).sort()).toEqual(EXAMPLES);
});

it.skipIf(!has('go'))('the config of this repository makes the image of examples/hello (needs go)', async () => {
  const ws = workspace({});
  const ofRepository = await ws.build(['--root', CHECKOUT, '--output-dir', ws.path('out'), 'hello_index']);
  const example = exampleWorkspace('hello');
  onTestFinished(() => example.remove());
  const ofExample = await example.build(['hello_index']);
  expect(ofRepository.map(({ digest }) => digest)).toEqual(ofExample.map(({ digest }) => digest));
});

describe.skipIf(!has('go')).each(EXAMPLES)('examples/%s (needs go)', (name) => {
  let ws: Workspace;
  let rows: readonly ResultRow[];

  beforeAll(async () => {
    ws = exampleWorkspace(name);
    rows = await ws.build();
  });

  afterAll(() => ws?.remove());

  it('is a workspace of its own, with a page that says what it shows', () => {
    const manifest = JSON.parse(ws.read('package.json')) as { private: boolean; devDependencies: Record<string, string> };
    expect(manifest).toMatchObject({ private: true, devDependencies: { ocidsl: 'file:../..' } });
    expect(JSON.parse(ws.read('ocidsl.lock.json'))).toEqual({ version: 1 });
    const page = ws.read('README.md');
    expect(page).toMatch(/^# /);
    expect(page).toContain('npx ocidsl build');
  });

  it('lists its targets', async () => {
    const { code, stdout } = await ws.ocidsl(['list', '--json']);
    expect(code).toBe(0);
    const listed = (JSON.parse(stdout) as { label: string }[]).map(({ label }) => label);
    expect(listed).toEqual(expect.arrayContaining([...new Set(rows.map(({ label }) => label))]));
  });

  it('runs nothing when it is built again', async () => {
    const { rows: again, run } = await ws.buildVerbosely();
    expect(again).toEqual(rows);
    expect(run.stderr).toContain('no action was run');
  });

  it('shows what it is there for', async () => {
    const row = (label: string): ResultRow => rows.find((each) => each.label === label)!;
    await SHOWN[name]!({ ws, rows, row });
  });
});
