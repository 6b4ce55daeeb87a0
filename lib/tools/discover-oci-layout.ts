// The discoverer `oci-layout`: the image of one platform in an OCI layout folder. Its layers are not read.
import { resolve } from 'node:path';
import { parsePlatform } from '../oci/platform.ts';
import { readLayoutImage } from '../store/layout-reader.ts';
import { descriptorDigest } from '../oci/descriptor.ts';
import type { ContentAddressableStorage } from '../store/content-addressable-storage.ts';
import type { Discoverer } from './discoverer.ts';

/**
 * Arguments: `directory` relative to the workspace root, `platform`, and `refName` where one of several images is meant. Its documents are
 * brought into the store.
 */
export const createOciLayoutDiscoverer = (cas: ContentAddressableStorage): Discoverer => ({
  name: 'oci-layout',
  version: '2',
  environment: [],
  async run(args, io) {
    const relative = args['directory'] as string;
    const directory = resolve(io.workspaceRoot, relative);
    const refName = args['refName'] as string | undefined;
    const image = await readLayoutImage({
      directory,
      platform: parsePlatform(args['platform'] as string),
      ...(refName === undefined ? {} : { refName }),
    });
    const manifest = descriptorDigest(image.manifest);
    const config = descriptorDigest(image.config);
    await Promise.all([cas.write(image.configBytes), cas.write(image.manifestBytes)]);
    return {
      files: [],
      watched: image.files,
      blobs: [
        { name: 'config.json', digest: config },
        { name: 'manifest.json', digest: manifest },
      ],
      facts: { manifest: image.manifest.digest },
    };
  },
});
