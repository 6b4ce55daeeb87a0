// A large layer after a change: what is copied from the layer before decides its speed, never its bytes.
import { appendFileSync, chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { cachePath } from './counted-build.ts';
import { readLayout } from './layout-documents.ts';
import { workspace, type Workspace } from './rig.ts';

const MIB = 1 << 20;

/** A workspace with a layer of 67 MiB. */
function largeWorkspace(): Workspace {
  return workspace({
    'build.config.ts': `import { glob, ociImage, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', srcs: [glob(['data/*'])] });
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer] });
`,
    'data/a.js': Buffer.alloc(34 * MIB, 'a line of a script that shrinks well\n'),
    'data/b.css': Buffer.alloc(MIB, 'h1 { color: red }\n'),
    'data/c.json': Buffer.alloc(32 * MIB, '{"a": [1, 2, 3]}\n'),
  });
}

/** Builds the image. Gives its digest, and of its layer the path in the store and the diffID that its bytes have. */
async function layerOf(ws: Workspace) {
  const [row] = await ws.build(['image']);
  const [image] = readLayout(ws.path('ocidsl-out/image')).images;
  const { digest } = image!.manifest.layers[0]!;
  const hash = digest.slice('sha256:'.length);
  const blob = cachePath(ws, 'v1/cas/sha256', hash.slice(0, 2), hash);
  const diffID = `sha256:${createHash('sha256')
    .update(gunzipSync(readFileSync(blob)))
    .digest('hex')}`;
  expect(JSON.parse(image!.configBytes.toString())).toMatchObject({ rootfs: { diff_ids: [diffID] } });
  return { digest: row!.digest, blob };
}

/** Changes a byte in the middle of a blob, which layouts share with the store. */
function damageInPlace(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 0xff;
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
  chmodSync(path, 0o444);
}

it('is the same with the segments of the layer before, with damaged ones, and in a cache of its own', async () => {
  const ws = largeWorkspace();
  const first = await layerOf(ws);
  expect(statSync(cachePath(ws, 'v1/segments')).isDirectory()).toBe(true);

  appendFileSync(ws.path('data/b.css'), 'p { color: blue }\n');
  const second = await layerOf(ws);
  expect(second.digest).not.toBe(first.digest);

  damageInPlace(first.blob);
  damageInPlace(second.blob);
  appendFileSync(ws.path('data/b.css'), 'p { color: green }\n');
  const third = await layerOf(ws);

  const fresh = largeWorkspace();
  appendFileSync(fresh.path('data/b.css'), 'p { color: blue }\n');
  expect((await layerOf(fresh)).digest).toBe(second.digest);
  rmSync(join(fresh.cache), { recursive: true });
  appendFileSync(fresh.path('data/b.css'), 'p { color: green }\n');
  expect((await layerOf(fresh)).digest).toBe(third.digest);
}, 300_000);
