// Writes the snapshot's file, a piece at a time: of 100,000 paths all sections together would be 20 MB.
import { closeSync, lstatSync, openSync, readdirSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { discoveryTexts } from './discovery-text.ts';
import { COLUMNS, END, HASH_BYTES, KINDS, magic, NO_KIND, padding, type SnapshotVersion } from './snapshot-layout.ts';
import type { PathRecord, Snapshot } from './snapshot.ts';

/** Writes a snapshot, complete or not at all. */
export function writeSnapshotFile(file: string, version: SnapshotVersion, snapshot: Snapshot): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeWhole(temporary, version, snapshot);
    renameSync(temporary, file);
    sweepTemporaryFiles(file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

// Nine lengths of up to 15 digits.
const LENGTHS_ROOM = 160;

function writeWhole(file: string, version: SnapshotVersion, snapshot: Snapshot): void {
  const header = (lengths: readonly number[]) => `${magic(version.identity)}\n${JSON.stringify(lengths).padEnd(LENGTHS_ROOM)}\n`;
  const fd = openSync(file, 'w');
  try {
    const output = new BufferedOutput(fd);
    // The lengths are known at the end: until then there are none.
    const lines = header([]);
    output.text(lines);
    output.bytes(Buffer.alloc(padding(Buffer.byteLength(lines))));
    const lengths = SECTIONS.map((write) => {
      const before = output.sizeBytes;
      write(output, snapshot, version);
      return output.sizeBytes - before;
    });
    output.bytes(END);
    output.flush();
    writeAll(fd, Buffer.from(header(lengths)));
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at);
}

type WriteSection = (output: BufferedOutput, snapshot: Snapshot, version: SnapshotVersion) => void;

// In the order in which they are read.
const SECTIONS: readonly WriteSection[] = [
  (output, { paths }) => {
    const figures = new Float64Array(COLUMNS);
    for (const { fingerprint } of paths) output.bytes(bytesOf(fill(figures, fingerprint)));
  },
  (output, { targets }) => {
    for (const { paths } of targets) output.bytes(bytesOf(paths));
  },
  (output, { targets }) => {
    const end = new Uint32Array(1);
    for (const { paths } of targets) {
      end[0]! += paths.length;
      output.bytes(bytesOf(end));
    }
  },
  (output, { paths }) => paths.forEach(({ path }, i) => output.text(i === 0 ? path : `\0${path}`)),
  (output, { targets }) =>
    targets.forEach(({ key, declaration, results }, i) => {
      output.text(`${i === 0 ? '' : '\0'}${key}\0${declaration}\0${JSON.stringify(results)}`);
    }),
  (output, { paths }) => {
    const none = Buffer.alloc(HASH_BYTES);
    for (const { hash } of paths) output.bytes(hash === undefined ? none : Buffer.from(hash, 'hex'));
  },
  (output, { discoveries }) => {
    for (const text of discoveryTexts(discoveries)) output.text(text);
  },
  // JSON and labels hold no NUL.
  (output, { declarations }) =>
    declarations.forEach(({ text, uses }, i) => output.text(`${i === 0 ? '' : '\0'}${uses.join(' ')}\n${text}`)),
  (output, _snapshot, { settings }) => output.text(settings),
];

function fill(figures: Float64Array, fingerprint: PathRecord['fingerprint']): Float64Array {
  figures.fill(0);
  if (fingerprint === undefined) figures[0] = NO_KIND;
  else {
    figures[0] = KINDS.indexOf(fingerprint.kind);
    figures[1] = fingerprint.sizeBytes;
    figures[2] = fingerprint.mtimeMs;
    figures[3] = fingerprint.ctimeMs;
    figures[4] = fingerprint.ino;
    figures[5] = fingerprint.mode;
  }
  return figures;
}

function bytesOf(array: Float64Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

const BUFFER_SIZE = 256 * 1024;
/** UTF-8 bytes of a UTF-16 unit, at most. */
const UTF8_MAX = 3;

/** Puts small pieces together before they are written. */
class BufferedOutput {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_SIZE);
  #used = 0;
  #written = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get sizeBytes(): number {
    return this.#written + this.#used;
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length > BUFFER_SIZE - this.#used) this.flush();
    if (bytes.length > BUFFER_SIZE) this.#write(bytes);
    else {
      this.#buffer.set(bytes, this.#used);
      this.#used += bytes.length;
    }
  }

  text(text: string): void {
    if (text.length * UTF8_MAX > BUFFER_SIZE) return this.bytes(Buffer.from(text));
    if (text.length * UTF8_MAX > BUFFER_SIZE - this.#used) this.flush();
    this.#used += this.#buffer.write(text, this.#used);
  }

  flush(): void {
    this.#write(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  #write(bytes: Uint8Array): void {
    writeFileSync(this.#fd, bytes);
    this.#written += bytes.length;
  }
}

const STALE_MS = 24 * 60 * 60 * 1000;

// What killed commands left: nobody writes for a day.
function sweepTemporaryFiles(file: string): void {
  const folder = dirname(file);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(file)}.`) || !name.endsWith('.tmp')) continue;
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.ctimeMs > STALE_MS) rmSync(path, { recursive: true, force: true });
  }
}
