// Comparing a layer with its diff ID while it passes by. Podman 4 takes a layer whose diff ID is wrong without a word.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createGunzip } from 'node:zlib';
import { OcidslError } from '../base/errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { layerCompression } from '../oci/media-types.ts';

/**
 * The chunks of `layer`, unchanged; after the last one the digest of the uncompressed bytes is compared with `diffId`.
 * Layers that are neither plain nor gzip are passed on unchecked.
 * @throws OCIDSL_IMAGE_DIFF_ID, before the stream ends
 */
export async function* checkingDiffId(
  chunks: AsyncIterable<Uint8Array>,
  layer: Descriptor,
  diffId: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const compression = layerCompression(layer.mediaType);
  if (compression !== 'gzip' && compression !== 'none') {
    yield* chunks;
    return;
  }
  const hash = createHash('sha256');
  if (compression === 'gzip') yield* throughGunzip(chunks, layer, (data) => hash.update(data));
  else {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== diffId) throw diffIdError(layer, `its uncompressed bytes are ${actual}`, diffId);
}

async function* throughGunzip(
  chunks: AsyncIterable<Uint8Array>,
  layer: Descriptor,
  onData: (data: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip();
  let failure: Error | undefined;
  gunzip.on('error', (error) => (failure = error));
  gunzip.on('data', onData);
  const closed = new Promise<void>((resolve) => gunzip.once('close', resolve));
  try {
    for await (const chunk of chunks) {
      if (!gunzip.write(chunk)) await Promise.race([once(gunzip, 'drain').catch(() => {}), closed]);
      if (failure) break;
      yield chunk;
    }
    gunzip.end();
    await closed;
    if (failure) throw diffIdError(layer, `it cannot be decompressed (${failure.message})`, 'a gzip stream');
  } finally {
    gunzip.destroy();
  }
}

function diffIdError(layer: Descriptor, is: string, expected: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_IMAGE_DIFF_ID',
    kind: 'integrity',
    message: `Cannot load layer "${layer.digest}": ${is}, expected ${expected}`,
    hint: "The image's config does not belong to its layers; it has to be built again",
  });
}
