// Sending an image without the layers that the engine has. No engine can be asked for layers, but some look for a layer
// before they open its file, and name the first file that they lack.
import { isOcidslError, type OcidslError } from '../base/errors.ts';
import type { ContainerEngine } from './engine-interface.ts';
import type { ReadImage } from './load-read-image.ts';

// Enough for a store that holds a lower part of the image, or all of it; more attempts would cost more than they save.
const PARTIAL_ATTEMPTS = 3;

/**
 * Loads an image; `archiveWithout` makes the archive without some layers, anew at each call. The first attempt has no layers
 * and a few kilobytes: it succeeds where the engine has them all, and else says which is missing; the next has that layer
 * and those above it. An attempt that fails leaves nothing behind. The last attempt has everything.
 * @returns `partial` where some layer was not sent
 * @throws OCIDSL_ENGINE_FAILED
 * @see https://github.com/moby/moby/blob/v28.2.2/image/tarexport/load.go (lss.Get before loadLayer)
 */
export async function loadMissingLayers(
  engine: ContainerEngine,
  image: ReadImage,
  archiveWithout: (omittedLayers: ReadonlySet<string>) => AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<'partial' | 'sent'> {
  const digests = image.layers.map((layer) => layer.digest);
  let omitted: ReadonlySet<string> = new Set(engine.info.store === 'layers' ? digests : []);
  for (let attempt = 1; attempt <= PARTIAL_ATTEMPTS && omitted.size > 0; attempt++) {
    try {
      await engine.load(archiveWithout(omitted), signal);
      return 'partial';
    } catch (error) {
      signal?.throwIfAborted();
      if (!isOcidslError(error) || error.code !== 'OCIDSL_ENGINE_FAILED') throw error;
      const missing = missingLayer(error, omitted);
      // Another failure, or other words for it: the whole archive then succeeds or says what is wrong.
      if (missing === undefined) break;
      const needed = new Set(digests.slice(digests.indexOf(missing)));
      omitted = new Set([...omitted].filter((digest) => !needed.has(digest)));
    }
  }
  await engine.load(archiveWithout(new Set()), signal);
  return 'sent';
}

// Docker: open /var/lib/docker/tmp/docker-import-1/blobs/sha256/<hex>: no such file or directory
// podman: oci-archive: reading blob sha256:<hex>: open /var/tmp/oci1/blobs/sha256/<hex>: no such file or directory
function missingLayer(error: OcidslError, omitted: ReadonlySet<string>): string | undefined {
  const hex = /blobs\/sha256\/([a-f0-9]{64}): no such file/.exec(error.output ?? error.message)?.[1];
  return hex !== undefined && omitted.has(`sha256:${hex}`) ? `sha256:${hex}` : undefined;
}
