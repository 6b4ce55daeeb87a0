// Keys of two small actions. They change with the encoding of actions, the specs of rules and the versions of tools; each change
// makes every cache of every user useless, so it has to be meant. Then: npx vitest run -u test/unit/engine/golden-keys.test.ts
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { outputOf, type ActionNode } from '../../../lib/plan/action-node.ts';
import { command } from '../../../lib/rules/command.ts';
import { ociImage } from '../../../lib/rules/oci-image.ts';
import { pkgTar } from '../../../lib/rules/pkg-tar.ts';
import { FilesInfo, ImageInfo, TarInfo } from '../../../lib/rules/providers.ts';
import type { Execution } from '../../../lib/engine/execution.ts';
import { actionOf, analysisOf, provided } from '../plan/rig.ts';
import { engineIn, folderOf } from './rig.ts';

/** The keys of the actions that making `body`'s output runs, by mnemonic. */
async function keysOf(body: () => unknown, output: (analysis: ReturnType<typeof analysisOf>) => ActionNode) {
  const root = folderOf({ 'a.txt': 'a', 'conf/b.sh': '#!/bin/sh\n' });
  chmodSync(join(root, 'conf/b.sh'), 0o755);
  const keys: Record<string, string> = {};
  const around = (inner: Execution): Execution => ({
    async execute(action, signal) {
      keys[action.node.mnemonic] = (await action.key()).hash;
      return await inner.execute(action, signal);
    },
  });
  const action = output(analysisOf(body));
  await engineIn(root, { around }).engine.make(outputOf(action, action.outputs[0]!));
  return keys;
}

const tar = () =>
  pkgTar({
    name: 'tar',
    srcs: ['a.txt', 'conf'],
    packageDir: '/opt',
    owner: '1000.1000',
    symlinks: { 'bin/b': '/opt/b.sh' },
    emptyDirs: ['var'],
  });

test('of a pkgTar', async () => {
  expect(await keysOf(tar, (analysis) => actionOf(provided(analysis, 'tar', TarInfo).archive))).toMatchInlineSnapshot(`
    {
      "Tar": "c84b72d0450b9829a9425caef1cfb1b594fdd46374754b8ff6fa3b565d941b8a",
    }
  `);
});

test('of an ociImage and its layer', async () => {
  const image = () =>
    ociImage({
      name: 'image',
      os: 'linux',
      architecture: 'arm64',
      tars: [tar()],
      cmd: ['/opt/b.sh'],
      env: { A: '1' },
      labels: { b: 'c' },
      user: '1000:1000',
    });
  expect(await keysOf(image, (analysis) => actionOf(provided(analysis, 'image', ImageInfo).manifest))).toMatchInlineSnapshot(`
    {
      "Image": "acdbceb02001ac65ac4758d517e8bf09200a90bed9f5e40643be592563c28814",
      "Layer": "15fa5fbd042b879959bd1f2bc0380b2a058ace9630d7cf32f2c41948ba0ed621",
    }
  `);
});

test('of a command with a program of its own', async () => {
  const loud = () => command({ name: 'loud', argv: ['conf/b.sh'], inputs: ['conf/b.sh'], outputs: ['out/'], env: { A: '1' }, timeout: 60 });
  expect(await keysOf(loud, (analysis) => actionOf(provided(analysis, 'loud', FilesInfo).files[0]!.artifact))).toMatchInlineSnapshot(`
    {
      "Command": "f07aadc5b65d80e9a50c1cf83a4e2f64028645f03fa04ef1af0f0bf97f7712ae",
    }
  `);
});
