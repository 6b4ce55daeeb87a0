// The user's story where the base comes from a registry and Go from the module proxy: a machine with Node and no Go.
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REAL_REGISTRIES } from '../conformance/real-registries.ts';
import type { RunningRegistry } from '../conformance/registry.ts';
import { canEmulate, hasPodman, podmanIn, type Podman } from './container-rig.ts';
import { CHECKOUT } from './example-workspace.ts';
import { reachesModuleProxy } from './module-proxy.ts';
import { installPackage, type Installation } from './package-install.ts';
import { announced, has, Workspace, type Run } from './rig.ts';
import { outputOf } from './run-program.ts';

const [dockerRegistry] = REAL_REGISTRIES;
const VERSION = '1.26.8';
const CAN = has(dockerRegistry!.program) && has('skopeo') && (await reachesModuleProxy(VERSION));
const CAN_RUN = hasPodman() && !existsSync('/run/podman/podman.sock');
const ENGINE = existsSync('/var/run/docker.sock') ? ['--engine', 'podman'] : [];
const HERE = process.arch === 'x64' ? 'amd64' : process.arch;
// Everything that is on PATH, but for folders with a Go.
const PATH = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !existsSync(join(folder, 'go')))
  .join(delimiter);

const read = (path: string) => readFileSync(join(CHECKOUT, path), 'utf8');

const BASE = (host: string) => `import { ociImage, ociImageIndex, ociPush, pkgTar, select } from 'ocidsl';
const pkg = pkgTar({ name: 'pkg', srcs: ['passwd'], packageDir: '/etc' });
const image = ociImage({
  name: 'image', os: 'linux', architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }), tars: [pkg], user: 'nonroot', env: { FROM_BASE: 'yes' },
});
const index = ociImageIndex({ name: 'index', images: [image], platforms: ['linux/amd64', 'linux/arm64'] });
ociPush({ name: 'push', image: index, repository: '${host}/distroless/static', remoteTags: ['nonroot'] });
`;
const CONFIG = (host: string) => `import { goBinary, goToolchain, ociPull } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

goToolchain({ name: 'go', version: '${VERSION}' });
const base = ociPull({
  name: 'distroless_static',
  image: '${host}/distroless/static',
  tag: 'nonroot',
  platforms: ['linux/amd64', 'linux/arm64/v8'],
});
goOciImage({
  name: 'hello',
  srcs: [goBinary({ name: 'hello_bin', package: './apps/hello' })],
  base,
  entrypoint: ['/hello_bin'],
  repoTags: ['hello:latest'],
  repository: '${host}/acme/hello',
});
`;

let user: Installation;
let ws: Workspace;
let podman: Podman;
let registry: RunningRegistry;

beforeAll(async () => {
  if (!CAN) return;
  user = installPackage();
  registry = await dockerRegistry!.start();
  const base = new Workspace({ 'build.config.ts': BASE(registry.host), passwd: 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' });
  try {
    expect(await base.ocidsl(['push', 'push'])).toMatchObject({ code: 0 });
  } finally {
    base.remove();
  }
  ws = new Workspace(
    {
      'build.config.ts': CONFIG(registry.host),
      'go.mod': read('examples/hello/go.mod'),
      'go.sum': read('examples/hello/go.sum'),
      'apps/hello/main.go': read('examples/hello/apps/hello/main.go'),
    },
    { binary: user.binary },
  );
  podman = podmanIn(join(user.folder, 'podman'));
});

afterAll(async () => {
  ws?.remove();
  await registry?.close();
  user?.remove();
});

async function ocidsl(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const { NODE_EXTRA_CA_CERTS, SSL_CERT_FILE } = process.env;
  return await ws.ocidsl(args, { env: { PATH, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, ...podman.environment, ...env }, timeoutMs: 400_000 });
}

describe.skipIf(!CAN)('with a base from a registry and a declared Go (needs docker-registry, skopeo and a module proxy)', () => {
  it('CI refuses to build before everything is pinned', async () => {
    const run = await ocidsl(['build'], { CI: 'true' });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('ocidsl.lock.json has no pin of it');
  });

  it('lock pins the base and Go, and the build needs no Go on PATH', { timeout: 500_000 }, async () => {
    const lock = await ocidsl(['lock']);
    expect(lock, lock.stderr).toMatchObject({ code: 0 });
    expect(lock.stdout).toContain(`${registry.host}/distroless/static:nonroot`);
    expect(lock.stdout).toContain(VERSION);
    const build = await ocidsl(['build'], { CI: 'true' });
    expect(build, build.stderr).toMatchObject({ code: 0 });
    expect(announced(build).filter((line) => line.startsWith('Compiling'))).toHaveLength(2);
    const again = await ocidsl(['build'], { CI: 'true' });
    expect(again.stderr).toContain('no action was run');
  });

  it.skipIf(!CAN_RUN)('load and run take the layers of this platform (needs podman, runc and root)', async () => {
    const run = await ocidsl(['run', 'hello', ...ENGINE]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout.trimEnd().split('\n')).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), expect.any(String), `linux/${HERE}`]);
    expect(await podman.command('image', 'inspect', '--format', '{{.Architecture}} {{.Config.User}} {{.Config.Env}}', 'hello:latest')).toBe(
      `${HERE} nonroot [FROM_BASE=yes]\n`,
    );
  });

  it('push sends every platform, with the base that it was built on', async () => {
    const run = await ocidsl(['push', 'hello'], { CI: 'true' });
    expect(run.code, run.stderr).toBe(0);
    const raw = await outputOf('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/acme/hello:latest`], {
      cwd: ws.root,
      env: process.env,
    });
    const index = JSON.parse(raw) as { readonly manifests: readonly { readonly digest: string; readonly platform: object }[] };
    expect(index.manifests.map(({ platform }) => platform)).toMatchObject([{ architecture: 'amd64' }, { architecture: 'arm64' }]);
    for (const { digest } of index.manifests) {
      const manifest = await outputOf(
        'skopeo',
        ['inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/acme/hello@${digest}`],
        {
          cwd: ws.root,
          env: process.env,
        },
      );
      expect(JSON.parse(manifest)).toMatchObject({
        annotations: {
          'org.opencontainers.image.base.name': `${registry.host}/distroless/static:nonroot`,
          'org.opencontainers.image.base.digest': expect.stringMatching(/^sha256:/),
        },
      });
    }
  });

  it.skipIf(!CAN_RUN || !canEmulate('arm64'))('the arm64 image runs (needs podman, runc, root, and qemu in binfmt_misc)', async () => {
    const image = `${registry.host}/acme/hello:latest`;
    const output = await podman.command('run', '--rm', '--tls-verify=false', '--arch', 'arm64', image);
    expect(output).toContain('\nlinux/arm64\n');
  });
});
