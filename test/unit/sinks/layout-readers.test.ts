// Layouts as other programs read them: skopeo, umoci, and the schemas of the image-spec.
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeLayout } from '../../../lib/sinks/layout.ts';
import { layoutBlobSource } from '../../../lib/store/layout-blob-source.ts';
import { readLayoutImage } from '../../../lib/store/layout-reader.ts';
import { loadSpecSchemas } from '../oci/image-spec-schemas.ts';
import { checkLayout, diskCas, storeImage, storeIndex, temporaryFolder } from './layout-rig.ts';

describe('real readers', () => {
  const tool = (name: string, ...args: string[]) => {
    const result = spawnSync(name, args, { encoding: 'utf8', timeout: 60_000 });
    if (result.status !== 0) throw new Error(`${name} ${args.join(' ')}: ${result.stderr}${String(result.error ?? '')}`);
    return result.stdout;
  };
  const has = (name: string) => spawnSync(name, ['--version']).status === 0;

  const written = async (multi: boolean, refName?: string) => {
    const cas = await diskCas();
    const root = multi ? await storeIndex(cas, ['hello'], ['linux/amd64', 'linux/arm64']) : await storeImage(cas, ['hello', 'world']);
    const directory = join(await temporaryFolder(), 'out');
    await writeLayout({ root, source: cas, directory, ...(refName !== undefined && { refName }) });
    return { root, directory, cas };
  };

  it.skipIf(!has('skopeo'))('skopeo inspects and copies without a name (skipped without skopeo)', async () => {
    const { root, directory } = await written(false);
    expect(JSON.parse(tool('skopeo', 'inspect', `oci:${directory}`))).toMatchObject({
      Digest: root.digest,
      Architecture: 'amd64',
      Os: 'linux',
      Env: ['PLATFORM=linux/amd64'],
    });
    const copy = join(await temporaryFolder(), 'copy');
    tool('skopeo', 'copy', '--preserve-digests', `oci:${directory}`, `oci:${copy}:x`);
    expect((await readLayoutImage({ directory: copy, refName: 'x' })).manifest.digest).toBe(root.digest);
  });

  it.skipIf(!has('skopeo'))('skopeo copies an index by name, and this reader and sink take its copy (skipped without skopeo)', async () => {
    const { root, directory } = await written(true, 'latest');
    const copy = join(await temporaryFolder(), 'copy');
    tool('skopeo', 'copy', '--all', '--preserve-digests', `oci:${directory}:latest`, `oci:${copy}:v2`);
    const image = await readLayoutImage({
      directory: copy,
      refName: 'v2',
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
    });
    expect(image.root.digest).toBe(root.digest);
    expect(image.platform).toEqual({ os: 'linux', architecture: 'arm64' });
    const again = join(await temporaryFolder(), 'again');
    await writeLayout({ root: image.root, source: layoutBlobSource(copy), directory: again });
    expect(await checkLayout(again)).toBe(root.digest);
  });

  it.skipIf(!has('umoci'))('umoci unpacks (skipped without umoci)', async () => {
    const { directory } = await written(false, 'latest');
    const bundle = join(await temporaryFolder(), 'bundle');
    tool('umoci', 'unpack', '--rootless', '--image', `${directory}:latest`, bundle);
    expect(await readFile(join(bundle, 'rootfs/file0'), 'utf8')).toBe('hello');
    expect(await readFile(join(bundle, 'rootfs/file1'), 'utf8')).toBe('world');
  });

  const schemas = loadSpecSchemas();
  it.skipIf(schemas.skipReason !== undefined)(
    `the image-spec's schemas take its files${schemas.skipReason ? ` (skipped: ${schemas.skipReason})` : ''}`,
    async () => {
      if (schemas.skipReason !== undefined) return;
      const { directory } = await written(true, 'latest');
      expect(schemas.problems('layout', await readFile(join(directory, 'oci-layout')))).toEqual([]);
      expect(schemas.problems('index', await readFile(join(directory, 'index.json')))).toEqual([]);
    },
  );
});
