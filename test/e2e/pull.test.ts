// Images on a base in a registry: what is fetched and when, pins, pushes that mount or stream, and what engines make of the result.
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { REAL_REGISTRIES } from '../conformance/real-registries.ts';
import type { RunningRegistry } from '../conformance/registry.ts';
import { canEmulate, hasPodman, podmanIn } from './container-rig.ts';
import { OCI } from '../../lib/oci/media-types.ts';
import { startFakeRegistry } from '../../lib/testing/fake-registry.ts';
import { exampleFiles, linkLibrary } from './example-workspace.ts';
import { filesBelow } from './machine.ts';
import { NOISE } from './noise.ts';
import { recordRequests, type RecordingProxy } from './recording-proxy.ts';
import { has, messages, Workspace, workspace, type Run } from './rig.ts';
import { outputOf } from './run-program.ts';

const [dockerRegistry] = REAL_REGISTRIES;
const HAS_REGISTRY = has(dockerRegistry!.program) && has('skopeo');
const REASON = HAS_REGISTRY ? '' : ' (needs docker-registry and skopeo)';
const ENGINE = existsSync('/var/run/docker.sock') ? ['--engine', 'podman'] : [];
const CAN_RUN = hasPodman() && !existsSync('/run/podman/podman.sock');
const HERE = process.arch === 'x64' ? 'amd64' : process.arch;

// The base: its layer is large enough that nobody fetches it by accident.
const BASE = `import { ociImage, ociImageIndex, ociPush, pkgTar, select } from 'ocidsl';
const pkg = pkgTar({ name: 'pkg', srcs: select({ 'linux/amd64': ['noise', 'amd64.txt'], 'linux/arm64': ['noise', 'arm64.txt'] }) });
const image = ociImage({
  name: 'image', os: 'linux', architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }), tars: [pkg],
  env: { BASE: 'yes' }, user: '65532', annotations: { 'org.opencontainers.image.title': 'base' },
});
const index = ociImageIndex({ name: 'index', images: [image], platforms: ['linux/amd64', 'linux/arm64'] });
ociPush({ name: 'push', image: index, repository: 'HOST/distroless/static', remoteTags: ['nonroot'] });
`;

let registry: RunningRegistry;
let other: RunningRegistry;
let proxy: RecordingProxy;
let base: Workspace;
let indexDigest: string;

beforeAll(async () => {
  if (!HAS_REGISTRY) return;
  [registry, other] = await Promise.all([dockerRegistry!.start(), dockerRegistry!.start()]);
  proxy = await recordRequests(registry.host);
  base = new Workspace({ 'build.config.ts': BASE.replace('HOST', registry.host), noise: NOISE, 'amd64.txt': 'a', 'arm64.txt': 'b' });
  indexDigest = (await pushed(base)).replace(/.*@/, '');
});

afterAll(async () => {
  base?.remove();
  await proxy?.close();
  await Promise.all([registry?.close(), other?.close()]);
});

async function pushed(from: Workspace): Promise<string> {
  const run = await from.ocidsl(['push', 'push']);
  expect(run).toMatchObject({ code: 0 });
  return run.stdout.trim();
}

const PULL = (attributes: string) => `import { ociImage, ociImageIndex, ociLoad, ociPull, ociPush, pkgTar } from 'ocidsl';
const base = ociPull({ name: 'base', ${attributes} });
const pkg = pkgTar({ name: 'pkg', srcs: ['app.txt'] });
const image = ociImage({ name: 'image', base, tars: [pkg], entrypoint: ['/bin/app'], checkEntrypoint: false });
const index = ociImageIndex({ name: 'index', images: [image], platforms: ['linux/amd64', 'linux/arm64'] });
ociLoad({ name: 'load', image, repoTags: ['ocidsl-pull:test'] });
ociPush({ name: 'push', image: index, repository: 'PUSH/acme/app', remoteTags: ['v1'] });
`;

const NONROOT = () => `image: '${proxy.host}/distroless/static', tag: 'nonroot', platforms: ['linux/amd64', 'linux/arm64/v8']`;
const PINNED = () => `image: '${proxy.host}/distroless/static', digest: '${indexDigest}'`;

function onBase(attributes: string, push: string = registry.host): Workspace {
  proxy.requests.length = 0;
  return workspace({ 'build.config.ts': PULL(attributes).replace('PUSH', push), 'app.txt': 'app' });
}

const layerRequests = () => proxy.requests.filter((line) => line.startsWith('GET') && line.includes('/blobs/')).length;

function manifestOf(ws: Workspace, digest: string, layout = 'ocidsl-out/image') {
  return JSON.parse(ws.read(`${layout}/blobs/sha256/${digest.replace('sha256:', '')}`)) as {
    readonly annotations: Readonly<Record<string, string>>;
    readonly layers: readonly { readonly digest: string; readonly mediaType: string }[];
    readonly config: { readonly digest: string };
  };
}

describe.skipIf(!HAS_REGISTRY)(`a base in a registry${REASON}`, () => {
  it('costs its manifest and config only, and the second build asks for nothing', async () => {
    const ws = onBase(PINNED());
    const [row] = await ws.build(['image']);
    expect(proxy.requests.filter((line) => line.includes('/manifests/'))).toHaveLength(2);
    expect(layerRequests()).toBe(1);
    expect(filesBelow(ws.path('ocidsl-out')).length).toBeGreaterThan(3);
    const manifest = manifestOf(ws, row!.digest);
    expect(manifest.layers).toHaveLength(2);
    expect(manifest.annotations).toEqual({
      'org.opencontainers.image.title': 'base',
      'org.opencontainers.image.base.name': `${proxy.host}/distroless/static@${indexDigest}`,
      'org.opencontainers.image.base.digest': expect.stringMatching(/^sha256:/),
    });
    expect(existsSync(ws.path('ocidsl-out/image/blobs/sha256', manifest.layers[0]!.digest.slice(7)))).toBe(false);
    proxy.requests.length = 0;
    const again = await ws.ocidsl(['build', 'image']);
    expect(again.stderr).toContain('no action was run');
    ws.write({ 'app.txt': 'changed' });
    expect(await ws.ocidsl(['build', 'image'])).toMatchObject({ code: 0 });
    expect(proxy.requests).toEqual([]);
  });

  it('puts the layers into the layouts when asked, so that other tools can read them', async () => {
    const ws = onBase(PINNED());
    await ws.build(['index']);
    const [row] = await ws.build(['--with-base-layers', 'index']);
    const target = join(ws.folder, 'copied');
    await outputOf('skopeo', ['copy', '--all', `oci:${ws.path('ocidsl-out/index')}`, `oci:${target}`], {
      cwd: ws.folder,
      env: process.env,
    });
    expect(readdirSync(join(target, 'blobs/sha256'))).toContain(row!.digest.slice(7));
    // The layers of two platforms, each once.
    expect(layerRequests()).toBe(2 + 2);
  });

  it('follows a tag that nobody has pinned, and says so', async () => {
    const ws = onBase(NONROOT());
    const run = await ws.ocidsl(['build', 'image']);
    expect(run.code).toBe(0);
    expect(run.stderr.match(/is not pinned/g)).toHaveLength(1);
    expect(run.stderr).toContain(`digest: '${indexDigest}'`);
  });

  it('names the target whose platform such a tag lacks, where another target has resolved it', async () => {
    const second = `ociPull({ name: 'second', ${NONROOT().replace('linux/amd64', 'linux/s390x')} });`;
    const ws = onBase(NONROOT());
    ws.write({ 'build.config.ts': `${ws.read('build.config.ts')}${second}\n` });
    const run = await ws.ocidsl(['build']);
    expect(run.code).toBe(2);
    expect(messages(run)[0]).toContain('for linux/s390x: what its tag stands for now has linux/amd64, linux/arm64');
    expect(messages(run)[0]).toContain(ws.at("name: 'second'"));
  });

  it('refuses such a tag in CI', async () => {
    const ws = onBase(NONROOT());
    const run = await ws.ocidsl(['build', 'image'], { env: { CI: 'true' } });
    expect(run.code).toBe(2);
    expect(messages(run)[0]).toContain(`Cannot use image "${proxy.host}/distroless/static:nonroot" in CI`);
    expect(messages(run)[0]).toContain(ws.at("name: 'base'"));
    expect(proxy.requests).toEqual([]);
    ws.expectClean();
  });

  it('builds with the pin of the lock file, wherever the tag points, in CI and without the network', async () => {
    const ws = onBase(NONROOT());
    expect(await ws.ocidsl(['lock'])).toMatchObject({ code: 0 });
    expect(JSON.parse(ws.read('ocidsl.lock.json'))).toMatchObject({
      images: { [`${proxy.host}/distroless/static:nonroot`]: { digest: indexDigest } },
    });
    const first = await ws.build(['index'], { env: { CI: 'true' } });
    base.write({ 'amd64.txt': 'moved' });
    const moved = (await pushed(base)).replace(/.*@/, '');
    try {
      expect(moved).not.toBe(indexDigest);
      rmSync(join(ws.cache, 'ocidsl/workspaces'), { recursive: true });
      proxy.requests.length = 0;
      expect(await ws.build(['index'], { env: { CI: 'true' } })).toEqual(first);
      expect(proxy.requests).toEqual([]);
      const lock = await ws.ocidsl(['lock']);
      expect(lock.stdout).toContain(indexDigest.slice(0, 19));
      expect(lock.stdout).toContain(moved.slice(0, 19));
      expect(await ws.build(['index'])).not.toEqual(first);
    } finally {
      base.write({ 'amd64.txt': 'a' });
      await pushed(base);
    }
  });

  it('says which platforms there are where one is missing', async () => {
    const ws = onBase(PINNED());
    const run = await ws.ocidsl(['build', 'image', '--platform', 'linux/riscv64']);
    expect(run.code).toBe(2);
    expect(messages(run)[0]).toMatch(/linux\/riscv64.*linux\/amd64, linux\/arm64/s);
  });

  it('mounts the layers in a push to the same registry', async () => {
    const ws = onBase(PINNED(), proxy.host);
    expect(await ws.ocidsl(['push', 'push'])).toMatchObject({ code: 0 });
    expect(proxy.requests.filter((line) => line.includes('mount=sha256'))).toHaveLength(2);
    expect(layerRequests()).toBe(2);
    await outputOf('skopeo', ['copy', '--all', '--src-tls-verify=false', `docker://${registry.host}/acme/app:v1`, `oci:${ws.folder}/all`], {
      cwd: ws.folder,
      env: process.env,
    });
  });

  it('streams the layers to another registry, each once, and keeps none', async () => {
    const ws = onBase(PINNED(), other.host);
    expect(await ws.ocidsl(['push', 'push'])).toMatchObject({ code: 0 });
    expect(layerRequests()).toBe(2 + 2);
    expect(filesBelow(ws.cache).filter((path) => statSync(path).size >= NOISE.byteLength)).toEqual([]);
    proxy.requests.length = 0;
    expect(await ws.ocidsl(['push', 'push'])).toMatchObject({ code: 0 });
    expect(layerRequests()).toBe(0);
    await outputOf('skopeo', ['copy', '--all', '--src-tls-verify=false', `docker://${other.host}/acme/app:v1`, `oci:${ws.folder}/all`], {
      cwd: ws.folder,
      env: process.env,
    });
  });

  it('converts a Docker image as a whole', async () => {
    const reference = `docker://${registry.host}/docker/static:v2`;
    await outputOf(
      'skopeo',
      [
        'copy',
        '--format=v2s2',
        '--override-arch=amd64',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        `docker://${registry.host}/distroless/static@${indexDigest}`,
        reference,
      ],
      { cwd: base.folder, env: process.env },
    );
    const ws = onBase(`image: '${proxy.host}/docker/static:v2'`);
    const run = await ws.ocidsl(['build', '--json', '--platform', 'linux/amd64', 'image']);
    expect(run.code).toBe(0);
    const [row] = JSON.parse(run.stdout) as [{ digest: string }];
    expect(manifestOf(ws, row.digest).layers.map(({ mediaType }) => mediaType)).toEqual([
      'application/vnd.oci.image.layer.v1.tar+gzip',
      'application/vnd.oci.image.layer.v1.tar+gzip',
    ]);
  });

  it('fetches again what was deleted from the cache', async () => {
    const ws = onBase(PINNED());
    const before = await ws.build(['image']);
    rmSync(join(ws.cache, 'ocidsl'), { recursive: true });
    writeFileSync(ws.path('app.txt'), 'app');
    expect(await ws.build(['image'])).toEqual(before);
  });

  it('pushes a pulled image as it is, byte for byte', async () => {
    const ws = workspace({
      'build.config.ts': `import { ociPull, ociPush } from 'ocidsl';
        const image = ociPull({ name: 'image', ${PINNED()} });
        ociPush({ name: 'push', image, repository: '${other.host}/mirror/static' });`,
    });
    const run = await ws.ocidsl(['push', 'push', '--platform', 'linux/arm64']);
    expect(run.code).toBe(0);
    const raw = async (host: string, reference: string) =>
      await outputOf('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${host}/${reference}`], {
        cwd: ws.folder,
        env: process.env,
      });
    const digest = run.stdout.trim().replace(/.*@/, '');
    expect(await raw(other.host, 'mirror/static:latest')).toBe(await raw(registry.host, `distroless/static@${digest}`));
  });

  it.skipIf(!has('go'))('is what examples/distroless shows (needs go)', async () => {
    const files = exampleFiles('distroless');
    const local = (text: string) =>
      text.replace('gcr.io/distroless/static-debian12', `${proxy.host}/distroless/static`).replace('127.0.0.1:5000', other.host);
    proxy.requests.length = 0;
    const ws = workspace({ ...files, 'build.config.ts': local(String(files['build.config.ts'])) });
    linkLibrary(ws);
    expect(await ws.ocidsl(['lock', '--check'])).toMatchObject({ code: 2 });
    expect(await ws.ocidsl(['lock'])).toMatchObject({ code: 0 });
    expect(await ws.ocidsl(['lock', '--check'])).toMatchObject({ code: 0 });
    expect(await ws.ocidsl(['build'], { env: { CI: 'true' } })).toMatchObject({ code: 0 });
    expect(layerRequests()).toBe(2); // the configs
    const push = await ws.ocidsl(['push', 'hello']);
    expect(push.stdout).toMatch(new RegExp(`^${other.host}/acme/hello@sha256:[0-9a-f]{64}\\n$`));
    const podman = podmanIn(join(ws.folder, 'podman'));
    if (!CAN_RUN) return;
    const run = await ws.ocidsl(['run', 'hello', ...ENGINE], { env: podman.environment });
    expect(run.stdout).toBe(`user 65532 on linux/${HERE}\n`);
  });

  it.skipIf(!CAN_RUN || !canEmulate('arm64'))('is loaded into podman with what is missing there', async () => {
    const ws = onBase(PINNED());
    const podman = podmanIn(join(ws.folder, 'podman'));
    const run: Run = await ws.ocidsl(['load', 'load', ...ENGINE], { env: podman.environment });
    expect(run).toMatchObject({ code: 0 });
    expect(await podman.command('image', 'inspect', '--format', '{{.Architecture}} {{.Config.User}}', 'ocidsl-pull:test')).toBe(
      `${HERE} 65532\n`,
    );
    expect(layerRequests()).toBe(1 + 1);
    proxy.requests.length = 0;
    expect(await ws.ocidsl(['load', 'load', ...ENGINE], { env: podman.environment })).toMatchObject({ code: 0 });
    expect(proxy.requests).toEqual([]);
  });
});

describe('a base of 2 GB in a registry', () => {
  it('costs two small requests, and is not downloaded by a build', async () => {
    const fake = await startFakeRegistry();
    onTestFinished(() => fake.close());
    // Its layers are said to be there, and are not: whoever asks for one fails.
    const layers = [1, 2].map((i) => ({ mediaType: OCI.layerGzip, digest: `sha256:${String(i).repeat(64)}`, size: 1024 ** 3 }));
    const config = json({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    });
    const manifest = json({
      schemaVersion: 2,
      mediaType: OCI.manifest,
      config: { mediaType: OCI.config, digest: fake.storage.putBlob('big', config), size: config.byteLength },
      layers,
    });
    const digest = fake.storage.putManifest('big', OCI.manifest, manifest);
    const ws = workspace({
      'build.config.ts': PULL(`image: '${fake.host}/big', digest: '${digest}'`).replace('PUSH', fake.host),
      'app.txt': 'app',
    });
    const [row] = await ws.build(['image', '--platform', 'linux/amd64']);
    expect(manifestOf(ws, row!.digest).layers.slice(0, 2)).toEqual(layers);
    const requests = fake.requests.map(({ method, path }) => `${method} ${path}`);
    // Whoever needs them is told who does not have them.
    const complete = await ws.ocidsl(['build', 'image', '--platform', 'linux/amd64', '--with-base-layers']);
    expect(complete.code).toBe(3);
    expect(messages(complete)[0]).toContain(`from "${fake.host}/big": the registry does not have it`);
    expect(requests).toEqual([`GET /v2/big/manifests/${digest}`, expect.stringContaining('GET /v2/big/blobs/')]);
  });
});

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
