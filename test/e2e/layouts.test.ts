// Every layout that the examples make, as others read it: the image-spec's schemas, skopeo, umoci and podman.
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSpecSchemas } from '../unit/oci/image-spec-schemas.ts';
import { hasPodman, podmanIn } from './container-rig.ts';
import { EXAMPLES, exampleWorkspace } from './example-workspace.ts';
import { readLayout, type LayoutDocuments } from './layout-documents.ts';
import { has, type Workspace } from './rig.ts';
import { outputOf } from './run-program.ts';

const schemas = loadSpecSchemas();

const environment = { PATH: process.env['PATH'], HOME: '/nonexistent' };
const run = (program: string, ...args: string[]) => outputOf(program, args, { env: environment });

/** `--override-…` arguments, by which skopeo picks an image out of an index. */
function override(platform: string): string[] {
  const [os, architecture, variant] = platform.split('/');
  return [`--override-os=${os}`, `--override-arch=${architecture}`, ...(variant === undefined ? [] : [`--override-variant=${variant}`])];
}

describe.skipIf(!has('go')).each(EXAMPLES)('layouts of examples/%s (needs go)', (name) => {
  let ws: Workspace;
  // By digest: two targets often stand for the same image.
  const layouts = new Map<string, { readonly folder: string } & LayoutDocuments>();

  beforeAll(async () => {
    ws = exampleWorkspace(name);
    for (const { path, digest } of await ws.build()) {
      if (path === undefined || !existsSync(ws.path(path, 'oci-layout'))) continue;
      const layout = readLayout(ws.path(path));
      expect(layout.digest).toBe(digest);
      layouts.set(digest, { folder: ws.path(path), ...layout });
    }
    expect(layouts.size).toBeGreaterThan(0);
  });

  afterAll(() => ws?.remove());

  it.skipIf(schemas.skipReason !== undefined)(
    `are valid by the image-spec's schemas${schemas.skipReason === undefined ? '' : ` (skipped: ${schemas.skipReason})`}`,
    () => {
      if (schemas.skipReason !== undefined) return;
      for (const { folder, indexes, images } of layouts.values()) {
        expect(schemas.problems('layout', readFileSync(join(folder, 'oci-layout')))).toEqual([]);
        for (const index of indexes) expect(schemas.problems('index', index)).toEqual([]);
        for (const { manifestBytes, configBytes } of images) {
          expect(schemas.problems('manifest', manifestBytes)).toEqual([]);
          expect(schemas.problems('config', configBytes)).toEqual([]);
        }
      }
    },
  );

  it.skipIf(!has('skopeo'))('are inspected and copied by skopeo (needs skopeo)', async () => {
    const copy = join(ws.folder, 'copy');
    for (const { folder, digest, images } of layouts.values()) {
      for (const { platform } of images) {
        const seen = JSON.parse(await run('skopeo', ...override(platform), 'inspect', `oci:${folder}`)) as {
          Os: string;
          Architecture: string;
        };
        expect(`${seen.Os}/${seen.Architecture}`).toBe(platform.split('/').slice(0, 2).join('/'));
      }
      await run('skopeo', 'copy', '--all', '--preserve-digests', `oci:${folder}`, `oci:${copy}:latest`);
      expect(readLayout(copy).digest).toBe(digest);
      rmSync(copy, { recursive: true });
    }
  });

  it.skipIf(!has('skopeo') || !has('umoci'))('are unpacked by umoci, once skopeo gave them a tag (needs skopeo and umoci)', async () => {
    const [tagged, bundle] = [join(ws.folder, 'tagged'), join(ws.folder, 'bundle')];
    for (const { folder, images } of layouts.values()) {
      for (const { platform } of images) {
        await run('skopeo', ...override(platform), 'copy', `oci:${folder}`, `oci:${tagged}:latest`);
        await run('umoci', 'unpack', ...(process.getuid?.() === 0 ? [] : ['--rootless']), '--image', `${tagged}:latest`, bundle);
        expect(readdirSync(join(bundle, 'rootfs'))).not.toEqual([]);
        for (const path of [tagged, bundle]) rmSync(path, { recursive: true });
      }
    }
  });

  it.skipIf(!hasPodman())('are pulled by podman (needs podman, runc and root)', async () => {
    const podman = podmanIn(join(ws.folder, 'podman'));
    // Podman makes the image's name of the path, which here has capital letters.
    const plain = join(ws.folder, 'podman/layout');
    for (const { folder, images } of layouts.values()) {
      symlinkSync(folder, plain);
      for (const { platform, manifest } of images) {
        const id = (await podman.command('pull', '--quiet', '--platform', platform, 'oci:layout')).trim();
        expect(`sha256:${id}`).toBe(manifest.config.digest);
      }
      rmSync(plain);
    }
  });
});
