// Where compressed segments of large archives lie in stored blobs, so that the next build of such an archive copies what did not
// change. There is no second copy of the bytes: one small file for each archive says where its segments are.
//
// The index may be lost or be wrong at any time: bytes are used only if they have the digest that was noted when they were made,
// and the note is used only if it matches its checksum. Blobs that are gone are no segments.
import { closeSync, constants, openSync, readdirSync, readFileSync, readSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isSha256Hex, sha256Hex, type Digest } from '../base/digest.ts';
import type { Segment, SegmentCache } from '../tar/segment-cache.ts';
import type { DiskLayout } from './disk-layout.ts';
import { writeAtomically } from './temporary-files.ts';

/** Archives that are remembered: those that were stored last. */
const MAX_ARCHIVES = 32;
/** No segment is longer: 1 MiB of content and what framing adds. */
const MAX_SEGMENT_BYTES = 2 * 1024 * 1024;
/** As in DiskCas: neither a link nor a pipe in a blob's place is followed or waited for. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

interface Place extends Segment {
  /** Hash of the blob that it lies in. */
  readonly archive: string;
}

/** The segments in the blobs of one cache directory. */
export class SegmentIndex implements SegmentCache {
  readonly #layout: DiskLayout;
  readonly #directoryMode: number;
  #places: Map<string, Place> | undefined;

  constructor(layout: DiskLayout, options: { readonly directoryMode?: number } = {}) {
    this.#layout = layout;
    this.#directoryMode = options.directoryMode ?? 0o700;
  }

  find(key: string): { readonly bytes: Uint8Array; readonly sha256: string } | undefined {
    this.#places ??= this.#load();
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    const bytes = this.#read(place);
    if (bytes !== undefined && sha256Hex(bytes) === place.sha256) return { bytes, sha256: place.sha256 };
    this.#places.delete(key);
    return undefined;
  }

  keep(archive: Digest, segments: readonly Segment[]): void {
    const text = JSON.stringify(segments.map(({ key, offset, sizeBytes, sha256 }) => [key, offset, sizeBytes, sha256]));
    try {
      const entry = Buffer.from(`${checksum(archive.hash, text)}\n${text}`);
      writeAtomically(this.#layout.temporary, this.#layout.segments(archive), entry, this.#directoryMode);
      for (const { path } of this.#files().slice(MAX_ARCHIVES)) unlinkSync(path);
    } catch {
      // A full or read-only disk, or another process was faster: see above.
    }
    this.#places = undefined;
  }

  /** The files of the index, newest first. */
  #files(): { readonly hash: string; readonly path: string }[] {
    const folder = this.#layout.segmentsFolder;
    return readdirSync(folder)
      .filter(isSha256Hex)
      .map((hash) => {
        const path = join(folder, hash);
        return { hash, path, mtimeMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
      })
      .sort((a, b) => b.mtimeMs - a.mtimeMs);
  }

  #load(): Map<string, Place> {
    const places = new Map<string, Place>();
    try {
      for (const { hash, path } of this.#files()) {
        for (const segment of readSegments(hash, readFileSync(path, 'utf8'))) {
          if (!places.has(segment.key)) places.set(segment.key, { ...segment, archive: hash });
        }
      }
    } catch {
      // No folder yet, or a file that another process has just removed.
    }
    return places;
  }

  #read({ archive, offset, sizeBytes }: Place): Buffer | undefined {
    if (sizeBytes > MAX_SEGMENT_BYTES) return undefined;
    try {
      const fd = openSync(this.#layout.blob({ hash: archive }), READ);
      try {
        const bytes = Buffer.allocUnsafeSlow(sizeBytes);
        return readSync(fd, bytes, 0, sizeBytes, offset) === sizeBytes ? bytes : undefined;
      } finally {
        closeSync(fd);
      }
    } catch {
      return undefined;
    }
  }
}

function readSegments(archive: string, entry: string): Segment[] {
  const end = entry.indexOf('\n');
  const text = entry.slice(end + 1);
  if (entry.slice(0, end) !== checksum(archive, text)) return [];
  // With that checksum nobody but keep() wrote it.
  const rows = JSON.parse(text) as [key: string, offset: number, sizeBytes: number, sha256: string][];
  return rows.map(([key, offset, sizeBytes, sha256]) => ({ key, offset, sizeBytes, sha256 }));
}

// The archive is in the checksum, so that an entry under another archive's name is no entry.
function checksum(archive: string, text: string): string {
  return sha256Hex(`ocidsl segments 1 ${archive}\n${text}`);
}
