// `ocidsl push` as its users see it: several targets and repositories, tags of the git state, plans, attachments, flags, failures.
import { execFileSync } from 'node:child_process';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFakeRegistry, type FakeRegistry } from '../../lib/testing/fake-registry.ts';
import { NOISE } from './noise.ts';
import { has, messages, workspace, type Workspace } from './rig.ts';

let registry: FakeRegistry;
beforeEach(async () => void (registry = await startFakeRegistry({ location: 'relative' })));
afterEach(async () => await registry.close());

const IMAGES = `import { command, glob, ociImage, ociImageIndex, ociPush, pkgTar, select } from 'ocidsl';
const shared = pkgTar({ name: 'shared', srcs: ['noise'] });
const image = (name) => ociImage({
  name, os: 'linux', architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }),
  tars: [shared, pkgTar({ name: name + '_pkg', srcs: [name + '.txt'] })],
});
const [a, b, c] = ['a', 'b', 'c'].map(image);
`;

const FILES = { noise: NOISE.subarray(0, 100_000), 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' };

/** A workspace with images a, b and c, and these push targets; HOST is the registry. */
function pushing(pushes: string, files: Readonly<Record<string, string>> = {}): Workspace {
  return workspace({ 'build.config.ts': IMAGES + pushes.replaceAll('HOST', registry.host), ...FILES, ...files });
}

const THREE = `ociPush({ name: 'push_a', image: a, repository: 'HOST/acme/a', remoteTags: ['v1', 'latest'] });
ociPush({ name: 'push_b', image: b, repositories: ['HOST/acme/b', 'HOST/mirror/b'] });
ociPush({ name: 'push_c', image: ociImageIndex({ name: 'index', images: [c], platforms: ['linux/amd64', 'linux/arm64'] }), repository: 'HOST/acme/c' });
`;

const tagsOf = (repository: string) => Object.fromEntries(registry.storage.repository(repository).tags);
const writes = () =>
  registry.requests.filter(({ method }) => !['GET', 'HEAD'].includes(method)).map(({ method, path }) => `${method} ${path}`);

describe('several targets in one push', () => {
  it('print a line for each target and repository, share what they have in common, and set their tags last', async () => {
    const ws = pushing(THREE);
    const run = await ws.ocidsl(['push', 'push_a', 'push_b', 'push_c']);
    expect(run).toMatchObject({ code: 0 });
    const lines = run.stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/@sha256:[0-9a-f]{64}$/, '@'))).toEqual(
      ['acme/a', 'acme/b', 'mirror/b', 'acme/c'].map((repository) => `${registry.host}/${repository}@`),
    );
    const [a, b, , c] = lines.map((line) => line.replace(/.*@/, ''));
    expect([tagsOf('acme/a'), tagsOf('acme/b'), tagsOf('mirror/b'), tagsOf('acme/c')]).toEqual([
      { v1: a, latest: a },
      { latest: b },
      { latest: b },
      { latest: c },
    ]);
    const large = registry.requests.filter(({ bodyBytes }) => bodyBytes > 90_000);
    expect(large).toHaveLength(1);
    const isTag = (line: string) => /manifests\/(v1|latest)$/.test(line);
    expect(writes().slice(-5).every(isTag)).toBe(true);
    expect(writes().slice(0, -5).some(isTag)).toBe(false);
  });

  it('print as JSON what was done', async () => {
    const ws = pushing(THREE);
    const run = await ws.ocidsl(['push', '--json', 'push_a', 'push_b']);
    const rows = JSON.parse(run.stdout) as { label: string; reference: string; digest: string; tags: string[]; uploadedBytes: number }[];
    expect(rows.map(({ label, reference, tags }) => [label, reference.replace(/@.*/, ''), tags])).toEqual([
      ['push_a', `${registry.host}/acme/a`, ['v1', 'latest']],
      ['push_b', `${registry.host}/acme/b`, ['latest']],
      ['push_b', `${registry.host}/mirror/b`, ['latest']],
    ]);
    for (const { reference, digest } of rows) expect(reference.endsWith(`@${digest}`)).toBe(true);
    const again = JSON.parse((await ws.ocidsl(['push', '--json', 'push_a', 'push_b'])).stdout) as typeof rows;
    expect(again.map(({ uploadedBytes }) => uploadedBytes)).toEqual([0, 0, 0]);
  });

  it('move no tag where the last one fails', async () => {
    const ws = pushing(THREE);
    expect(await ws.ocidsl(['push', 'push_a', 'push_b', 'push_c'])).toMatchObject({ code: 0 });
    const before = ['acme/a', 'acme/b', 'mirror/b', 'acme/c'].map(tagsOf);
    for (const name of ['a', 'b', 'c']) ws.write({ [`${name}.txt`]: 'changed' });
    registry.failNext(/PUT \/v2\/acme\/c\/manifests/, { status: 403 }, 99);
    const run = await ws.ocidsl(['push', 'push_a', 'push_b', 'push_c']);
    expect(run.code).toBe(4);
    expect(run.stdout).toBe('');
    expect(messages(run)[0]).toContain(`${registry.host}/acme/c`);
    expect(['acme/a', 'acme/b', 'mirror/b', 'acme/c'].map(tagsOf)).toEqual(before);
  });

  it('refuse to set one tag to two images, before anything is sent', async () => {
    const ws = pushing(
      `ociPush({ name: 'one', image: a, repository: 'HOST/x' }); ociPush({ name: 'two', image: b, repository: 'HOST/x' });`,
    );
    const run = await ws.ocidsl(['push', 'one', 'two']);
    expect(run.code).toBe(2);
    expect(messages(run)[0]).toContain(`Cannot push to "${registry.host}/x:latest": two images of this push are to have that tag`);
    expect(writes()).toEqual([]);
  });
});

describe('--dry-run', () => {
  it('shows what would be uploaded, mounted, skipped and tagged, and writes nothing', async () => {
    const ws = pushing(THREE);
    await ws.ocidsl(['push', 'push_a']);
    const old = tagsOf('acme/a')['v1']!;
    ws.write({ 'a.txt': 'changed' });
    const before = writes().length;
    const run = await ws.ocidsl(['push', '--dry-run', 'push_a', 'push_b']);
    expect(run).toMatchObject({ code: 0 });
    const lines = run.stdout.split('\n');
    expect(lines[0]).toMatch(new RegExp(`^${registry.host}/acme/a@sha256:[0-9a-f]{64} \\(push_a\\)$`));
    const layer = 'application/vnd.oci.image.layer.v1.tar+gzip';
    const find = (pattern: RegExp) => lines.filter((line) => pattern.test(line));
    expect(find(/^ {2}skip {4}sha256:\S+ {2}.*\d+ kB \(\d{6} bytes\)$/)).toHaveLength(1);
    expect(find(/^ {2}mount {3}sha256:\S+ {2}.* {2}from \S+\/acme\/a$/)[0]).toContain(layer);
    expect(find(/^ {2}upload {2}sha256:\S+ {2}application\/vnd\.oci\.image\.manifest\.v1\+json {2}\d+ bytes/)).toHaveLength(3);
    expect(find(/^ {2}tag {5}v1 {2}/)[0]).toMatch(new RegExp(`${old} → sha256:`));
    expect(find(/^ {2}tag {5}latest {2}\(none\) → sha256:/)).toHaveLength(2);
    expect(lines.at(-2)).toMatch(/^Total: \d+ to upload, .* bytes\)?; \d+ to mount, .*; \d+ to skip, .*; 4 tags to move$/);
    expect(writes()).toHaveLength(before);
    expect(tagsOf('acme/a')['v1']).toBe(old);
  });

  it('gives scripts the same as JSON, and the push does it', async () => {
    const ws = pushing(
      `ociPush({ name: 'push', image: a, repository: 'HOST/x', attachments: [{ artifactType: 'text/plain', file: 'a.txt' }] });`,
    );
    const run = await ws.ocidsl(['push', '--dry-run', '--json', 'push']);
    type Row = {
      label: string;
      blobs: { action: string; size: number; artifactType?: string }[];
      tags: object[];
      uploadBytes: number;
      digest: string;
    };
    const [plan] = JSON.parse(run.stdout) as [Row];
    expect(plan).toMatchObject({ label: 'push', tags: [{ tag: 'latest', to: plan.digest }] });
    expect(plan.blobs.map(({ artifactType }) => artifactType).filter(Boolean)).toEqual(['text/plain']);
    expect(registry.requests.every(({ method }) => method === 'HEAD')).toBe(true);
    const [row] = JSON.parse((await ws.ocidsl(['push', '--json', 'push'])).stdout) as [{ uploadedBytes: number; digest: string }];
    expect([row.uploadedBytes, row.digest]).toEqual([plan.uploadBytes, plan.digest]);
  });
});

describe('the flags of push', () => {
  it('--repository and --tag replace what the target says', async () => {
    const ws = pushing(THREE);
    const run = await ws.ocidsl(['push', 'push_b', '--repository', `${registry.host}/other/place`, '--tag', 'x', 'y']);
    expect(run.stdout).toMatch(new RegExp(`^${registry.host}/other/place@sha256:[0-9a-f]{64}\n$`));
    expect(Object.keys(tagsOf('other/place'))).toEqual(['x', 'y']);
    expect(registry.storage.repositories.has('acme/b')).toBe(false);
  });

  it.each([
    [
      '--repository with a tag',
      ['--repository', 'r.example/a:v1'],
      'Cannot use --repository: Cannot parse repository "r.example/a:v1": it has the tag "v1"',
    ],
    ['--repository for two targets', ['push_b', '--repository', 'r.example/a'], 'Cannot push several targets to one --repository'],
    ['--tag that is none', ['--tag', 'a b'], 'Cannot set the tag "a b": it has another form'],
    ['--tag of an unknown value', ['--tag', '{{git.sha}}'], 'Cannot make a tag of "{{git.sha}}": there is no {{git.sha}}'],
  ])('%s is refused before anything is sent', async (_, args, message) => {
    const run = await pushing(THREE).ocidsl(['push', 'push_a', ...args]);
    expect(run.code).toBe(2);
    expect(messages(run)[0]).toContain(message);
    expect(registry.requests).toEqual([]);
  });

  it('--platform chooses the platform of an image', async () => {
    const ws = pushing(THREE);
    const digests = new Map<string, string>();
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      const run = await ws.ocidsl(['push', 'push_a', '--platform', platform]);
      const digest = run.stdout.trim().replace(/.*@/, '');
      const manifest = JSON.parse(registry.storage.repository('acme/a').manifests.get(digest)!.bytes.toString()) as {
        config: { digest: string };
      };
      const config = JSON.parse(registry.storage.repository('acme/a').blobs.get(manifest.config.digest)!.toString()) as {
        architecture: string;
      };
      expect(config.architecture).toBe(platform.slice(6));
      digests.set(platform, digest);
    }
    expect(tagsOf('acme/a')['v1']).toBe(digests.get('linux/arm64'));
  });

  it('--insecure allows plain HTTP to where the images go', async () => {
    // A name that is not this machine's; the proxy leads it here.
    const proxy = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .once('data', () => {
          const upstream = connect(Number(registry.host.split(':')[1]), '127.0.0.1', () => {
            socket.write('HTTP/1.1 200 OK\r\n\r\n');
            socket.pipe(upstream).pipe(socket);
          });
          upstream.on('error', () => socket.destroy());
        });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const env = { HTTP_PROXY: address, HTTPS_PROXY: address };
    try {
      const ws = pushing(`ociPush({ name: 'push', image: a, repositoryFile: 'where.txt' });`, { 'where.txt': 'registry.test:5000/x\n' });
      expect(await ws.ocidsl(['push', 'push', '--insecure'], { env })).toMatchObject({ code: 0 });
      expect(Object.keys(tagsOf('x'))).toEqual(['latest']);
      const refused = await ws.ocidsl(['push', 'push'], { env });
      expect(refused.code).toBe(3);
      expect(messages(refused)[0]).toContain('registry.test:5000');
    } finally {
      proxy.close();
    }
  });
});

describe('where a push goes', () => {
  it('can be said by a file of the workspace, read at push', async () => {
    const ws = pushing(`ociPush({ name: 'push', image: a, repositoryFile: 'where.txt', remoteTagsFile: 'tags.txt' });`, {
      'where.txt': `\uFEFF  ${registry.host}/from/file  \r\nsecond line\n`,
      'tags.txt': 'one\n\n  two \r\none\n',
    });
    const run = await ws.ocidsl(['push', 'push']);
    expect(run).toMatchObject({ code: 0 });
    expect(Object.keys(tagsOf('from/file'))).toEqual(['one', 'two']);
    ws.write({ 'tags.txt': 'three' });
    const again = await ws.ocidsl(['push', 'push']);
    expect(again.stdout).toBe(run.stdout);
    expect(again.stderr).not.toContain('Packing');
    expect(Object.keys(tagsOf('from/file'))).toEqual(['one', 'two', 'three']);
  });

  it('can be said by a file that a target makes', async () => {
    const ws = pushing(`const where = command({ name: 'where', argv: ['sh', '-c', 'echo HOST/made > w'], outputs: ['w'] });
ociPush({ name: 'push', image: a, repositoryFile: where, remoteTags: ['x'], remoteTagsFile: command({ name: 't', argv: ['sh', '-c', 'echo y > t'], outputs: ['t'] }) });`);
    expect(await ws.ocidsl(['push', 'push', '--sandbox', 'off'])).toMatchObject({ code: 0 });
    expect(Object.keys(tagsOf('made'))).toEqual(['x', 'y']);
  });

  it.each([
    ['', 'Cannot use repositoryFile: it is empty'],
    ['ghcr.io/acme/Hello\n', 'Cannot use repositoryFile: Cannot parse image reference "ghcr.io/acme/Hello"'],
    ['ghcr.io/acme/hello:v1\n', 'it has the tag "v1"'],
  ])('is refused as %j', async (content, message) => {
    const ws = pushing(`ociPush({ name: 'push', image: a, repositoryFile: 'where.txt' });`, { 'where.txt': content });
    const run = await ws.ocidsl(['push', 'push']);
    expect(run.code).toBe(2);
    expect(messages(run)[0]).toContain(message);
    expect(messages(run)[0]).toContain(ws.at("name: 'push'"));
    expect(registry.requests).toEqual([]);
  });

  it('is refused as a folder and as a file that is not there', async () => {
    const ws = pushing(`ociPush({ name: 'push', image: a, repositoryFile: 'where' });`, { 'where/a': '', 'where/b': '' });
    expect(messages(await ws.ocidsl(['push', 'push']))[0]).toContain(
      'Cannot use repositoryFile: it stands for 2 files, expected exactly one',
    );
    const missing = pushing(`ociPush({ name: 'push', image: a, remoteTagsFile: 'none', repository: 'HOST/x' });`);
    expect(messages(await missing.ocidsl(['push', 'push']))[0]).toContain('Cannot find "none": it does not exist');
  });
});

const GIT = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'commit.gpgsign=false'];
const git = (ws: Workspace, ...args: string[]) =>
  execFileSync('git', [...GIT, ...args], { cwd: ws.root, env: { PATH: process.env['PATH'], HOME: ws.home }, encoding: 'utf8' }).trim();

describe.skipIf(!has('git'))(`tags of the git state${has('git') ? '' : ' (needs git)'}`, () => {
  const STATE = `ociPush({
  name: 'push', image: a, repository: 'HOST/x',
  remoteTags: ['{{git.shortCommit}}{{git.dirty}}', ({ git }) => git.tag ?? [], ({ git }) => ['on-' + git.branch, git.commitTime]],
});`;

  it('are evaluated at push, and change nothing that is built', async () => {
    const ws = pushing(STATE, { '.gitignore': 'ocidsl-out\n' });
    git(ws, 'init', '-q', '-b', 'main');
    git(ws, 'add', '.');
    git(ws, 'commit', '-q', '-m', 'one');
    const commit = git(ws, 'rev-parse', 'HEAD').slice(0, 7);
    const first = await ws.ocidsl(['push', 'push']);
    expect(first).toMatchObject({ code: 0 });
    const time = Object.keys(tagsOf('x')).find((tag) => /^\d{14}$/.test(tag))!;
    expect(Object.keys(tagsOf('x'))).toEqual([commit, 'on-main', time]);
    git(ws, 'tag', 'v1.0.0');
    ws.write({ 'unrelated.txt': 'new' });
    const second = await ws.ocidsl(['push', 'push']);
    expect(second.stdout).toBe(first.stdout);
    expect(Object.keys(tagsOf('x'))).toEqual([commit, 'on-main', time, `${commit}-dirty`, 'v1.0.0']);
    expect((await ws.ocidsl(['build', 'push'])).stderr).toContain('no action was run');
  });

  it('are no part of what is built: another function leaves a build without work', async () => {
    const ws = pushing(`ociPush({ name: 'push', image: a, repository: 'HOST/x', remoteTags: [() => 'one'] });`);
    const before = await ws.build(['push']);
    ws.write({ 'build.config.ts': ws.read('build.config.ts').replace("() => 'one'", "() => 'two'") });
    const { rows, run } = await ws.buildVerbosely(['push']);
    expect(rows).toEqual(before);
    expect(run.stderr).toContain('no action was run');
    expect(await ws.ocidsl(['push', 'push'])).toMatchObject({ code: 0 });
    expect(Object.keys(tagsOf('x'))).toEqual(['two']);
  });

  it('are refused outside of a repository before anything is built or sent, at the target', async () => {
    const ws = pushing(STATE);
    const run = await ws.ocidsl(['push', 'push'], { env: { GIT_CEILING_DIRECTORIES: ws.folder } });
    expect(run.code).toBe(6);
    expect(messages(run)[0]).toContain('it is in no git repository, expected a commit that is checked out');
    expect(messages(run)[0]).toContain(ws.at("name: 'push'", 'build.config.ts').replace(/\d+$/, ''));
    expect(run.stderr).not.toContain('Packing');
    expect(registry.requests).toEqual([]);
  });

  it('are not asked for where --tag is given', async () => {
    const ws = pushing(STATE);
    const run = await ws.ocidsl(['push', 'push', '--tag', 'v9'], { env: { GIT_CEILING_DIRECTORIES: ws.folder, GIT_DIR: '/nonexistent' } });
    expect(run).toMatchObject({ code: 0 });
    expect(Object.keys(tagsOf('x'))).toEqual(['v9']);
  });
});

describe('attachments', () => {
  const SBOM = `const sbom = command({ name: 'sbom', argv: ['sh', '-c', 'echo {} > sbom.json'], outputs: ['sbom.json'] });
ociPush({
  name: 'push', image: a, repositories: ['HOST/x', 'HOST/y'],
  attachments: [
    { artifactType: 'application/spdx+json', file: sbom, annotations: { 'org.example.tool': 'echo' } },
    { artifactType: 'application/vnd.acme.notes', files: [glob(['*.txt'])], mediaType: 'text/plain' },
  ],
});`;

  it('are pushed with the image to every repository, and found by its digest', async () => {
    const ws = pushing(SBOM);
    const run = await ws.ocidsl(['push', 'push', '--sandbox', 'off']);
    expect(run).toMatchObject({ code: 0 });
    const digest = run.stdout.split('\n')[0]!.replace(/.*@/, '');
    for (const repository of ['x', 'y']) {
      const answer = await fetch(`${registry.origin}/v2/${repository}/referrers/${digest}`);
      const { manifests } = (await answer.json()) as { manifests: { artifactType: string; annotations?: object; digest: string }[] };
      expect(manifests.map(({ artifactType }) => artifactType).sort()).toEqual(['application/spdx+json', 'application/vnd.acme.notes']);
      const notes = manifests.find(({ artifactType }) => artifactType.endsWith('notes'))!;
      type Manifest = { layers: { mediaType: string; annotations: object }[] };
      const { layers } = JSON.parse(registry.storage.repository(repository).manifests.get(notes.digest)!.bytes.toString()) as Manifest;
      expect(layers.map(({ mediaType, annotations }) => [mediaType, ...Object.values(annotations)])).toEqual(
        ['a.txt', 'b.txt', 'c.txt'].map((name) => ['text/plain', name]),
      );
    }
    const before = writes().length;
    expect(await ws.ocidsl(['push', 'push', '--sandbox', 'off'])).toMatchObject({ code: 0, stdout: run.stdout });
    expect(writes()).toHaveLength(before);
  });

  it('of two files with one name are refused', async () => {
    const ws = pushing(
      `ociPush({ name: 'push', image: a, repository: 'HOST/x', attachments: [{ artifactType: 'text/plain', files: ['a.txt', 'd/a.txt'] }] });`,
      {
        'd/a.txt': '',
      },
    );
    const run = await ws.ocidsl(['push', 'push']);
    expect(run.code).toBe(2);
    expect(messages(run)[0]).toContain(
      'Cannot attach "text/plain": two of its files are called "a.txt", expected a name of its own for each',
    );
    expect(writes()).toEqual([]);
  });
});

it('the workspace is left as it was by a push that failed', async () => {
  const ws = pushing(THREE);
  registry.failNext(/POST/, { status: 403 }, 99);
  expect((await ws.ocidsl(['push', 'push_a'])).code).toBe(4);
  ws.expectClean();
});
