// Reads the zip of a Go module, strictly: the few things that Go writes and nothing else. What a file's content should be is the
// checksum's to say, so the CRCs in the zip are not looked at.
// https://go.dev/ref/mod#zip-files and https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { printable } from '../base/printable.ts';

/** One file of a zip. */
export interface ZipFile {
  /** The whole name, as it is in the zip: nothing keeps it from naming files elsewhere. */
  readonly name: string;
  readonly content: Buffer;
}

/** What is wrong with a zip. Not an OcidslError: whoever reads one knows where it came from. */
export class ZipError extends Error {}

// The limits of golang.org/x/mod/zip, with room for toolchains to come.
const MAX_FILE_BYTES = 512 * 1024 * 1024;
const MAX_TOTAL_BYTES = 2 * 1024 * 1024 * 1024;

const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const REGULAR_FILE = 0o100000;
const TYPE_MASK = 0o170000;

/**
 * The files of the zip at `path`, in the order in which they are listed.
 * @throws ZipError; system errors
 */
export function* readModuleZip(path: string): Generator<ZipFile> {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const directory = readDirectory(fd, size);
    const names = new Set<string>();
    let total = 0;
    for (const entry of listEntries(directory.bytes, directory.count)) {
      if (names.has(entry.name)) throw new ZipError(`it has two files "${printable(entry.name)}"`);
      names.add(entry.name);
      total += entry.sizeBytes;
      if (entry.sizeBytes > MAX_FILE_BYTES || total > MAX_TOTAL_BYTES) throw new ZipError(`"${printable(entry.name)}" makes it too large`);
      yield { name: entry.name, content: readContent(fd, entry, directory.offset) };
    }
  } finally {
    closeSync(fd);
  }
}

interface Entry {
  readonly name: string;
  readonly isDeflated: boolean;
  readonly packedBytes: number;
  readonly sizeBytes: number;
  readonly offset: number;
}

interface Directory {
  readonly bytes: Buffer;
  readonly count: number;
  readonly offset: number;
}

// The directory ends where the end record begins, and that is the end of the file: no comment, nothing in between, no zip64.
function readDirectory(fd: number, size: number): Directory {
  if (size < END_BYTES) throw new ZipError('it is too short for a zip');
  const end = read(fd, size - END_BYTES, END_BYTES);
  const count = end.readUInt16LE(10);
  const bytes = end.readUInt32LE(12);
  const offset = end.readUInt32LE(16);
  const isOneDisk = end.readUInt32LE(4) === 0 && end.readUInt16LE(8) === count;
  if (end.readUInt32LE(0) !== 0x06054b50 || !isOneDisk || end.readUInt16LE(20) !== 0 || offset + bytes !== size - END_BYTES) {
    throw new ZipError('it has no end record where a zip of Go has it');
  }
  return { bytes: read(fd, offset, bytes), count, offset };
}

function* listEntries(directory: Buffer, count: number): Generator<Entry> {
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > directory.length || directory.readUInt32LE(at) !== 0x02014b50)
      throw new ZipError('its list of files is damaged');
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const next = at + ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
    if (next > directory.length) throw new ZipError('its list of files is damaged');
    const name = decodeName(directory.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes));
    const flags = directory.readUInt16LE(at + 8);
    const method = directory.readUInt16LE(at + 10);
    // Bit 3: sizes follow the data; bit 11: the name is UTF-8. Encryption and the like have other bits.
    if ((flags & ~0x0808) !== 0 || (method !== 0 && method !== 8))
      throw new ZipError(`"${printable(name)}" is encrypted or packed in another way`);
    const mode = directory.readUInt16LE(at + 40);
    const type = mode & TYPE_MASK;
    if ((type !== 0 && type !== REGULAR_FILE) || name.endsWith('/')) throw new ZipError(`"${printable(name)}" is no regular file`);
    yield {
      name,
      isDeflated: method === 8,
      packedBytes: directory.readUInt32LE(at + 20),
      sizeBytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    };
    at = next;
  }
  if (at !== directory.length) throw new ZipError('its list of files is longer than it says');
}

function readContent(fd: number, entry: Entry, end: number): Buffer {
  const damaged = () => new ZipError(`"${printable(entry.name)}" is damaged`);
  if (entry.offset + LOCAL_BYTES > end) throw damaged();
  const header = read(fd, entry.offset, LOCAL_BYTES);
  const start = entry.offset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (header.readUInt32LE(0) !== 0x04034b50 || start + entry.packedBytes > end) throw damaged();
  const packed = read(fd, start, entry.packedBytes);
  let content = packed;
  if (entry.isDeflated) {
    try {
      const chunkSize = Math.min(Math.max(64, entry.sizeBytes), 1024 * 1024);
      content = inflateRawSync(packed, { chunkSize, maxOutputLength: Math.max(1, entry.sizeBytes) });
    } catch {
      throw damaged();
    }
  }
  if (content.length !== entry.sizeBytes) throw damaged();
  return content;
}

function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ZipError('a name is not UTF-8');
  }
}

function read(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const count = readSync(fd, bytes, done, length - done, position + done);
    if (count === 0) throw new ZipError('it is cut off');
    done += count;
  }
  return bytes;
}
