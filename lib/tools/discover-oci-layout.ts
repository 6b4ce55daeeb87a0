// The discoverer `oci-layout`: the image of one platform in an OCI layout folder. Its layers are not read.
import { resolve } from 'node:path';
import { parsePlatform } from '../oci/platform.ts';
import { layoutBlobPath } from '../store/layout-blob-source.ts';
import { readLayoutImage } from '../store/layout-reader.ts';
import { descriptorDigest } from '../oci/descriptor.ts';
import type { Discoverer } from './discoverer.ts';

/** Arguments: `directory` relative to the workspace root, `platform`, and `refName` where one of several images is meant. */
export const ociLayoutDiscoverer: Discoverer = {
  name: 'oci-layout',
  version: '1',
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
    return {
      files: [
        { name: 'config.json', path: layoutBlobPath(directory, config.hash), digest: config },
        { name: 'manifest.json', path: layoutBlobPath(directory, manifest.hash), digest: manifest },
      ],
      watched: image.files,
      facts: { manifest: image.manifest.digest },
    };
  },
};
