// Where the members of an uncompressed tar lie: headers are read, contents are passed over, so that an archive of any size is scanned in a
// moment and its members are read in place.
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** A member of a tar, by place. The name is as it is: nothing keeps it from naming files outside. */
export interface TarPlace {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  /** Of the first byte of the content. */
  readonly offset: number;
}

/** Reads `length` bytes at `offset`; fewer where the file ends. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

const BLOCK = 512;
/** Of a long name or of PAX records: what no honest archive reaches. */
const EXTENSION_LIMIT_BYTES = 1024 * 1024;

/**
 * The members of the tar that `readAt` reads, in order. `origin` names it in errors.
 * @throws OCIDSL_ARCHIVE_CORRUPT, also for an archive that was cut; what `readAt` throws
 */
export async function* scanTar(readAt: ReadAt, archiveBytes: number, origin: string): AsyncGenerator<TarPlace, void, undefined> {
  const fail = (is: string) => corrupt(origin, is);
  let name: string | undefined;
  let size: number | undefined;
  for (let offset = 0; offset < archiveBytes;) {
    const block = await readAt(offset, BLOCK);
    if (block.byteLength < BLOCK) throw fail('it ends in the middle of a header');
    if (block.every((byte) => byte === 0)) return;
    const header = decodeHeader(block, fail);
    const content = offset + BLOCK;
    const sizeBytes = size ?? header.sizeBytes;
    if (!Number.isSafeInteger(sizeBytes) || content + sizeBytes > archiveBytes) throw fail('it was cut: a member goes beyond its end');
    const extension = async (): Promise<Buffer> => {
      if (sizeBytes > EXTENSION_LIMIT_BYTES) throw fail(`a name has ${sizeBytes} bytes`);
      return Buffer.from(await readAt(content, sizeBytes));
    };
    if (header.flag === 'x') {
      const records = paxRecords(await extension(), fail);
      name = records.get('path') ?? name;
      const text = records.get('size');
      if (text !== undefined && !/^\d{1,16}$/.test(text)) throw fail('the size of a member is no number');
      size = text === undefined ? size : Number(text);
    } else if (header.flag === 'L') name = textUpToNul(await extension());
    else if (header.flag !== 'g' && header.flag !== 'K') {
      const full = name ?? header.name;
      const type = typeOf(header.flag, full);
      const own = type === 'directory' ? 0 : sizeBytes;
      yield { name: full, type, sizeBytes: own, offset: content };
      name = undefined;
      size = undefined;
      offset = content + padded(own);
      continue;
    }
    offset = content + padded(header.sizeBytes);
  }
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK) * BLOCK;
}

function typeOf(flag: string, name: string): TarPlace['type'] {
  if (flag === '5' || ((flag === '0' || flag === '\0') && name.endsWith('/'))) return 'directory';
  // '7' is a file that is to be stored in one piece.
  return flag === '0' || flag === '\0' || flag === '7' ? 'file' : 'other';
}

interface Header {
  readonly name: string;
  readonly flag: string;
  readonly sizeBytes: number;
}

type Fail = (is: string) => OcidslError;

function decodeHeader(bytes: Uint8Array, fail: Fail): Header {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (checksum(block) !== octal(block.subarray(148, 156))) throw fail('a header has a wrong checksum');
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textUpToNul(block.subarray(345, 500)) : '';
  const name = textUpToNul(block.subarray(0, 100));
  const sizeBytes = number(block.subarray(124, 136));
  if (sizeBytes === undefined) throw fail(`the size of "${printable(name)}" is no number`);
  return { name: prefix === '' ? name : `${prefix}/${name}`, flag: String.fromCharCode(block[156]!), sizeBytes };
}

function checksum(block: Buffer): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : block[i]!;
  return sum;
}

// Octal digits, or, above 8 GiB, a big-endian number with the first bit set.
function number(field: Buffer): number | undefined {
  if (field[0] !== 0x80) return octal(field);
  const value = field.subarray(4).readBigUInt64BE();
  return field.subarray(1, 4).every((byte) => byte === 0) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

function octal(field: Buffer): number | undefined {
  const text = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trimStart();
  if (text === '') return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

// `<length> <key>=<value>\n`, where the length counts the whole record in bytes.
function paxRecords(bytes: Buffer, fail: Fail): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, blank < 0 ? at : blank));
    const equals = bytes.indexOf(0x3d, at);
    if (!Number.isSafeInteger(length) || length <= 0 || at + length > bytes.length || equals < blank || bytes[at + length - 1] !== 0x0a) {
      throw fail('its PAX records are damaged');
    }
    const key = bytes.toString('utf8', blank + 1, equals);
    if (key.startsWith('GNU.sparse.')) throw fail('it has a sparse file');
    records.set(key, bytes.toString('utf8', equals + 1, at + length - 1));
    at += length;
  }
  return records;
}

function textUpToNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

function corrupt(origin: string, is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_ARCHIVE_CORRUPT',
    kind: 'build',
    message: `Cannot read archive "${printable(origin)}": ${is}, expected a tar without compression or with gzip`,
  });
}
