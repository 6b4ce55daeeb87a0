// Images on bases that are tar archives of OCI layouts, as skopeo and podman write them.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasPodman, podmanIn } from './container-rig.ts';
import { readLayout } from './layout-documents.ts';
import { announced, has, messages, Workspace, workspace } from './rig.ts';

const HAS_SKOPEO = has('skopeo');

const BASE = `import { ociImage, ociImageIndex, pkgTar, select } from 'ocidsl';
const pkg = pkgTar({ name: 'pkg', srcs: ['base.txt'] });
const image = ociImage({ name: 'image', os: 'linux', architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }), tars: [pkg], env: { BASE: 'yes' } });
ociImageIndex({ name: 'index', images: [image], platforms: ['linux/amd64', 'linux/arm64'] });
`;

const ON_BASE = (base: string) => `import { ociImage, ociImageIndex, ociPull, pkgTar } from 'ocidsl';
const pkg = pkgTar({ name: 'pkg', srcs: ['app.txt'] });
const pulled = ociPull({ name: 'pulled', image: '${base}' });
const direct = ociImage({ name: 'direct', base: '${base}', tars: [pkg] });
const image = ociImage({ name: 'image', base: pulled, tars: [pkg] });
ociImageIndex({ name: 'index', images: [image], platforms: ['linux/amd64', 'linux/arm64'] });
`;

let base: Workspace;

beforeAll(async () => {
  if (!HAS_SKOPEO) return;
  base = new Workspace({ 'build.config.ts': BASE, 'base.txt': 'base\n' });
  await base.build(['index']);
  skopeo('copy', '--all', `oci:${base.path('ocidsl-out/index')}`, `oci-archive:${base.path('base.tar')}:v1`);
});

afterAll(() => base?.remove());

function skopeo(command: string, ...args: string[]): string {
  return execFileSync(
    'skopeo',
    [command, '--insecure-policy', ...args].filter((each) => each !== ''),
    { encoding: 'utf8' },
  );
}

function onBase(reference = 'oci:base.tar', compress = false): Workspace {
  const ws = workspace({ 'build.config.ts': ON_BASE(reference), 'app.txt': 'app\n' });
  if (compress) writeFileSync(ws.path('base.tar'), gzipSync(readFileSync(base.path('base.tar'))));
  else copyFileSync(base.path('base.tar'), ws.path('base.tar'));
  return ws;
}

const layersOf = (folder: string) => readLayout(folder).images.map(({ manifest }) => manifest.layers);

it.skipIf(!HAS_SKOPEO).each([
  ['plain', false, 'oci:base.tar'],
  ['named', false, 'oci:base.tar:v1'],
  ['compressed', true, 'oci:base.tar'],
])('an archive that is %s is a base for every platform (needs skopeo)', async (_, compress, reference) => {
  const ws = onBase(reference, compress);
  const { rows, run } = await ws.buildVerbosely(['index', 'direct']);
  expect(run.stderr).not.toContain('warning');
  const below = layersOf(base.path('ocidsl-out/index'));
  const images = readLayout(ws.path('ocidsl-out/index')).images;
  expect(images.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64']);
  images.forEach(({ manifest, config }, i) => {
    expect(manifest.layers).toHaveLength(2);
    expect(manifest.layers[0]).toEqual(below[i]![0]);
    expect(config.config!.Env).toContain('BASE=yes');
  });
  // Complete on disk: others can read it, with the base's layers.
  skopeo('copy', '--quiet', '--all', `oci:${ws.path('ocidsl-out/index')}`, `dir:${join(ws.folder, 'copy')}`);

  expect(announced((await ws.buildVerbosely(['index', 'direct'])).run)).toEqual([]);
  // Without cache and outputs everything is had from the archive again.
  rmSync(ws.cache, { recursive: true });
  rmSync(ws.path('ocidsl-out'), { recursive: true });
  expect(await ws.build(['index', 'direct'])).toEqual(rows);
  // From the cache only, the layers too where they had to be unpacked.
  rmSync(ws.path('ocidsl-out'), { recursive: true });
  expect(await ws.build(['index', 'direct'])).toEqual(rows);
});

it.skipIf(!HAS_SKOPEO)('the same image comes out of a folder, an archive and a compressed archive (needs skopeo)', async () => {
  const digests = new Set<string>();
  for (const compress of [false, true]) {
    const [row] = await onBase('oci:base.tar', compress).build(['index']);
    digests.add(row!.digest);
  }
  const folder = workspace({ 'build.config.ts': ON_BASE('oci:layout'), 'app.txt': 'app\n' });
  execFileSync('cp', ['-r', base.path('ocidsl-out/index'), folder.path('layout')]);
  const [row] = await folder.build(['index']);
  digests.add(row!.digest);
  expect([...digests]).toHaveLength(1);
});

it.skipIf(!HAS_SKOPEO)('another archive in its place is noticed, a damaged one is refused (needs skopeo)', async () => {
  const ws = onBase();
  const before = await ws.build(['index']);
  base.write({ 'base.txt': 'another base\n' });
  await base.build(['index']);
  skopeo('copy', '--all', `oci:${base.path('ocidsl-out/index')}`, `oci-archive:${base.path('other.tar')}:v1`);
  renameSync(base.path('other.tar'), ws.path('base.tar'));
  const after = await ws.build(['index']);
  expect(after[0]!.digest).not.toBe(before[0]!.digest);
  const [[layer] = []] = layersOf(base.path('ocidsl-out/index'));
  // Layers are read when the image is written: one byte of one of them is another now.
  const archive = readFileSync(ws.path('base.tar'));
  const blob = readFileSync(base.path('ocidsl-out/index/blobs/sha256', layer!.digest.slice(7)));
  archive[archive.indexOf(blob) + 20]! ^= 1;
  writeFileSync(ws.path('base.tar'), archive);
  rmSync(ws.path('ocidsl-out'), { recursive: true });
  const damaged = await ws.ocidsl(['build', 'index']);
  expect(damaged.code).toBe(5);
  expect(messages(damaged).join('\n')).toContain(layer!.digest);
  writeFileSync(ws.path('base.tar'), archive.subarray(0, 3000));
  const cut = await ws.ocidsl(['build', 'index']);
  expect(cut.code).toBe(1);
  expect(messages(cut)[0]).toMatch(/base\.tar": it was cut/);
});

it.skipIf(!HAS_SKOPEO || !hasPodman())(
  'what podman saves is a base, and a docker archive is told apart (needs skopeo, podman and root)',
  async () => {
    const podman = podmanIn(join(base.folder, 'podman'));
    const ws = onBase('oci:saved.tar');
    const id = (await podman.command('pull', '--quiet', '--arch', 'amd64', `oci-archive:${base.path('base.tar')}`)).trim();
    await podman.command('tag', id, 'localhost/saved:v1');
    await podman.command('save', '--quiet', '--format', 'oci-archive', '-o', ws.path('saved.tar'), 'localhost/saved:v1');
    await ws.build(['--platform=linux/amd64', 'direct', 'image']);
    const [image] = readLayout(ws.path('ocidsl-out/image')).images;
    expect(image!.manifest.layers).toHaveLength(2);
    expect(image!.config.config!.Env).toContain('BASE=yes');
    rmSync(ws.path('saved.tar'));
    await podman.command('save', '--quiet', '--format', 'docker-archive', '-o', ws.path('saved.tar'), 'localhost/saved:v1');
    const docker = await ws.ocidsl(['build', '--platform=linux/amd64', 'image']);
    expect(docker.code).toBe(2);
    expect(docker.stderr).toContain('skopeo copy docker-archive:');
  },
);
