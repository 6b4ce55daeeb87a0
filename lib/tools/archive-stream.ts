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
import type { SegmentCache } from '../tar/segment-cache.ts';
import { SEGMENTED_FROM_BYTES, startsSegment } from '../tar/segment-start.ts';
import { SegmentedGzip } from '../tar/segmented-gzip.ts';

const ZEROS = Buffer.alloc(2 * TAR_BLOCK);

/** How an archive is written. */
export interface ArchiveStreamOptions {
  readonly compression: ArchiveCompression;
  /** Bytes of what goes in, the same on every machine: a large gzip archive is made of segments. */
  readonly contentBytes: number;
  /** Compressed segments of former builds. Never changes the bytes. */
  readonly segments?: SegmentCache | undefined;
}

/** Takes headers and content; knows nothing of paths. */
export class ArchiveStream {
  readonly #output: BlobWriter;
  readonly #writer: ByteWriter;
  /** The same as #writer where the archive is made of segments. */
  readonly #segmented: SegmentedGzip | undefined;
  readonly #cache: SegmentCache | undefined;
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;

  constructor(output: BlobWriter, { compression, contentBytes, segments }: ArchiveStreamOptions) {
    const options: Omit<BlockWriterOptions, 'transform'> = {
      // Hashed by blocks: an update for each small header costs more than its bytes.
      observe: ({ data }) => {
        this.#hash.update(data);
        this.#sizeBytes += data.length;
      },
      emit: (bytes) => output.write(bytes),
    };
    this.#output = output;
    this.#cache = segments;
    if (compression.format !== 'gzip') this.#writer = createPlainWriter(options);
    else if (contentBytes < SEGMENTED_FROM_BYTES) this.#writer = createGzipWriter({ ...options, level: compression.level });
    else this.#writer = this.#segmented = new SegmentedGzip({ ...options, level: compression.level, cache: segments });
  }

  /** Starts an entry. Exactly `sizeBytes` bytes of content must follow. Await the promise if there is one. */
  header(header: TarHeader): Promise<void> | undefined {
    const bytes = encodeTarHeader(header);
    const segmented = this.#segmented;
    if (segmented === undefined || !startsSegment(bytes, header.sizeBytes, segmented.pendingBytes)) return this.#writer.write(bytes);
    const wait = segmented.cut();
    return wait === undefined ? segmented.write(bytes) : wait.then(() => segmented.write(bytes));
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

  /** Ends the archive and commits the output. Gives the digests of the file and of the uncompressed tar. */
  async commit(): Promise<{ readonly digest: Digest; readonly uncompressed: Digest }> {
    const wait = this.#writer.write(ZEROS);
    if (wait !== undefined) await wait;
    await this.#writer.finish();
    const digest = await this.#output.commit();
    if (this.#segmented !== undefined) this.#cache?.keep(digest, this.#segmented.segments);
    return { digest, uncompressed: { hash: this.#hash.digest('hex'), sizeBytes: this.#sizeBytes } };
  }
}
