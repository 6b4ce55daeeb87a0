// An OCI layout in an uncompressed tar: its blobs are read in place.
import { open, type FileHandle } from 'node:fs/promises';
import type { Digest } from '../base/digest.ts';
import { environmentError } from '../base/errors.ts';
import { DOCUMENT_LIMIT_BYTES } from '../oci/strict-json.ts';
import { scanTar, type TarPlace } from '../tar/scan-tar.ts';
import { blobMissing } from './blob-errors.ts';
import { blobName, LayoutNames, missingFrom } from './layout-archive-names.ts';
import type { LayoutFiles } from './layout-files.ts';
import { ReadOnlyCas } from './read-only-cas.ts';
import { VerifyingCas } from './verifying-cas.ts';

const CHUNK_BYTES = 256 * 1024;

/** Opens the layout in the tar at `path`. @throws OCIDSL_ARCHIVE_CORRUPT, OCIDSL_LAYOUT_ARCHIVE */
export async function openLayoutArchive(path: string): Promise<LayoutFiles> {
  const names = new LayoutNames(path);
  const places = await placesIn(path, names);
  const archive = new ArchiveCas(path, places);
  return {
    blobs: new VerifyingCas(archive),
    diskPath: () => path,
    async readFile(name) {
      const place = places.get(name);
      if (place === undefined || place.sizeBytes > DOCUMENT_LIMIT_BYTES) throw names.missing(name);
      const chunks: Uint8Array[] = [];
      for await (const chunk of readPlace(path, place)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
  };
}

class ArchiveCas extends ReadOnlyCas {
  readonly #path: string;
  readonly #places: ReadonlyMap<string, TarPlace>;

  constructor(path: string, places: ReadonlyMap<string, TarPlace>) {
    super(path);
    this.#path = path;
    this.#places = places;
  }

  async findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    return missingFrom(digests, (name) => this.#places.get(name)?.sizeBytes);
  }

  async *readUnverified(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    const place = this.#places.get(blobName(digest.hash));
    if (place === undefined) throw blobMissing(digest);
    yield* readPlace(this.#path, place);
  }
}

async function placesIn(path: string, names: LayoutNames): Promise<Map<string, TarPlace>> {
  const places = new Map<string, TarPlace>();
  const file = await openFile(path);
  try {
    const readAt = async (offset: number, length: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    };
    for await (const place of scanTar(readAt, (await file.stat()).size, path)) {
      const name = names.fileName(place.name, place.type);
      if (name !== undefined) places.set(name, place);
    }
  } finally {
    await file.close();
  }
  return places;
}

async function* readPlace(path: string, { offset, sizeBytes }: TarPlace): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await openFile(path);
  try {
    for (let done = 0; done < sizeBytes;) {
      const length = Math.min(CHUNK_BYTES, sizeBytes - done);
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset + done);
      if (bytesRead === 0) return;
      done += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  return await open(path).catch((error: unknown) => {
    throw environmentError(`read "${path}"`, error);
  });
}
