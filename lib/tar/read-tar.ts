// The members of a tar, streamed: tar-stream's reader, with the PAX records that it leaves to its callers applied.
import { extract } from 'tar-stream';
import type { Extract, Header } from 'tar-stream';
import { isOcidslError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { openArchive } from './open-archive.ts';
import type { Chunks } from './open-archive.ts';

/** One member of a tar, as it is: names are not checked, nothing keeps it from naming files outside. */
export interface TarMember {
  /** As in the archive: may begin with `/` or `./` and end with `/`. */
  readonly name: string;
  /** tar-stream's name of the type; `unknown` for types that it does not know. */
  readonly type: Header['type'] | 'unknown';
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970: fractions are dropped. */
  readonly mtime: number;
  /** Of symbolic and hard links, else empty. */
  readonly linkTarget: string;
  /** PAX records with extended attributes: `SCHILY.xattr.*`. */
  readonly xattrs: Readonly<Record<string, string>>;
  /** The content; to be read, or not, before the next member is asked for. Parts may be kept. */
  readonly content: AsyncIterable<Uint8Array>;
}

const XATTR_PREFIX = 'SCHILY.xattr.';

/**
 * The members of the tar (plain or gzip) in `chunks`, in order; the archive is read to its end. `origin` names it in errors.
 * @throws OCIDSL_ARCHIVE_COMPRESSION, OCIDSL_ARCHIVE_CORRUPT, and what reading `chunks` throws
 */
export async function* readTar(chunks: Chunks, origin: string): AsyncGenerator<TarMember> {
  // Archives of the seventh edition have no magic, only a checksum; tar-stream's types do not list that option.
  const options: Parameters<typeof extract>[0] & { readonly allowUnknownFormat: boolean } = { allowUnknownFormat: true };
  const reader = extract(options);
  const feeding = feed(reader, openArchive(chunks, origin));
  try {
    for await (const entry of renamingErrors(reader, origin)) {
      yield { ...memberOf(entry.header, origin), content: renamingErrors(entry as AsyncIterable<Uint8Array>, origin) };
      // What was not read is skipped.
      entry.resume();
    }
  } finally {
    reader.destroy(null);
    await feeding;
  }
}

// Never rejects: a failure of the source destroys the reader, whose iteration throws it.
async function feed(reader: Extract, bytes: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const chunk of bytes) {
      if (reader.destroyed) return;
      if (!reader.write(chunk)) await drained(reader);
    }
    reader.end(null);
  } catch (error) {
    reader.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

function drained(reader: Extract): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      reader.off('drain', done);
      reader.off('close', done);
      resolve();
    };
    reader.on('drain', done);
    reader.on('close', done);
  });
}

async function* renamingErrors<T>(items: AsyncIterable<T>, origin: string): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    if (isOcidslError(error)) throw error;
    throw corrupt(origin, printable((error as Error).message), error);
  }
}

function memberOf(header: Header, origin: string): Omit<TarMember, 'content'> {
  const pax = (header.pax ?? {}) as Readonly<Record<string, string>>;
  const number = (what: string, record: string | undefined, field: number): number => {
    const value = record === undefined ? field : Number(record);
    if (!Number.isFinite(value)) throw corrupt(origin, `the ${what} of "${printable(header.name)}" is no number`);
    return Math.floor(value);
  };
  const xattrs: Record<string, string> = {};
  for (const [key, value] of Object.entries(pax)) {
    if (key.startsWith('GNU.sparse.')) throw corrupt(origin, `"${printable(header.name)}" is a sparse file`);
    if (!key.startsWith(XATTR_PREFIX)) continue;
    // tar-stream decodes records as UTF-8, so bytes that are none have become U+FFFD and are lost.
    if (value.includes('\ufffd')) throw corrupt(origin, `the attribute ${printable(key)} of "${printable(header.name)}" is binary`);
    xattrs[key] = value;
  }
  return {
    name: header.name,
    type: header.type ?? 'unknown',
    sizeBytes: header.size,
    mode: number('mode', undefined, header.mode) & 0o7777,
    uid: number('uid', pax['uid'], header.uid),
    gid: number('gid', pax['gid'], header.gid),
    mtime: number('mtime', pax['mtime'], header.mtime.getTime() / 1000),
    linkTarget: header.linkname ?? '',
    xattrs,
  };
}

function corrupt(origin: string, is: string, cause?: unknown): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_ARCHIVE_CORRUPT',
    kind: 'build',
    message: `Cannot read archive "${printable(origin)}": ${is}, expected a tar without compression or with gzip`,
    cause,
  });
}
