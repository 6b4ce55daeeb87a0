// REAPI Tree: a whole directory in one message, the form in which an action's output directory is stored.
import { readDirectory, writeDirectory } from './directory.ts';
import { decodeCanonical, encodeMessage, readFields, wireError } from './wire.ts';
import type { Directory } from './directory.ts';
import type { WireWriter } from './wire.ts';

/** A root and every Directory below it, each once. Directories name their children by digest. */
export interface Tree {
  readonly root: Directory;
  /** All others, without duplicates; in the order in which the maker met them. */
  readonly children: readonly Directory[];
}

/** Canonical bytes of a Tree. */
export function encodeTree(tree: Tree): Buffer {
  return encodeMessage(tree, writeTree);
}

/** Reads a Tree in canonical form. Throws OCIDSL_MESSAGE_SYNTAX. */
export function decodeTree(bytes: Uint8Array): Tree {
  return decodeCanonical('Tree', bytes, readTree, writeTree);
}

function writeTree(writer: WireWriter, tree: Tree): void {
  writer.message(1, tree.root, writeDirectory);
  for (const child of tree.children) writer.message(2, child, writeDirectory);
}

function readTree(bytes: Uint8Array): Tree {
  let root: Directory | undefined;
  const children: Directory[] = [];
  for (const field of readFields('Tree', bytes)) {
    if (field.number === 1) root = readDirectory(field.bytes());
    else if (field.number === 2) children.push(readDirectory(field.bytes()));
  }
  if (root === undefined) throw wireError('Tree', 'it has no root', 'one');
  return { root, children };
}
