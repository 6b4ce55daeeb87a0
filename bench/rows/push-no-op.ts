// Ten images that are in the registry already, pushed again: what asking costs.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layerWorkspace } from '../fixtures/layer-workspace.ts';
import { noise } from '../fixtures/noise-and-text.ts';
import { installPeers } from '../peers.ts';
import { startRegistry } from '../registry.ts';
import type { Row } from '../row.ts';

const IMAGES = Array.from({ length: 10 }, (_, i) => i);

export const pushNoOp: Row = {
  id: 'push-no-op',
  work: 'push of 10 images that the registry has already',
  parallel: false,
  async prepare(bench) {
    installPeers(['skopeo']);
    const registry = await startRegistry(bench, 'push-no-op-registry');
    const { folder, content } = layerWorkspace(bench, 'push-no-op');
    writeFileSync(join(content, 'shared'), noise(0, 1 << 20));
    for (const i of IMAGES) writeFileSync(join(folder, `own${i}`), noise(i + 1, 1 << 16));
    writeFileSync(
      join(folder, 'build.config.ts'),
      `import { ociImage, ociPush, pkgTar } from 'ocidsl';

const shared = pkgTar({ name: 'shared', srcs: ['content'] });
for (let i = 0; i < ${IMAGES.length}; i++) {
  const own = pkgTar({ name: \`own_\${i}\`, srcs: [\`own\${i}\`] });
  const image = ociImage({ name: \`image_\${i}\`, os: 'linux', architecture: 'amd64', tars: [shared, own] });
  ociPush({ name: \`push_\${i}\`, image, repository: \`${registry.address}/bench/image\${i}\` });
}
`,
    );
    const ours = bench.ours(['push', ...IMAGES.map((i) => `push_${i}`), '--quiet'], { cwd: folder });
    bench.run(ours.argv, folder);
    bench.run(bench.ours(['build', '--quiet'], { cwd: folder }).argv, folder);
    const copies = IMAGES.map(
      (i) => `skopeo copy --quiet --dest-tls-verify=false oci:ocidsl-out/image_${i} docker://${registry.address}/bench/image${i}:latest`,
    );
    return {
      subjects: [ours, { name: 'skopeo', argv: ['sh', '-ec', copies.join('\n')], cwd: folder }],
      limits: [{ quantity: 'wall', of: 'ocidsl', per: 'skopeo', atMost: 1.2 }],
      dispose() {
        registry.stop();
        rmSync(folder, { recursive: true });
      },
    };
  },
};
