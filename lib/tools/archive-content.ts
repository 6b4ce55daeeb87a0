// What an archive contains, gathered while it is written: who has which path, programs and links.
import type { Json } from '../base/json.ts';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { EXECUTABLE_HEAD_SIZE, mayBeExecutable, parseExecutableHeader } from '../tar/executable-header.ts';
import type { ExecutableHeader } from '../tar/executable-header.ts';
import type { PlannedEntry } from '../tar/planned-entry.ts';

/** An entry that has been written. */
export type WrittenEntry = Pick<PlannedEntry, 'path' | 'type' | 'origin' | 'linkTarget' | 'implicit'>;

/** The entries written so far. */
export class ArchiveContent {
  readonly #written: WrittenEntry[] = [];
  #byPath: Map<string, WrittenEntry> | undefined;
  readonly #executables = new Map<string, ExecutableHeader>();

  add(entry: WrittenEntry): void {
    this.#written.push(entry);
    this.#byPath?.set(entry.path, entry);
  }

  /** What has a path. Only merging asks, so most archives do without the index of all paths. */
  get byPath(): ReadonlyMap<string, WrittenEntry> {
    return (this.#byPath ??= new Map(this.#written.map((entry) => [entry.path, entry])));
  }

  /** Looks at the first bytes of the file at `path`: all of it, or at least EXECUTABLE_HEAD_SIZE. */
  inspect(path: string, head: Uint8Array): void {
    const header = parseExecutableHeader(head);
    if (header !== undefined) this.#executables.set(path, header);
  }

  /** Programs by path. */
  executables(): Json {
    return record(this.#executables);
  }

  /** Targets of symbolic links (as they are) and of hard links (a path in the archive), by path. */
  links(): Json {
    const links = new Map<string, string>();
    for (const { path, linkTarget } of this.#written) if (linkTarget !== undefined) links.set(path, linkTarget);
    return record(links);
  }
}

// Without a prototype, so that a file named __proto__ is one like any other.
function record(entries: ReadonlyMap<string, ExecutableHeader | string>): Json {
  const object = Object.create(null) as Record<string, Json>;
  for (const [key, value] of entries) object[key] = typeof value === 'string' ? value : { ...value };
  return object;
}

/** Passes one file's content on, looks at its head and counts its bytes. */
export class FileContent {
  readonly #content: ArchiveContent;
  readonly #path: string;
  readonly #expected: number;
  #sizeBytes = 0;
  // Only of files that may be programs and came in smaller parts than a head.
  #head: Buffer | undefined;

  constructor(content: ArchiveContent, path: string, expected: number) {
    this.#content = content;
    this.#path = path;
    this.#expected = expected;
  }

  /** Looks at the next part of the content, which the caller passes on. */
  take(chunk: Uint8Array): void {
    const isFirst = this.#sizeBytes === 0;
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#expected) throw this.#sizeError();
    if (isFirst ? chunk.length === 1 || mayBeExecutable(chunk) : this.#head !== undefined) this.#inspect(chunk);
  }

  #inspect(chunk: Uint8Array): void {
    const head = this.#head === undefined ? Buffer.from(chunk.subarray(0, EXECUTABLE_HEAD_SIZE)) : Buffer.concat([this.#head, chunk]);
    if (head.length < EXECUTABLE_HEAD_SIZE && this.#sizeBytes < this.#expected) {
      this.#head = head;
      return;
    }
    this.#head = undefined;
    this.#content.inspect(this.#path, head);
  }

  /** Checks that all of the content was seen. */
  finish(): void {
    if (this.#sizeBytes !== this.#expected) throw this.#sizeError();
  }

  #sizeError(): OcidslError {
    return new OcidslError({
      code: 'OCIDSL_INPUT_CHANGED',
      kind: 'build',
      message: `Cannot add "${printable(this.#path)}" to the archive: its content has ${this.#sizeBytes > this.#expected ? 'more' : this.#sizeBytes} bytes, expected ${this.#expected}`,
      hint: 'The file changed while it was read: build again when nothing writes to it',
    });
  }
}
