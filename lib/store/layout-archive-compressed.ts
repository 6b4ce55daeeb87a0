// An OCI layout in a compressed tar. Its blobs have no place of their own, so each read unpacks the archive up to the blob: importBlobs() is
// for who needs more than one.
import { createReadStream } from 'node:fs';
import { isSha256Hex, type Digest } from '../base/digest.ts';
import { environmentError, isOcidslError } from '../base/errors.ts';
import { DOCUMENT_LIMIT_BYTES } from '../oci/strict-json.ts';
import { readTar, type TarMember } from '../tar/read-tar.ts';
import { blobCorrupt, blobMissing } from './blob-errors.ts';
import type { ContentAddressableStorage } from './content-addressable-storage.ts';
import { blobName, LayoutNames, missingFrom } from './layout-archive-names.ts';
import type { LayoutFiles } from './layout-files.ts';
import { ReadOnlyCas } from './read-only-cas.ts';
import { VerifyingCas } from './verifying-cas.ts';

/** Opens the layout in the compressed tar at `path`; it is read when something of it is first needed. */
export function openCompressedLayoutArchive(path: string): LayoutFiles {
  const archive = new CompressedArchive(path);
  return {
    blobs: new VerifyingCas(archive),
    diskPath: () => path,
    readFile: async (name) => await archive.readFile(name),
    importBlobs: async (cas) => await archive.importBlobs(cas),
  };
}

/** What one pass over an archive finds. */
interface Contents {
  readonly names: LayoutNames;
  readonly sizes: ReadonlyMap<string, number>;
  readonly documents: ReadonlyMap<string, Buffer>;
}

type OnBlob = (digest: Digest, content: AsyncIterable<Uint8Array>) => Promise<void>;

class CompressedArchive extends ReadOnlyCas {
  readonly #path: string;
  #contents: Promise<Contents> | undefined;

  constructor(path: string) {
    super(path);
    this.#path = path;
  }

  async readFile(name: string): Promise<Buffer> {
    const { names, documents } = await this.#look();
    const bytes = documents.get(name);
    if (bytes === undefined) throw names.missing(name);
    return bytes;
  }

  async importBlobs(cas: ContentAddressableStorage): Promise<void> {
    this.#contents = passOver(this.#path, async (digest, content) => {
      if ((await cas.findMissing([digest])).length > 0) await importBlob(digest, content, cas, this.#path);
    });
    await this.#contents;
  }

  async findMissing(digests: readonly Digest[]): Promise<Digest[]> {
    const { sizes } = await this.#look();
    return missingFrom(digests, (name) => sizes.get(name));
  }

  async *readUnverified(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    const wanted = blobName(digest.hash);
    for await (const [name, member] of filesOf(this.#path, new LayoutNames(this.#path))) {
      if (name !== wanted) continue;
      yield* member.content;
      return;
    }
    throw blobMissing(digest);
  }

  async #look(): Promise<Contents> {
    return await (this.#contents ??= passOver(this.#path));
  }
}

async function passOver(path: string, onBlob?: OnBlob): Promise<Contents> {
  const names = new LayoutNames(path);
  const sizes = new Map<string, number>();
  const documents = new Map<string, Buffer>();
  for await (const [name, member] of filesOf(path, names)) {
    sizes.set(name, member.sizeBytes);
    const hash = name.startsWith('blobs/sha256/') ? name.slice('blobs/sha256/'.length) : '';
    if (isSha256Hex(hash)) await onBlob?.({ hash, sizeBytes: member.sizeBytes }, member.content);
    else if (!name.startsWith('blobs/') && member.sizeBytes <= DOCUMENT_LIMIT_BYTES) documents.set(name, await bytesOf(member));
  }
  return { names, sizes, documents };
}

async function importBlob(digest: Digest, content: AsyncIterable<Uint8Array>, cas: ContentAddressableStorage, path: string): Promise<void> {
  const writer = await cas.openWriter();
  try {
    for await (const chunk of content) await writer.write(chunk);
    await writer.commit(digest);
  } catch (error) {
    if (!isOcidslError(error) || error.code !== 'OCIDSL_DIGEST_MISMATCH') throw error;
    throw blobCorrupt(digest, `"${path}" has other bytes in its place`);
  } finally {
    await writer.abort();
  }
}

async function* filesOf(path: string, names: LayoutNames): AsyncGenerator<readonly [name: string, member: TarMember], void, undefined> {
  for await (const member of readTar(readFileChunks(path), path)) {
    const name = names.fileName(member.name, member.type);
    if (name !== undefined) yield [name, member];
  }
}

async function* readFileChunks(path: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw environmentError(`read "${path}"`, error);
  }
}

async function bytesOf(member: TarMember): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of member.content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
