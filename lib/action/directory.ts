// REAPI Directory and its nodes: one level of a Merkle tree. Trees of many files are made by merkle-tree.ts.
import { compareUtf8 } from '../base/bytes.ts';
import { quote, requireName, requireSorted } from './canonical-order.ts';
import { readDigest, writeDigest } from './digest-message.ts';
import { decodeCanonical, encodeMessage, readFields, wireError } from './wire.ts';
import type { Digest } from '../base/digest.ts';
import type { WireWriter } from './wire.ts';

/** One regular file. Owner, mode and times are no part of it: what a layer says of them are attributes. */
export interface FileNode {
  /** One path segment. */
  readonly name: string;
  readonly digest: Digest;
  readonly isExecutable: boolean;
}

/** One subdirectory. */
export interface DirectoryNode {
  /** One path segment. */
  readonly name: string;
  /** Digest of the encoded Directory. */
  readonly digest: Digest;
}

/** One symbolic link. */
export interface SymlinkNode {
  /** One path segment. */
  readonly name: string;
  /** As readlink gives it. */
  readonly target: string;
}

/** One level of a tree: three lists, each sorted by name in UTF-8 order; no name is in two of them. */
export interface Directory {
  readonly files: readonly FileNode[];
  readonly directories: readonly DirectoryNode[];
  readonly symlinks: readonly SymlinkNode[];
}

/** Canonical bytes of a Directory. Throws RangeError where a list is not sorted or a name occurs twice. */
export function encodeDirectory(directory: Directory): Buffer {
  return encodeMessage(directory, writeDirectory);
}

/** Reads a Directory in canonical form. Throws OCIDSL_MESSAGE_SYNTAX. */
export function decodeDirectory(bytes: Uint8Array): Directory {
  return decodeCanonical('Directory', bytes, readDirectory, writeDirectory);
}

/** Writes a Directory into another message. */
export function writeDirectory(writer: WireWriter, directory: Directory): void {
  const { files, directories, symlinks } = directory;
  const name = (node: { readonly name: string }) => node.name;
  requireSorted('the files of a Directory', files, name);
  requireSorted('the directories of a Directory', directories, name);
  requireSorted('the symlinks of a Directory', symlinks, name);
  requireSorted(
    'a Directory',
    [...files, ...directories, ...symlinks].sort((a, b) => compareUtf8(a.name, b.name)),
    name,
  );
  for (const file of files) writer.message(1, file, writeFileNode);
  for (const node of directories) writer.message(2, node, writeDirectoryNode);
  for (const symlink of symlinks) writer.message(3, symlink, writeSymlinkNode);
}

/** Writes a FileNode into a Directory. */
export function writeFileNode(writer: WireWriter, node: FileNode): void {
  requireName('file', node.name);
  writer.string(1, node.name);
  writer.message(2, node.digest, writeDigest);
  writer.bool(4, node.isExecutable);
}

/** Writes a DirectoryNode into a Directory. */
export function writeDirectoryNode(writer: WireWriter, node: DirectoryNode): void {
  requireName('directory', node.name);
  writer.string(1, node.name);
  writer.message(2, node.digest, writeDigest);
}

/** Writes a SymlinkNode into a Directory. */
export function writeSymlinkNode(writer: WireWriter, node: SymlinkNode): void {
  requireName('symlink', node.name);
  if (node.target === '' || node.target.includes('\0')) {
    throw new RangeError(`Cannot encode symlink ${quote(node.name)}: its target is ${quote(node.target)}, expected a path`);
  }
  writer.string(1, node.name);
  writer.string(2, node.target);
}

/** Reads a Directory without asking for its canonical form: the message around it does. */
export function readDirectory(bytes: Uint8Array): Directory {
  const files: FileNode[] = [];
  const directories: DirectoryNode[] = [];
  const symlinks: SymlinkNode[] = [];
  for (const field of readFields('Directory', bytes)) {
    if (field.number === 1) {
      const { name, digest, isExecutable } = readNode('FileNode', field.bytes());
      files.push({ name, digest: readDigest('FileNode', digest), isExecutable });
    } else if (field.number === 2) {
      const { name, digest } = readNode('DirectoryNode', field.bytes());
      directories.push({ name, digest: readDigest('DirectoryNode', digest) });
    } else if (field.number === 3) {
      symlinks.push(readSymlinkNode(field.bytes()));
    } else {
      throw wireError('Directory', `it has a field ${field.number}`, 'files, directories and symlinks');
    }
  }
  return { files, directories, symlinks };
}

function readNode(message: string, bytes: Uint8Array): { name: string; digest: Uint8Array | undefined; isExecutable: boolean } {
  let name = '';
  let digest: Uint8Array | undefined;
  let isExecutable = false;
  for (const field of readFields(message, bytes)) {
    if (field.number === 1) name = field.string();
    else if (field.number === 2) digest = field.bytes();
    else if (field.number === 4) isExecutable = field.bool();
  }
  return { name, digest, isExecutable };
}

function readSymlinkNode(bytes: Uint8Array): SymlinkNode {
  let name = '';
  let target = '';
  for (const field of readFields('SymlinkNode', bytes)) {
    if (field.number === 1) name = field.string();
    else if (field.number === 2) target = field.string();
  }
  return { name, target };
}
