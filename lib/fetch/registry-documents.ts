// The documents of images in a repository (indexes, manifests, configs), read by descriptor and verified.
import { OcidslError } from '../base/errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { ReadDocument } from '../oci/find-image.ts';
import { isIndexMediaType, isManifestMediaType } from '../oci/media-types.ts';
import { DOCUMENT_LIMIT_BYTES } from '../oci/strict-json.ts';
import type { Repository } from '../registry/client.ts';

/**
 * Reads documents of one repository. What it reads throws OCIDSL_IMAGE_INCOMPLETE for a manifest that the registry does not have,
 * OCIDSL_DOCUMENT_SIZE for one of another size or above 8 MiB, and what the registry client throws.
 * @param what the image in messages: `image "ghcr.io/acme/base:1"`
 */
export function registryDocuments(repository: Repository, what: string, signal: AbortSignal): ReadDocument {
  return async (descriptor) => {
    signal.throwIfAborted();
    if (descriptor.size > DOCUMENT_LIMIT_BYTES) throw sizeError(what, descriptor, descriptor.size, `at most ${DOCUMENT_LIMIT_BYTES}`);
    const bytes = await readBytes(repository, descriptor, what, signal);
    if (bytes.byteLength !== descriptor.size) throw sizeError(what, descriptor, bytes.byteLength, `${descriptor.size}`);
    return bytes;
  };
}

async function readBytes(repository: Repository, descriptor: Descriptor, what: string, signal: AbortSignal): Promise<Buffer> {
  const { mediaType, digest, size } = descriptor;
  if (isIndexMediaType(mediaType) || isManifestMediaType(mediaType)) {
    const manifest = await repository.getManifest(digest, signal);
    if (manifest !== undefined) return manifest.bytes;
    throw new OcidslError({
      code: 'OCIDSL_IMAGE_INCOMPLETE',
      kind: 'network',
      message: `Cannot read ${what}: the registry does not have ${digest}, expected every manifest of the image`,
    });
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of repository.readBlob({ digest, size }, signal)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

function sizeError(what: string, { digest }: Descriptor, size: number, expected: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_DOCUMENT_SIZE',
    kind: 'integrity',
    message: `Cannot read ${what}: ${digest} has ${size} bytes, expected ${expected}`,
  });
}
