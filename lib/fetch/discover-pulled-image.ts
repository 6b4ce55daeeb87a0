// The discoverer `pulled-image`: manifest and config of an image in a registry, brought into the store. Its layers are not asked for.
import { formatDigest } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import { descriptorDigest, type Descriptor } from '../oci/descriptor.ts';
import { findImage, type ReadDocument } from '../oci/find-image.ts';
import { parsePlatform } from '../oci/platform.ts';
import { PULLED_IMAGE_DISCOVERER, type PulledImageArguments } from '../oci/pulled-image.ts';
import { DOCUMENT_LIMIT_BYTES } from '../oci/strict-json.ts';
import type { Repository } from '../registry/client.ts';
import { parseRepository } from '../registry/reference.ts';
import type { Discoverer } from '../plan/discoverer.ts';
import type { FetchContext } from './fetch-context.ts';
import { registryDocuments } from './registry-documents.ts';

/** Arguments: PulledImageArguments; blobs: `manifest.json` and `config.json`, byte for byte; facts: the manifest's digest. */
export function createPulledImageDiscoverer({ cas, registry }: FetchContext): Discoverer {
  return {
    name: PULLED_IMAGE_DISCOVERER,
    version: '1',
    environment: [],
    async run(args, { signal }) {
      const wanted = args as unknown as PulledImageArguments;
      const what = `image "${wanted.repository}@${wanted.digest}"`;
      let repository: Promise<Repository> | undefined;
      const open = () => (repository ??= registry().then((client) => client.repository(parseRepository(wanted.repository))));
      const root = await rootOf(wanted, open, what, signal);
      const read: ReadDocument = async (descriptor) => {
        signal.throwIfAborted();
        const digest = descriptorDigest(descriptor);
        if ((await cas.findMissing([digest])).length === 0) return await cas.readBytes(digest, DOCUMENT_LIMIT_BYTES);
        const bytes = await registryDocuments(await open(), what, signal)(descriptor);
        await cas.write(bytes);
        return bytes;
      };
      if (root.bytes !== undefined) await cas.write(root.bytes);
      const image = await findImage(root.descriptor, parsePlatform(wanted.platform), read, what);
      return {
        files: [],
        watched: [],
        blobs: [
          { name: 'config.json', digest: descriptorDigest(image.config) },
          { name: 'manifest.json', digest: descriptorDigest(image.manifest) },
        ],
        facts: { manifest: formatDigest(descriptorDigest(image.manifest)) },
      };
    },
  };
}

// A digest alone does not say what it is of, nor how long: the registry's answer does.
async function rootOf(
  { digest, size, mediaType }: PulledImageArguments,
  open: () => Promise<Repository>,
  what: string,
  signal: AbortSignal,
): Promise<{ readonly descriptor: Descriptor; readonly bytes?: Buffer }> {
  if (size !== undefined && mediaType !== undefined) return { descriptor: { mediaType, digest, size } };
  const manifest = await (await open()).getManifest(digest, signal);
  if (manifest === undefined) throw notFound(what);
  return { descriptor: { mediaType: manifest.mediaType, digest, size: manifest.bytes.byteLength }, bytes: manifest.bytes };
}

function notFound(what: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_IMAGE_NOT_FOUND',
    kind: 'network',
    message: `Cannot pull ${what}: the registry does not have it`,
    hint: 'It may have been deleted: run "ocidsl lock" to pin what the tag stands for now',
  });
}
