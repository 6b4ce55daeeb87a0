// Files → OCI layout, packed anew: a program, assets, many small files, and one file that is larger than any memory.
import { appendFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goWorkspace } from '../fixtures/go-programs.ts';
import {
  buildahCold,
  buildahCommitCold,
  layerWorkspace,
  oursChanged,
  oursCold,
  sizeRatio,
  umociCold,
} from '../fixtures/layer-workspace.ts';
import { noise, text } from '../fixtures/noise-and-text.ts';
import { installPeers } from '../peers.ts';
import type { Row } from '../row.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

export const binary: Row = {
  id: 'binary',
  work: 'new 33 MB binary → OCI layout',
  parallel: true,
  async prepare(bench) {
    installPeers(['umoci', 'buildah']);
    const workspace = layerWorkspace(bench, 'binary');
    const go = goWorkspace(bench, 'large', 'binary-source');
    const output = join(workspace.content, 'program');
    bench.run(['go', 'build', '-trimpath', '-ldflags=-s -w', '-o', output, go.package], go.folder, {
      CGO_ENABLED: '0',
      GOOS: 'linux',
      GOARCH: 'amd64',
    });
    // Some bytes behind the program make it another one.
    const ours = oursChanged(bench, workspace, 'ocidsl', () => appendFileSync(output, 'another'));
    bench.run(ours.argv, workspace.folder);
    return {
      subjects: [ours, umociCold(bench, workspace), buildahCold(bench, workspace), buildahCommitCold(bench, workspace)],
      limits: [
        { quantity: 'wall', of: 'ocidsl', per: 'umoci', atMost: 1 },
        { quantity: 'wall', of: 'ocidsl', per: 'buildah', atMost: 0.5 },
        { quantity: 'wall', of: 'ocidsl', per: 'buildah commit' },
      ],
      facts: sizeRatio(bench, workspace, 1.02),
    };
  },
};

export const assets: Row = {
  id: 'assets',
  work: '1 GB of assets, 52 % of it incompressible → OCI layout',
  parallel: true,
  maxSamples: 3,
  async prepare(bench) {
    installPeers(['umoci']);
    const workspace = layerWorkspace(bench, 'assets');
    const files = writeAssets(workspace.content);
    const changed = files[Math.floor(files.length / 2)]!;
    // Longer by some bytes each time, so that everything behind it in the archive moves.
    const again = oursChanged(bench, workspace, 'ocidsl, one file changed', () => appendFileSync(changed, 'one more line\n'));
    bench.run(again.argv, workspace.folder);
    return {
      subjects: [oursCold(bench, workspace), umociCold(bench, workspace), again],
      limits: [
        { quantity: 'cpu', of: 'ocidsl', per: 'umoci', atMost: 0.85 },
        { quantity: 'cpu', of: 'ocidsl, one file changed', per: 'umoci', atMost: 0.3 },
      ],
      facts: sizeRatio(bench, workspace, 1.02),
    };
  },
};

// Pictures and archives beside scripts and maps, from 64 KiB to 8 MiB.
function writeAssets(folder: string): string[] {
  const textFiles: string[] = [];
  const sizes = [1 / 16, 1 / 4, 1, 2, 4, 8].map((mebibytes) => mebibytes * MIB);
  let total = 0;
  let incompressible = 0;
  for (let i = 0; total < 1e9; i++) {
    const sizeBytes = sizes[i % sizes.length]! + ((i * 7919) % 40_000);
    const isNoise = incompressible <= total * 0.52;
    const path = join(folder, String(i % 20).padStart(2, '0'), isNoise ? `picture${i}.webp` : `script${i}.js`);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, isNoise ? noise(i, sizeBytes) : text(i, sizeBytes));
    total += sizeBytes;
    if (isNoise) incompressible += sizeBytes;
    else textFiles.push(path);
  }
  return textFiles;
}

export const smallFiles: Row = {
  id: 'small-files',
  work: '100,000 small files → OCI layout',
  parallel: true,
  maxSamples: 3,
  async prepare(bench) {
    installPeers(['umoci']);
    const workspace = layerWorkspace(bench, 'small-files');
    for (let i = 0; i < 1000; i++) {
      const folder = join(workspace.content, `module${i % 50}`, `part${i}`);
      mkdirSync(folder, { recursive: true });
      for (let j = 0; j < 100; j++) writeFileSync(join(folder, `file${j}.js`), text(i * 100 + j, 100 + ((i * 31 + j * 97) % 1900)));
    }
    return {
      subjects: [oursCold(bench, workspace), umociCold(bench, workspace)],
      limits: [{ quantity: 'wall', of: 'ocidsl', per: 'umoci', atMost: 0.45 }],
      facts: sizeRatio(bench, workspace, 1.02),
    };
  },
};

export const sparse: Row = {
  id: 'sparse',
  work: '9 GiB sparse file → OCI layout',
  parallel: false,
  maxSamples: 1,
  async prepare(bench) {
    const workspace = layerWorkspace(bench, 'sparse');
    const file = join(workspace.content, 'disk.img');
    writeFileSync(file, '');
    truncateSync(file, 9 * GIB);
    return { subjects: [oursCold(bench, workspace)], limits: [], dispose: () => rmSync(workspace.folder, { recursive: true }) };
  },
};
