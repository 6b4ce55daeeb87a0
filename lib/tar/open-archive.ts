// The uncompressed bytes of a tar that may be compressed. What it is, its first bytes say, not its name.
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** Bytes of a file in parts, each valid until the next is asked for. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const GZIP_MAGIC = [0x1f, 0x8b];

/** Compressions that are recognised in order to refuse them by name. */
const UNSUPPORTED: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['compress', [0x1f, 0x9d]],
  ['lzip', [0x4c, 0x5a, 0x49, 0x50]],
];

const MAX_MAGIC = 6;

/**
 * The tar in `chunks`; its own parts may be kept. `origin` names it in errors.
 * @throws OCIDSL_ARCHIVE_COMPRESSION for compressions other than gzip; zlib's errors where the data is corrupt
 */
export async function* openArchive(chunks: Chunks, origin: string): AsyncGenerator<Buffer> {
  const parts = copies(chunks);
  try {
    let head: Buffer = Buffer.alloc(0);
    while (head.length < MAX_MAGIC) {
      const next = await parts.next();
      if (next.done === true) break;
      head = Buffer.concat([head, next.value]);
    }
    for (const [name, magic] of UNSUPPORTED) if (startsWith(head, magic)) throw compressionError(origin, name);
    const all = prepend(head, parts);
    if (startsWith(head, GZIP_MAGIC)) yield* gunzip(all);
    else yield* all;
  } finally {
    await parts.return(undefined);
  }
}

function startsWith(head: Buffer, magic: readonly number[]): boolean {
  return magic.every((byte, i) => head[i] === byte);
}

// The parts outlive the next read, since a stream reads ahead.
async function* copies(chunks: Chunks): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

async function* prepend(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}

async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unzipped = createGunzip({ chunkSize: 1 << 18 });
  // The iteration below reports errors, also of the source: the pipeline destroys its end with them.
  pipeline(Readable.from(chunks, { highWaterMark: 1 }), unzipped, () => undefined);
  yield* unzipped as AsyncIterable<Buffer>;
}

function compressionError(origin: string, format: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_ARCHIVE_COMPRESSION',
    message: `Cannot read archive "${printable(origin)}": it is compressed with ${format}, expected a tar without compression or with gzip`,
    hint: 'Decompress it first, for example in a command()',
  });
}
