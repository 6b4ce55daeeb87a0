// The discoverer `oci-layout`: the image of one platform in an OCI layout, a folder or a tar archive of one. Its documents are brought into
// the store; its layers stay where they are, unless the archive is compressed.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parsePlatform } from '../oci/platform.ts';
import type { DiscoveredBlob } from '../plan/discovery.ts';
import type { LayoutFiles } from '../store/layout-files.ts';
import { readLayoutImage } from '../store/layout-reader.ts';
import { openLayoutFiles } from '../store/open-layout.ts';
import { descriptorDigest } from '../oci/descriptor.ts';
import type { ContentAddressableStorage } from '../store/content-addressable-storage.ts';
import type { Discoverer } from '../plan/discoverer.ts';
import { workspacePath } from './workspace-path.ts';

/** Arguments: `directory` (or archive) relative to the workspace root, `platform`, and `refName` where one of several images is meant. */
export const createOciLayoutDiscoverer = (cas: ContentAddressableStorage): Discoverer => ({
  name: 'oci-layout',
  version: '3',
  environment: [],
  async run(args, io) {
    const directory = resolve(io.workspaceRoot, args['directory'] as string);
    const refName = args['refName'] as string | undefined;
    const layout = await openWithBlobs(directory, cas);
    const image = await readLayoutImage({
      directory,
      layout,
      platform: parsePlatform(args['platform'] as string),
      ...(layout.importBlobs === undefined ? {} : { blobs: cas }),
      ...(refName === undefined ? {} : { refName }),
    });
    await Promise.all([cas.write(image.configBytes), cas.write(image.manifestBytes)]);
    const imported = layout.importBlobs === undefined ? [] : image.layers;
    return {
      files: [],
      watched: image.files.map((path) => workspacePath(io.workspaceRoot, path)),
      blobs: [
        { name: 'config.json', digest: descriptorDigest(image.config) },
        ...imported.map((layer, i): DiscoveredBlob => ({ name: `layers/${i}`, digest: descriptorDigest(layer) })),
        { name: 'manifest.json', digest: descriptorDigest(image.manifest) },
      ],
      facts: { manifest: image.manifest.digest },
    };
  },
});

const opened = new WeakMap<ContentAddressableStorage, Map<string, Promise<LayoutFiles>>>();

// A compressed archive is unpacked once for all platforms of a command.
async function openWithBlobs(path: string, cas: ContentAddressableStorage): Promise<LayoutFiles> {
  const layouts = opened.get(cas) ?? new Map<string, Promise<LayoutFiles>>();
  opened.set(cas, layouts);
  const before = await stat(path, { bigint: true }).catch(() => undefined);
  const key = `${path} ${before?.ino} ${before?.size} ${before?.mtimeNs}`;
  let layout = layouts.get(key);
  if (layout === undefined) {
    layout = openLayoutFiles(path).then(async (files) => {
      await files.importBlobs?.(cas);
      return files;
    });
    layouts.set(key, layout);
    layout.catch(() => layouts.delete(key));
  }
  return await layout;
}
