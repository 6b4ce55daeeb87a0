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

export const pushLayer: Row = {
  id: 'push-layer',
  work: 'push of a 512 MB layer that is built already',
  parallel: true,
  maxSamples: 3,
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
    const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
      readonly manifests: readonly { readonly digest: string }[];
    };
    const environment = { REGCTL_CONFIG: join(folder, 'regctl.json') };
    bench.run(['regctl', 'registry', 'set', '--tls', 'disabled', registry.address], folder, environment);
    const fresh = (subject: Subject): Subject => ({ ...subject, prepare: () => registry.clear() });
    return {
      subjects: [
        fresh(bench.ours(['push', 'push', '--quiet'], { cwd: folder })),
        fresh({
          name: 'regctl',
          argv: ['regctl', 'image', 'copy', `ocidir://${layout}@${index.manifests[0]!.digest}`, `${to}:regctl`],
          cwd: folder,
          environment,
        }),
        fresh({ name: 'crane', argv: ['crane', 'push', '--insecure', layout, `${to}:crane`], cwd: folder }),
      ],
      limits: [
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
