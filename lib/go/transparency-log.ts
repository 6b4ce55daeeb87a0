// The checksum database is a Merkle tree (RFC 6962) that is read in tiles. A record is in the tree where the hashes beside its path
// lead from it to the root that was signed. https://go.dev/design/25530-sumdb and https://research.swtch.com/tlog
import { createHash } from 'node:crypto';

/** A tree: its number of records and the hash of its root. */
export interface LogTree {
  readonly size: number;
  readonly root: Buffer;
}

/** A record as the database answers a lookup. */
export interface LogRecord {
  readonly id: number;
  /** Lines, each with its newline. */
  readonly text: string;
  /** What follows: the signed tree. */
  readonly note: string;
}

/**
 * Reads the first `width` hashes of a tile: 32 bytes each. `path` is `tile/8/<level>/<number>`, with `.p/<width>` for one that was not
 * full when the tree had this size; a server may have only the full one by now.
 */
export type ReadTile = (path: string, partial: string | undefined, width: number) => Promise<Buffer>;

const TILE_HEIGHT = 8;
const TILE_WIDTH = 2 ** TILE_HEIGHT;
const HASH_BYTES = 32;

/** Reads the text of a signed tree; undefined where it is none. */
export function parseLogTree(text: string): LogTree | undefined {
  const [, size, root] = /^go\.sum database tree\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n/.exec(text) ?? [];
  if (size === undefined || root === undefined || !Number.isSafeInteger(Number(size))) return undefined;
  return { size: Number(size), root: Buffer.from(root, 'base64') };
}

/** Reads an answer to a lookup; undefined where it is none. */
export function parseLogRecord(answer: string): LogRecord | undefined {
  const [, id, text, note] = /^(0|[1-9]\d{0,15})\n((?:[^\n]+\n)+)\n([^]*)$/.exec(answer) ?? [];
  if (id === undefined || text === undefined || note === undefined || !Number.isSafeInteger(Number(id))) return undefined;
  return { id: Number(id), text, note };
}

/**
 * Whether `text` is record number `id` of `tree`. Tiles need not be trusted: wrong ones do not lead to the root.
 * @throws what `readTile` throws
 */
export async function isInLog(tree: LogTree, id: number, text: string, readTile: ReadTile): Promise<boolean> {
  if (id >= tree.size) return false;
  // The hash of the records from `from` up to `to`: read where that is a whole subtree, else made of its parts.
  const rangeHash = async (from: number, to: number): Promise<Buffer> => {
    const size = to - from;
    if (isPowerOfTwo(size)) return await subtreeHash(tree.size, Math.log2(size), from / size, readTile);
    const middle = from + largestPowerBelow(size);
    return nodeHash(...(await Promise.all([rangeHash(from, middle), rangeHash(middle, to)])));
  };
  // The same, with the record taken for what it is said to be.
  const rootWithRecord = async (from: number, to: number): Promise<Buffer> => {
    if (to - from === 1) return sha256(Buffer.of(0), Buffer.from(text));
    const middle = from + largestPowerBelow(to - from);
    return id < middle
      ? nodeHash(...(await Promise.all([rootWithRecord(from, middle), rangeHash(middle, to)])))
      : nodeHash(...(await Promise.all([rangeHash(from, middle), rootWithRecord(middle, to)])));
  };
  return (await rootWithRecord(0, tree.size)).equals(tree.root);
}

// Subtree `index` of those with 2^level records. Tiles have every eighth level: the levels between are hashed from it.
async function subtreeHash(treeSize: number, level: number, index: number, readTile: ReadTile): Promise<Buffer> {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level - tileLevel * TILE_HEIGHT);
  const first = index * count;
  const tile = Math.floor(first / TILE_WIDTH);
  const available = Math.floor(treeSize / 2 ** (tileLevel * TILE_HEIGHT)) - tile * TILE_WIDTH;
  const width = Math.min(available, TILE_WIDTH);
  const path = `tile/${TILE_HEIGHT}/${tileLevel}/${tileNumber(tile)}`;
  const hashes = await readTile(path, width < TILE_WIDTH ? `${path}.p/${width}` : undefined, width);
  const start = (first - tile * TILE_WIDTH) * HASH_BYTES;
  return combine(hashes.subarray(start, start + count * HASH_BYTES));
}

function combine(hashes: Buffer): Buffer {
  if (hashes.length <= HASH_BYTES) return hashes;
  return nodeHash(combine(hashes.subarray(0, hashes.length / 2)), combine(hashes.subarray(hashes.length / 2)));
}

// 1234067 → x001/x234/067
function tileNumber(tile: number): string {
  const parts = [String(tile % 1000).padStart(3, '0')];
  for (let rest = Math.floor(tile / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    parts.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  return parts.join('/');
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

function isPowerOfTwo(size: number): boolean {
  let power = 1;
  while (power < size) power *= 2;
  return power === size;
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return sha256(Buffer.of(1), left, right);
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
