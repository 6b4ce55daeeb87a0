// `ocidsl lock` against a real registry: pins are made, moved, dropped and checked, and a failure leaves the file as it was.
import { createHash } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isInstalled, REAL_REGISTRIES } from '../conformance/real-registries.ts';
import type { RunningRegistry } from '../conformance/registry.ts';
import { recordRequests, type RecordingProxy } from './recording-proxy.ts';
import { has, messages, Workspace, workspace, type Files } from './rig.ts';
import { outputOf } from './run-program.ts';

const [dockerRegistry] = REAL_REGISTRIES;
const NO_REGISTRY = !has(dockerRegistry!.program);
const LOCK = 'ocidsl.lock.json';

let registry: RunningRegistry | undefined;
let proxy: RecordingProxy | undefined;
let publisher: Workspace | undefined;

beforeAll(async () => {
  if (NO_REGISTRY) return;
  registry = await dockerRegistry!.start();
  proxy = await recordRequests(registry.host);
  publisher = new Workspace({});
});
afterAll(async () => {
  publisher?.remove();
  await proxy?.close();
  await registry?.close();
});

interface Publication {
  readonly platforms?: readonly string[];
  readonly layers?: readonly string[];
  /** The day of `created`. */
  readonly day?: string;
}

// Somebody else's image, pushed by somebody else.
async function publish(
  name: string,
  { platforms = ['linux/amd64'], layers = ['one'], day = '2026-10-01' }: Publication = {},
): Promise<string> {
  const [repository, tag] = name.split(':') as [string, string];
  publisher!.write({
    'build.config.ts': `import { ociImage, ociImageIndex, ociPush, pkgTar } from 'ocidsl';
const tars = ${JSON.stringify(layers)}.map((name) => pkgTar({ name, emptyFiles: ['etc/' + name] }));
const images = ${JSON.stringify(platforms.map((platform) => platform.split('/')))}
  .map(([os, architecture]) => ociImage({ name: architecture, os, architecture, tars }));
const index = ociImageIndex({ name: 'index', images });
ociPush({ name: 'publish', image: index, repository: '${proxy!.host}/${repository}', remoteTags: ['${tag}'] });
`,
  });
  const env = { SOURCE_DATE_EPOCH: String(Date.parse(`${day}T00:00:00Z`) / 1000) };
  const run = await publisher!.ocidsl(['push', 'publish'], { env });
  expect(run, run.stderr).toMatchObject({ code: 0 });
  return run.stdout.trim().split('@')[1]!;
}

function pull(name: string, attributes: string): string {
  return `ociPull({ name: '${name}', ${attributes.replaceAll('HOST', proxy!.host)} });\n`;
}

function user(config: string, files: Files = {}): Workspace {
  return workspace({ 'build.config.ts': `import { ociPull } from 'ocidsl';\n${config}`, ...files });
}

interface LockJson {
  readonly images: Record<string, { readonly digest: string; readonly platforms: Record<string, object> }>;
}

const pins = (ws: Workspace) => (JSON.parse(ws.read(LOCK)) as LockJson).images;
const short = (digest: string) => `${digest.slice(0, 19)}…`;

// A server for the time of one test; returns its origin.
async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.skipIf(NO_REGISTRY)('ocidsl lock (needs docker-registry)', () => {
  it('pins a tag with every platform, in one request, and prints it', async () => {
    const digest = await publish('new:1', { platforms: ['linux/amd64', 'linux/arm64', 'linux/s390x'] });
    const ws = user(pull('base', `image: 'HOST/new', tag: '1', platforms: ['linux/amd64', 'linux/arm64/v8']`));
    rmSync(ws.path(LOCK));
    proxy!.requests.length = 0;
    const run = await ws.ocidsl(['lock']);
    const name = `${proxy!.host}/new:1`;
    expect(run).toEqual({ code: 0, stdout: `${name}  (none) → ${short(digest)}, linux/amd64 linux/arm64 linux/s390x\n`, stderr: '' });
    expect(proxy!.requests.filter((request) => request.includes('/manifests/'))).toEqual(['GET /v2/new/manifests/1']);
    expect(proxy!.requests.filter((request) => request.includes('/blobs/'))).toEqual([]);
    expect(pins(ws)[name]).toMatchObject({ digest, mediaType: 'application/vnd.oci.image.index.v1+json' });
    expect(Object.keys(pins(ws)[name]!.platforms)).toEqual(['linux/amd64', 'linux/arm64', 'linux/s390x']);
    expect(statSync(ws.path(LOCK)).mode & 0o777).toBe(0o644);
    expect(ws.leftovers()).toEqual([]);
  });

  it('changes nothing where nothing changed', async () => {
    await publish('same:1');
    const ws = user(pull('base', `image: 'HOST/same:1'`));
    expect(await ws.ocidsl(['lock'])).toMatchObject({ code: 0 });
    const before = statSync(ws.path(LOCK), { bigint: true });
    expect(await ws.ocidsl(['lock'])).toEqual({ code: 0, stdout: '', stderr: 'ocidsl.lock.json: nothing changed, 1 pin\n' });
    expect(await ws.ocidsl(['lock', '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await ws.ocidsl(['lock', '--json'])).toMatchObject({ code: 0, stdout: '[]\n' });
    expect(statSync(ws.path(LOCK), { bigint: true })).toMatchObject({ ino: before.ino, mtimeNs: before.mtimeNs });
  });

  it('moves a pin with its tag and says what moved', async () => {
    const old = await publish('moving:1', { platforms: ['linux/amd64', 'linux/386'], day: '2026-10-01' });
    const ws = user(pull('base', `image: 'HOST/moving', tag: '1', platforms: ['linux/amd64']`));
    expect(await ws.ocidsl(['lock'])).toMatchObject({ code: 0 });
    const now = await publish('moving:1', { platforms: ['linux/amd64', 'linux/arm64'], layers: ['one', 'two'], day: '2026-11-01' });
    const name = `${proxy!.host}/moving:1`;
    expect(await ws.ocidsl(['lock'])).toEqual({
      code: 0,
      stdout: `${name}  ${short(old)} → ${short(now)}, linux/amd64: +1 layer, created 2026-10-01 → 2026-11-01; +linux/arm64 -linux/386\n`,
      stderr: '',
    });
    expect(pins(ws)[name]!.digest).toBe(now);
  });

  it('gives the changes as JSON', async () => {
    const old = await publish('json:1');
    const ws = user(pull('base', `image: 'HOST/json:1', platforms: ['linux/amd64']`));
    await ws.ocidsl(['lock']);
    const now = await publish('json:1', { layers: ['two'] });
    const { stdout } = await ws.ocidsl(['lock', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        kind: 'image',
        name: `${proxy!.host}/json:1`,
        from: { digest: old },
        to: { digest: now, platforms: { 'linux/amd64': { digest: expect.stringContaining('sha256:') } } },
        platforms: [{ platform: 'linux/amd64', contents: { layersAdded: 1, layersRemoved: 1 } }],
      },
    ]);
  });

  it('says less where the old image is gone from the registry', async () => {
    const old = await publish('gone:1');
    const ws = user(pull('base', `image: 'HOST/gone:1', platforms: ['linux/amd64']`));
    await ws.ocidsl(['lock']);
    const manifests = Object.values(pins(ws)[`${proxy!.host}/gone:1`]!.platforms) as { digest: string }[];
    const now = await publish('gone:1', { layers: ['two'] });
    for (const digest of [old, manifests[0]!.digest]) {
      expect((await fetch(`http://${registry!.host}/v2/gone/manifests/${digest}`, { method: 'DELETE' })).status).toBe(202);
    }
    expect(await ws.ocidsl(['lock'])).toMatchObject({ code: 0, stdout: `${proxy!.host}/gone:1  ${short(old)} → ${short(now)}\n` });
  });

  it('drops pins that no target asks for, and with names leaves the others alone', async () => {
    const [a, b] = [await publish('a:1'), await publish('b:1')];
    const both = pull('a', `image: 'HOST/a:1'`) + pull('b', `image: 'HOST/b:1'`);
    const ws = user(both);
    await ws.ocidsl(['lock']);
    const [newA] = [await publish('a:1', { layers: ['two'] }), await publish('b:1', { layers: ['two'] })];
    expect((await ws.ocidsl(['lock', 'a'])).stdout.split(', ')[0]).toBe(`${proxy!.host}/a:1  ${short(a)} → ${short(newA)}`);
    expect(pins(ws)[`${proxy!.host}/b:1`]!.digest).toBe(b);

    ws.write({ 'build.config.ts': `import { ociPull } from 'ocidsl';\n${pull('a', `image: 'HOST/a:1'`)}` });
    expect(await ws.ocidsl(['lock'])).toEqual({ code: 0, stdout: `${proxy!.host}/b:1  ${short(b)} → (none)\n`, stderr: '' });
    expect(Object.keys(pins(ws))).toEqual([`${proxy!.host}/a:1`]);
  });

  it('leaves the file as it was where one image fails, and tells every failure with its place', async () => {
    await publish('fine:1');
    const ws = user(pull('fine', `image: 'HOST/fine:1'`));
    await ws.ocidsl(['lock']);
    const before = ws.read(LOCK);
    await publish('fine:1', { layers: ['two'] });
    ws.write({
      'build.config.ts': `import { ociPull } from 'ocidsl';
${pull('fine', `image: 'HOST/fine:1'`)}${pull('typo', `image: 'HOST/fine:2'`)}${pull('other', `image: 'HOST/fine:1', platforms: ['linux/s390x']`)}`,
    });
    const run = await ws.ocidsl(['lock']);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    const host = proxy!.host;
    const [first, second, ...others] = messages(run);
    expect(others).toEqual([]);
    expect(first).toContain(`Cannot find platform "linux/s390x" in image "${host}/fine:1": it has linux/amd64`);
    expect(second).toContain(`Cannot find image "${host}/fine:2": ${host} has no such tag or repository, expected one that exists`);
    expect(second).toContain(`--> ${ws.at("name: 'typo'")}`);
    expect(ws.read(LOCK)).toBe(before);
    expect(ws.leftovers()).toEqual([]);
  });

  it('pins the same for whatever order the targets have, and for two targets of one tag', async () => {
    await publish('order:1');
    await publish('order:2');
    const [one, two] = [pull('one', `image: 'HOST/order:1'`), pull('two', `image: 'HOST/order', tag: '2'`)];
    const ws = user(one + two);
    const other = user(two + pull('again', `image: 'HOST/order:1', platforms: ['linux/amd64']`) + one);
    for (const each of [ws, other]) expect(await each.ocidsl(['lock'])).toMatchObject({ code: 0 });
    expect(other.read(LOCK)).toBe(ws.read(LOCK));
  });

  it('a digest in the config needs no pin', async () => {
    const digest = await publish('pinned:1');
    const ws = user(pull('base', `image: 'HOST/pinned', tag: '1', digest: '${digest}'`));
    expect(await ws.ocidsl(['lock'])).toMatchObject({ code: 0, stdout: '' });
    expect(ws.read(LOCK)).toBe('{}\n');
  });

  it.skipIf(!isInstalled('crane'))("pins another tool's Docker manifest list (needs crane)", async () => {
    await publish('parts:amd64');
    await publish('parts:arm64', { platforms: ['linux/arm64'] });
    const args = ['index', 'append', '--insecure', '--docker-empty-base', '-t', `${proxy!.host}/list:1`];
    const manifests = ['amd64', 'arm64'].flatMap((tag) => ['-m', `${proxy!.host}/parts:${tag}`]);
    await outputOf('crane', [...args, ...manifests], { env: process.env });
    const ws = user(pull('base', `image: 'HOST/list:1', platforms: ['linux/arm64/v8']`));
    expect(await ws.ocidsl(['lock'])).toMatchObject({ code: 0 });
    const pin = pins(ws)[`${proxy!.host}/list:1`]!;
    expect(pin).toMatchObject({ mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json' });
    expect(Object.keys(pin.platforms)).toEqual(['linux/amd64', 'linux/arm64']);
  });

  it.skipIf(!has('skopeo'))('pins a single image that another tool copied (needs skopeo)', async () => {
    await publish('multi:1');
    const from = `docker://${proxy!.host}/multi:1`;
    const to = `docker://${proxy!.host}/single:1`;
    const flags = ['--src-tls-verify=false', '--dest-tls-verify=false', '--format=v2s2', '--override-arch=amd64'];
    await outputOf('skopeo', ['copy', ...flags, from, to], { env: process.env });
    const ws = user(pull('base', `image: 'HOST/single:1', platforms: ['linux/amd64']`));
    expect(await ws.ocidsl(['lock'])).toMatchObject({ code: 0 });
    const pin = pins(ws)[`${proxy!.host}/single:1`]!;
    expect(pin).toMatchObject({ mediaType: 'application/vnd.docker.distribution.manifest.v2+json' });
    expect(pin.platforms).toEqual({ 'linux/amd64': { mediaType: expect.anything(), digest: pin.digest, size: expect.any(Number) } });
  });

  it('works in CI: nobody runs it there by chance', async () => {
    await publish('ci:1');
    const ws = user(pull('base', `image: 'HOST/ci:1'`));
    expect(await ws.ocidsl(['lock'], { env: { CI: 'true' } })).toMatchObject({ code: 0 });
    expect(Object.keys(pins(ws))).toEqual([`${proxy!.host}/ci:1`]);
  });
});

describe('ocidsl lock', () => {
  // Reserved for documentation: nothing answers there.
  const OFFLINE = `ociPull({ name: 'base', image: 'registry.invalid/base:1' });\n`;
  const CONFLICT = `{\n  "version": 1,\n<<<<<<< HEAD\n  "images": {}\n=======\n  "files": {}\n>>>>>>> other\n}\n`;

  it.each<[string, string, string, RegExp]>([
    ['a merge conflict', CONFLICT, 'ocidsl.lock.json:3:1', /conflict marker[^]*hint: Keep one side/],
    ['broken JSON', '{\n  "version": 1,\n}\n', 'ocidsl.lock.json:3:1', /there is "}", expected a key/],
    ['a newer version', '{ "version": 2 }', '', /its version is 2, expected 1[^]*newer ocidsl/],
    ['an empty file', '', '', /it is empty/],
  ])('refuses to read or overwrite %s', async (_, text, place, message) => {
    const ws = user(OFFLINE, { [LOCK]: text });
    for (const args of [['lock'], ['lock', '--check'], ['build']]) {
      const run = await ws.ocidsl(args);
      expect(run, run.stderr).toMatchObject({ code: 2, stdout: '' });
      expect(run.stderr).toMatch(message);
      expect(run.stderr).toContain(place);
    }
    expect(ws.read(LOCK)).toBe(text);
  });

  it('makes no file where there is nothing to pin', async () => {
    const ws = workspace({ 'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'a', emptyFiles: ['b'] });\n` });
    rmSync(ws.path(LOCK));
    expect(await ws.ocidsl(['lock'])).toEqual({ code: 0, stdout: '', stderr: 'ocidsl.lock.json: nothing changed, 0 pins\n' });
    expect(existsSync(ws.path(LOCK))).toBe(false);
  });

  it('pins files and Go archives by what their URLs give, and keeps what it downloaded for the build', async () => {
    const contents: Record<string, string> = { '/tool.txt': 'one\n', '/go.tar.gz': 'an archive\n' };
    const asked: string[] = [];
    const origin = await serve((request, response) => {
      asked.push(request.url!);
      response.end(contents[request.url!]);
    });
    const hosts = ['darwin/amd64', 'darwin/arm64', 'linux/amd64', 'linux/arm64'];
    const urls = Object.fromEntries(hosts.map((host) => [host, [`${origin}/go.tar.gz`]]));
    const ws = workspace({
      'build.config.ts': `import { goToolchain, httpFile } from 'ocidsl';
httpFile({ name: 'tool', urls: ['${origin}/tool.txt'] });
goToolchain({ name: 'go', version: '1.26.8', urls: ${JSON.stringify(urls)} });
`,
    });
    const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
    const [one, two] = ['one\n', 'two two\n'].map(digestOf) as [string, string];
    const first = await ws.ocidsl(['lock', '--quiet']);
    expect(first).toEqual({
      code: 0,
      stdout: `${origin}/tool.txt  (none) → ${short(one)}\nGo 1.26.8  (none) → ${hosts.join(' ')}\n`,
      stderr: '',
    });
    expect(JSON.parse(ws.read(LOCK))).toEqual({
      version: 1,
      files: { [`${origin}/tool.txt`]: { digest: one, size: 4 } },
      goToolchains: { '1.26.8': Object.fromEntries(hosts.map((host) => [host, { digest: digestOf('an archive\n') }])) },
    });
    expect(await ws.ocidsl(['lock', '--check'])).toMatchObject({ code: 0 });

    const lockedAt = asked.length;
    expect(await ws.build(['tool'], { env: { CI: 'true' } })).toHaveLength(1);
    expect(asked.slice(lockedAt)).toEqual([]);

    contents['/tool.txt'] = 'two two\n';
    const second = await ws.ocidsl(['lock', '--quiet']);
    expect(second).toEqual({ code: 0, stdout: `${origin}/tool.txt  ${short(one)} → ${short(two)}, 4 → 8 bytes\n`, stderr: '' });
  });

  it('leaves everything as it was when it is interrupted', async () => {
    let ask: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      ask = resolve;
    });
    const silent = new URL(await serve(() => ask()));
    const ws = user(`ociPull({ name: 'base', image: '${silent.host}/base:1' });\n`);
    const { child, ended } = ws.start(['lock']);
    await asked;
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, stdout: '' });
    expect(ws.read(LOCK)).toBe('{}\n');
    expect(ws.leftovers()).toEqual([]);
  });

  it('does not overwrite what somebody else has written meanwhile', async () => {
    let meanwhile: () => void = () => undefined;
    const origin = await serve((_, response) => {
      meanwhile();
      response.end('content');
    });
    const ws = workspace({
      'build.config.ts': `import { httpFile } from 'ocidsl';\nhttpFile({ name: 'tool', urls: ['${origin}/tool.txt'] });\n`,
    });
    const others = `{ "version": 1, "files": { "https://x/y": { "digest": "sha256:${'a'.repeat(64)}", "size": 1 } } }\n`;
    for (const [text, code, message] of [
      [others, 1, 'Cannot write ocidsl.lock.json: it has been changed since this command began'],
      [CONFLICT, 2, 'conflict marker'],
    ] as const) {
      ws.write({ [LOCK]: '{}\n' });
      meanwhile = () => ws.write({ [LOCK]: text });
      const run = await ws.ocidsl(['lock']);
      expect(run, run.stderr).toMatchObject({ code, stdout: '' });
      expect(run.stderr).toContain(message);
      expect(ws.read(LOCK)).toBe(text);
    }
  });

  describe('--check', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 };
    const pin = { ...manifest, platforms: { 'linux/amd64': manifest } };
    const lockWith = (images: object) => JSON.stringify({ version: 1, images });

    it('is content with a lock that has what the targets ask for, without the network', async () => {
      const text = lockWith({ 'registry.invalid/base:1': pin });
      const ws = user(OFFLINE, { [LOCK]: text });
      expect(await ws.ocidsl(['lock', '--check'], { env: { CI: 'true' } })).toEqual({
        code: 0,
        stdout: '',
        stderr: 'ocidsl.lock.json has every pin that the targets ask for: 1 pin\n',
      });
      expect(await ws.ocidsl(['lock', '--check', '--json'])).toMatchObject({ code: 0, stdout: '[]\n' });
      expect(ws.read(LOCK)).toBe(text);
    });

    it('lists what is missing, incomplete or unused, and writes nothing', async () => {
      const config = `${OFFLINE}
ociPull({ name: 'arm', image: 'registry.invalid/arm', platforms: ['linux/amd64', 'linux/arm64'] });
`;
      const text = lockWith({ 'registry.invalid/arm:latest': pin, 'registry.invalid/old:1': pin });
      const ws = user(config, { [LOCK]: text });
      const run = await ws.ocidsl(['lock', '--check']);
      expect(run).toMatchObject({ code: 2, stdout: '' });
      expect(run.stderr)
        .toBe(`error: Cannot use ocidsl.lock.json: 3 pins of it are missing or out of date, expected what the targets ask for
  registry.invalid/base:1: it has no pin (${ws.at("name: 'base'")}:1)
  registry.invalid/arm:latest: its pin lacks linux/arm64, it has linux/amd64 (${ws.at("name: 'arm'")}:1)
  registry.invalid/old:1: it is pinned, and no target asks for it
  hint: Run "ocidsl lock", look at what it prints, and commit the file
`);
      expect(ws.read(LOCK)).toBe(text);
      const json = await ws.ocidsl(['lock', '--check', '--json']);
      expect(json.code).toBe(2);
      expect((JSON.parse(json.stdout) as { problem: string }[]).map(({ problem }) => problem)).toEqual(['missing', 'incomplete', 'unused']);
      expect((await ws.ocidsl(['lock', '--check', 'base'])).stderr).toContain('1 pin of it is missing');
    });
  });
});
