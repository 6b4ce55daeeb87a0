// Reads the snapshot's file: columns, so that 100,000 paths are loaded in a few milliseconds and only what is asked for is
// decoded. Anything unexpected in the file reads as "no snapshot".
import { readFileSync } from 'node:fs';
import type { Json } from '../base/json.ts';
import { decodeDiscoveries } from './discovery-text.ts';
import type { Fingerprint } from './fingerprint.ts';
import { COLUMNS, END, HASH_BYTES, KINDS, magic, NO_KIND, padding } from './snapshot-layout.ts';
import type { DeclarationRecord, DiscoveryRecord, PathRecord, Snapshot, TargetRecord } from './snapshot.ts';

/** A snapshot as read: the columns stay packed until they are asked for. */
export interface PackedSnapshot {
  /** The settings under which it was written. */
  readonly settings: string;
  readonly targetKeys: readonly string[];
  /** Index of the declaration of target `i`. */
  readonly targetDeclarations: readonly number[];
  readonly declarations: readonly DeclarationRecord[];
  /** Path indexes of target `i`. */
  pathsOf(target: number): Uint32Array;
  /** undefined where they are damaged. */
  resultsOf(target: number): Json | undefined;
  readonly pathCount: number;
  path(index: number): string;
  /** All paths in UTF-8, joined by NUL. */
  readonly pathText: Uint8Array;
  /** Whether the state of path `index` is the one recorded. */
  isUnchanged(index: number, now: Fingerprint): boolean;
  /** undefined where a part of it is damaged. */
  unpack(): Snapshot | undefined;
}

/** Reads a snapshot; undefined where there is none, or one of another identity, or a damaged one. */
export function readSnapshotFile(file: string, identity: string): PackedSnapshot | undefined {
  try {
    const data = readFileSync(file);
    const first = data.indexOf(10);
    const second = data.indexOf(10, first + 1);
    if (first < 0 || second < 0 || data.toString('utf8', 0, first) !== magic(identity)) return undefined;
    const lengths = JSON.parse(data.toString('utf8', first + 1, second)) as number[];
    let offset = second + 1 + padding(second + 1);
    if (offset + lengths.reduce((sum, length) => sum + length, END.length) !== data.length) return undefined;
    if (!data.subarray(-END.length).equals(END)) return undefined;
    const sections = lengths.map((length) => data.subarray(offset, (offset += length)));
    return pack(sections as Sections);
  } catch {
    return undefined;
  }
}

type Sections = [
  figures: Buffer,
  indexes: Buffer,
  ends: Buffer,
  paths: Buffer,
  targets: Buffer,
  hashes: Buffer,
  discoveries: Buffer,
  declarations: Buffer,
  settings: Buffer,
];

function unpackDeclaration(text: string): DeclarationRecord {
  const line = text.indexOf('\n');
  return { text: text.slice(line + 1), uses: line <= 0 ? [] : text.slice(0, line).split(' ').map(Number) };
}

function pack([
  figureBytes,
  indexBytes,
  endBytes,
  pathBytes,
  targetBytes,
  hashes,
  discoveries,
  declarationBytes,
  settings,
]: Sections): PackedSnapshot {
  const figures = new Float64Array(aligned(figureBytes, 8), 0, figureBytes.length / 8);
  const indexes = new Uint32Array(aligned(indexBytes, 4), 0, indexBytes.length / 4);
  const ends = new Uint32Array(aligned(endBytes, 4), 0, endBytes.length / 4);
  // The path of the root is empty, so no bytes may also be one path.
  const paths = figures.length === 0 ? [] : pathBytes.toString('utf8').split('\0');
  const texts = ends.length === 0 ? [] : targetBytes.toString('utf8').split('\0');
  const targetKeys: string[] = [];
  const targetDeclarations: number[] = [];
  const declarations = declarationBytes.length === 0 ? [] : declarationBytes.toString('utf8').split('\0').map(unpackDeclaration);
  for (let i = 0; i < ends.length; i++) {
    targetKeys.push(texts[i * 3]!);
    targetDeclarations.push(Number(texts[i * 3 + 1]));
  }
  const isWhole =
    figures.length === paths.length * COLUMNS &&
    hashes.length === paths.length * HASH_BYTES &&
    texts.length === ends.length * 3 &&
    indexes.length === (ends.at(-1) ?? 0) &&
    indexes.every((index) => index < paths.length) &&
    targetDeclarations.every((index) => declarations[index] !== undefined);
  if (!isWhole) throw new RangeError('The sections do not agree with each other');
  const pathsOf = (target: number) => indexes.subarray(target === 0 ? 0 : ends[target - 1], ends[target]);
  const resultsOf = (target: number) => parseOrUndefined(texts[target * 3 + 2]!);
  const fingerprint = (i: number): Fingerprint | undefined => {
    const at = i * COLUMNS;
    const kind = figures[at]!;
    if (kind === NO_KIND) return undefined;
    return {
      kind: KINDS[kind]!,
      sizeBytes: figures[at + 1]!,
      mtimeMs: figures[at + 2]!,
      ctimeMs: figures[at + 3]!,
      ino: figures[at + 4]!,
      mode: figures[at + 5]!,
    };
  };
  return {
    settings: settings.toString('utf8'),
    targetKeys,
    targetDeclarations,
    declarations,
    pathsOf,
    resultsOf,
    pathCount: paths.length,
    path: (index) => paths[index]!,
    pathText: pathBytes,
    isUnchanged(index, now) {
      const at = index * COLUMNS;
      return (
        KINDS[figures[at]!] === now.kind &&
        figures[at + 1] === now.sizeBytes &&
        figures[at + 2] === now.mtimeMs &&
        figures[at + 3] === now.ctimeMs &&
        figures[at + 4] === now.ino &&
        figures[at + 5] === now.mode
      );
    },
    unpack() {
      const discovered = discoveriesOrUndefined(discoveries.toString('utf8'));
      const targets = targetKeys.flatMap((key, i): TargetRecord[] => {
        const results = resultsOf(i);
        return results === undefined ? [] : [{ key, declaration: targetDeclarations[i]!, paths: pathsOf(i), results }];
      });
      if (discovered === undefined || targets.length < targetKeys.length) return undefined;
      const records = paths.map((path, i): PathRecord => {
        const hash = hashes.toString('hex', i * HASH_BYTES, (i + 1) * HASH_BYTES);
        return { path, fingerprint: fingerprint(i), hash: /^0+$/.test(hash) ? undefined : hash };
      });
      return { paths: records, discoveries: discovered, declarations, targets };
    },
  };
}

function parseOrUndefined(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function discoveriesOrUndefined(text: string): DiscoveryRecord[] | undefined {
  try {
    return decodeDiscoveries(text);
  } catch {
    return undefined;
  }
}

// Typed arrays need aligned memory; a section of a file need not be.
function aligned(section: Buffer, size: number): ArrayBuffer {
  if (section.length % size !== 0) throw new RangeError('The section does not hold whole numbers');
  const copy = new ArrayBuffer(section.length);
  new Uint8Array(copy).set(section);
  return copy;
}
