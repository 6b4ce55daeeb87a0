// A large layer that is built already → a registry that does not have it.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layerWorkspace } from '../fixtures/layer-workspace.ts';
import { noise } from '../fixtures/noise-and-text.ts';
import { installPeers } from '../peers.ts';
import { startRegistry } from '../registry.ts';
import type { Row, Subject } from '../row.ts';

const PARTS = 8;
const PART_BYTES = 64 * 1024 * 1024;

// The least that any client has to do: one session, one PUT of the bytes. The registry writes its Location with the upload's state as query.
const CURL_UPLOAD = `
location=$(curl -sSf -o /dev/null -w '%header{location}' -X POST "$1")
exec curl -sSf -o /dev/null -H 'Content-Type: application/octet-stream' -T "$3" "$location&digest=$2"`;

const blobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`;

export const pushLayer: Row = {
  id: 'push-layer',
  work: 'push of a 512 MB layer that is built already',
  parallel: true,
  maxSamples: 9,
  async prepare(bench) {
    installPeers(['regctl', 'crane']);
    const registry = await startRegistry(bench, 'push-layer-registry');
    const workspace = layerWorkspace(bench, 'push-layer');
    for (let i = 0; i < PARTS; i++) writeFileSync(join(workspace.content, `part${i}`), noise(i, PART_BYTES));
    const to = `${registry.address}/bench/large`;
    const config = join(workspace.folder, 'build.config.ts');
    writeFileSync(
      config,
      `import { glob, ociImage, ociPush, pkgTar } from 'ocidsl';

const files = pkgTar({ name: 'files', srcs: [glob(['content/**'])] });
const image = ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [files] });
ociPush({ name: 'push', image, repository: '${to}', remoteTags: ['ours'] });
`,
    );
    const { folder } = workspace;
    const { argv } = bench.ours(['build', 'image', 'push', '--quiet'], { cwd: folder });
    bench.run(argv, folder);
    const layout = join(folder, 'ocidsl-out/image');
    const read = (path: string) =>
      JSON.parse(readFileSync(join(layout, path), 'utf8')) as Record<string, readonly { readonly digest: string }[]>;
    const image = read('index.json')['manifests']![0]!.digest;
    const layer = read(blobPath(image))['layers']![0]!.digest;
    const environment = { REGCTL_CONFIG: join(folder, 'regctl.json') };
    bench.run(['regctl', 'registry', 'set', '--tls', 'disabled', registry.address], folder, environment);
    const fresh = (subject: Subject): Subject => ({ ...subject, prepare: () => registry.clear() });
    return {
      subjects: [
        fresh(bench.ours(['push', 'push', '--quiet'], { cwd: folder })),
        fresh({
          name: 'regctl',
          argv: ['regctl', 'image', 'copy', `ocidir://${layout}@${image}`, `${to}:regctl`],
          cwd: folder,
          environment,
        }),
        fresh({ name: 'crane', argv: ['crane', 'push', '--insecure', layout, `${to}:crane`], cwd: folder }),
        fresh({
          name: 'curl',
          argv: ['sh', '-euc', CURL_UPLOAD, 'sh', `http://${registry.address}/v2/bench/large/blobs/uploads/`, layer, blobPath(layer)],
          cwd: layout,
        }),
      ],
      limits: [
        { quantity: 'wall', of: 'ocidsl', per: 'curl', atMost: 1.05 },
        { quantity: 'wall', of: 'ocidsl', per: 'regctl' },
        { quantity: 'wall', of: 'ocidsl', per: 'crane' },
        { quantity: 'cpu', of: 'ocidsl', per: 'regctl', atMost: 0.7 },
      ],
      dispose() {
        registry.stop();
        rmSync(folder, { recursive: true });
      },
    };
  },
};
