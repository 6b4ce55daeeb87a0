// What a tool is: the in-process implementation of an action's command. Tools see their inputs and outputs only through
// these interfaces, so the same code runs in process, as `ocidsl tool NAME`, and on a remote worker.
import type { Json } from '../base/json.ts';
import type { BlobWriter } from '../store/content-addressable-storage.ts';
import type { SegmentCache } from '../tar/segment-cache.ts';

/** One file of a tool's input root. */
export interface ToolInput {
  /** Path in the input root: relative, `/` between segments. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

/** The input root of a running tool. Nothing is staged: files are read where they lie. */
export interface ToolInputs {
  /** Every input, sorted by path in UTF-8 order. */
  list(): readonly ToolInput[];
  /** The input at `path`; throws OCIDSL_TOOL_INPUT_MISSING. */
  get(path: string): ToolInput;
  /**
   * The bytes of one input in order, exactly `sizeBytes` of them. A chunk is valid only until the next is asked for, of this input or another.
   * Files on disk give a synchronous iterable (for speed with many small files), stored blobs an asynchronous one.
   * @throws OCIDSL_INPUT_CHANGED where a file changed since it was looked at
   */
  chunks(path: string): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** The whole of a small input, not to be written to; refuses more than `limitBytes` (default 64 MiB). */
  readBytes(path: string, limitBytes?: number): Promise<Buffer>;
}

/** Where a running tool puts its outputs. */
export interface ToolOutputs {
  /** Starts the output file `path` (one of the action's declared outputs); it exists once the writer is committed. */
  create(path: string, options?: { readonly isExecutable?: boolean }): Promise<BlobWriter>;
  /** Takes a regular file that a program wrote, and that nobody writes any more, as the output `path`. The file may be gone afterwards. */
  take(path: string, file: string, options?: { readonly isExecutable?: boolean }): Promise<void>;
}

/** What a tool's run() gets. */
export interface ToolContext {
  /** Facts of this machine that never enter a key: ToolDescription.local; undefined on a remote worker. */
  readonly local?: Json | undefined;
  /** Absolute path of an input where it is a file of the user (not a stored blob); undefined otherwise. */
  hostPath?(path: string): string | undefined;
  /** The arguments after the tool's name and version. */
  readonly args: readonly string[];
  readonly inputs: ToolInputs;
  readonly outputs: ToolOutputs;
  /** Aborted when the build is cancelled; check it between files. */
  readonly signal: AbortSignal;
  /** Compressed segments of archives that were stored before, where they are kept. Speed only. */
  readonly segments?: SegmentCache | undefined;
  /** Prints a line of diagnostics: stored with the result and replayed on a cache hit. */
  print(line: string): void;
}

/** A tool. Its version is part of every key it appears in: changed bytes mean a changed version. */
export interface Tool {
  readonly name: string;
  readonly version: string;
  run(context: ToolContext): Promise<void>;
}
