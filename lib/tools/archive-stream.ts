// The bytes of an archive on their way out: blocks → sha256 of the tar → gzip → the output's writer, in one pass.
import { createHash } from 'node:crypto';
import type { Digest } from '../base/digest.ts';
import type { BlobWriter } from '../store/content-addressable-storage.ts';
import { createPlainWriter } from '../tar/block-writer.ts';
import type { BlockWriterOptions, ByteWriter } from '../tar/block-writer.ts';
import { createGzipWriter } from '../tar/gzip.ts';
import { encodeTarHeader, TAR_BLOCK, tarPadding } from '../tar/header.ts';
import type { TarHeader } from '../tar/header.ts';
import type { ArchiveCompression } from '../tar/layer-spec.ts';

const ZEROS = Buffer.alloc(2 * TAR_BLOCK);

/** Takes headers and content; knows nothing of paths. */
export class ArchiveStream {
  readonly #writer: ByteWriter;
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;

  constructor(output: BlobWriter, compression: ArchiveCompression) {
    const options: Omit<BlockWriterOptions, 'transform'> = {
      // Hashed by blocks: an update for each small header costs more than its bytes.
      observe: ({ data }) => {
        this.#hash.update(data);
        this.#sizeBytes += data.length;
      },
      emit: (bytes) => output.write(bytes),
    };
    this.#writer = compression.format === 'gzip' ? createGzipWriter({ ...options, level: compression.level }) : createPlainWriter(options);
  }

  /** Starts an entry. Exactly `sizeBytes` bytes of content must follow. Await the promise if there is one. */
  header(header: TarHeader): Promise<void> | undefined {
    return this.#writer.write(encodeTarHeader(header));
  }

  /** A part of an entry's content. */
  content(chunk: Uint8Array): Promise<void> | undefined {
    return this.#writer.write(chunk);
  }

  /** Ends an entry with content of `sizeBytes`. */
  padding(sizeBytes: number): Promise<void> | undefined {
    const padding = tarPadding(sizeBytes);
    return padding === 0 ? undefined : this.#writer.write(ZEROS.subarray(0, padding));
  }

  /** Ends the archive. Gives the digest of the uncompressed tar. */
  async finish(): Promise<Digest> {
    const wait = this.#writer.write(ZEROS);
    if (wait !== undefined) await wait;
    await this.#writer.finish();
    return { hash: this.#hash.digest('hex'), sizeBytes: this.#sizeBytes };
  }
}
