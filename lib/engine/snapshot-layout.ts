// How the snapshot's file is laid out, for those who write and read it: magic line · lengths of the sections (JSON line) · zeros up to a multiple of 8 ·
// sections · end mark. Numbers are in the byte order of the machine; the file never leaves it, and the magic line names the order.
import type { PathKind } from './fingerprint.ts';

/** Names what wrote a snapshot and for what; a snapshot of another one is none. */
export interface SnapshotVersion {
  /** Names the version of the library and the workspace: a snapshot of another one is none. */
  readonly identity: string;
  /** Whatever else decides results: the targets of other settings are others, what was read of files is not. */
  readonly settings: string;
}

/** Kinds of paths by their number in the file. */
export const KINDS: readonly PathKind[] = ['absent', 'file', 'directory', 'symlink', 'other'];

/** Numbers of a path's state: kind, size, mtime, ctime, ino, mode. */
export const COLUMNS = 6;

/** Stands for the kind of a path whose state is not to be trusted. */
export const NO_KIND = -1;

/** Bytes of a path's digest; zeros where there is none. */
export const HASH_BYTES = 32;

/** Ends the file: a power failure may leave zeros for what came last. */
export const END: Buffer = Buffer.from('end\n');

// As os.endianness() says it, without loading node:os.
const BYTE_ORDER = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'LE' : 'BE';

/** The first line. */
export function magic(identity: string): string {
  return `ocidsl snapshot 4 ${BYTE_ORDER} ${identity}`;
}

/** Zeros behind two lines of `length` bytes together. */
export function padding(length: number): number {
  return (8 - (length % 8)) % 8;
}
