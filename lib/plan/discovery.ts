// Discoveries: inputs that only a tool can name, such as a glob's matches or Go's import graph. Analysis plans them as
// data; the engine runs the discoverer of that name and remembers what it read, so that it runs again only on a change.
// A fetch is one too: network input by digest, which a discoverer of lib/fetch brings into the store.
import type { Json } from '../base/json.ts';

/** A planned discovery. Equal discoveries run once. */
export interface Discovery {
  /** Name of the discoverer: `glob`, `go-packages`, … */
  readonly discoverer: string;
  readonly args: { readonly [key: string]: Json | undefined };
}

/** One file that a discovery found. */
export interface DiscoveredFile {
  /** A name that does not depend on where the workspace lies; what it means is up to the discoverer. */
  readonly name: string;
  /** Path of the file: relative to the workspace root, or absolute outside of it. */
  readonly path: string;
  readonly isExecutable?: boolean;
  /** Set where the content is already known by digest, as in an OCI layout: `<hex>` and size. */
  readonly digest?: { readonly hash: string; readonly sizeBytes: number };
}

/** Content that a discovery brought from the network into the store. */
export interface DiscoveredBlob {
  /** What it is to whoever asked: `manifest.json`, or the name of a downloaded file. */
  readonly name: string;
  readonly digest: { readonly hash: string; readonly sizeBytes: number };
  readonly isExecutable?: boolean;
}

/** What a discovery found. Plain JSON, since it is kept between builds. */
export interface Discovered {
  /** Sorted by name in UTF-8 order. */
  readonly files: readonly DiscoveredFile[];
  /**
   * Files and folders that were read besides `files` and whose change makes the result stale: a folder stands for its list
   * of names, a path that does not exist for its absence.
   */
  readonly watched: readonly string[];
  /** Fetched content. While the store lacks one of them the result does not stand and is found anew. */
  readonly blobs?: readonly DiscoveredBlob[];
  /** Further facts for describe(). */
  readonly facts?: Json;
}
