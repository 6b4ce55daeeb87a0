// Adds the members of another tar to an archive: repacked with numeric owners, each path once, nothing outside the root.
import { isOcidslError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { checkSymlinkTarget, folderPrefix, hardLinkTarget, normalizeEntryPath, parentPath } from '../tar/entry-path.ts';
import type { LayerArchive, LayerSpec } from '../tar/layer-spec.ts';
import { duplicateError, missingParent, parentError } from '../tar/plan-entries.ts';
import type { PlannedEntry } from '../tar/planned-entry.ts';
import { readTar } from '../tar/read-tar.ts';
import type { TarMember } from '../tar/read-tar.ts';
import { FileContent } from './archive-content.ts';
import type { ArchiveContent } from './archive-content.ts';
import type { ArchiveStream } from './archive-stream.ts';
import type { EntryOverrides } from './entry-overrides.ts';
import type { ToolContext } from './tool.ts';

const TYPES: Readonly<Partial<Record<TarMember['type'], PlannedEntry['type']>>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'directory',
  symlink: 'symlink',
  link: 'hardlink',
};

const ROOT = /^(?:\.?\/)*\.?$/;
const MAX_ID = 0xffff_fffe;

/**
 * Adds what `archive` has to the stream, in its order. Paths that are written already stay as they are: directories and
 * equal symbolic links silently, others with a printed line.
 * @throws OCIDSL_ENTRY_DUPLICATE, OCIDSL_ENTRY_PARENT, OCIDSL_ENTRY_PATH, OCIDSL_LINK_TARGET, OCIDSL_ENTRY_TYPE; what readTar() throws
 */
export async function mergeArchive(
  context: ToolContext,
  spec: Pick<LayerSpec, 'createParents' | 'allowDuplicates'>,
  archive: LayerArchive,
  overrides: EntryOverrides,
  stream: ArchiveStream,
  content: ArchiveContent,
): Promise<void> {
  const origin = archive.origin ?? archive.input;
  const folder = archive.folder === undefined ? '' : folderPrefix(normalizeEntryPath(archive.folder));
  const merge = new Merge(context, spec, origin, folder, overrides, stream, content);
  for await (const member of readTar(context.inputs.chunks(archive.input), origin)) {
    context.signal.throwIfAborted();
    await merge.add(member);
  }
}

class Merge {
  // Files and hard links of this archive that were written: what its hard links may name.
  readonly #files = new Set<string>();
  readonly #context: ToolContext;
  readonly #spec: Pick<LayerSpec, 'createParents' | 'allowDuplicates'>;
  readonly #origin: string;
  readonly #folder: string;
  readonly #overrides: EntryOverrides;
  readonly #stream: ArchiveStream;
  readonly #content: ArchiveContent;

  constructor(
    context: ToolContext,
    spec: Pick<LayerSpec, 'createParents' | 'allowDuplicates'>,
    origin: string,
    folder: string,
    overrides: EntryOverrides,
    stream: ArchiveStream,
    content: ArchiveContent,
  ) {
    this.#context = context;
    this.#spec = spec;
    this.#origin = origin;
    this.#folder = folder;
    this.#overrides = overrides;
    this.#stream = stream;
    this.#content = content;
  }

  async add(member: TarMember): Promise<void> {
    // The root has a mode in many archives; no image needs it.
    if (member.type === 'directory' && ROOT.test(member.name)) return;
    const given = this.#entryOf(member);
    if (this.#isWritten(given)) return;
    const entry = this.#overrides.apply(given);
    this.#checkHardLink(entry);
    await this.#addParents(entry);
    const sizeBytes = entry.type === 'file' ? member.sizeBytes : 0;
    await this.#stream.header({ ...entry, sizeBytes, pax: member.xattrs });
    this.#content.add(entry);
    if (entry.type === 'file' || entry.type === 'hardlink') this.#files.add(entry.path);
    if (entry.type !== 'file') return;
    const file = new FileContent(this.#content, entry.path, sizeBytes);
    for await (const chunk of member.content) {
      file.take(chunk);
      await this.#stream.content(chunk);
    }
    file.finish();
    await this.#stream.padding(sizeBytes);
  }

  #entryOf(member: TarMember): PlannedEntry {
    const type = TYPES[member.type];
    if (type === undefined) {
      throw this.#error('OCIDSL_ENTRY_TYPE', member.name, `it is of type ${member.type}`, 'a file, directory or link');
    }
    const { mode, uid, gid, mtime } = member;
    if (uid < 0 || uid > MAX_ID || gid < 0 || gid > MAX_ID) {
      throw this.#error('OCIDSL_ENTRY_OWNER', member.name, `its owner is ${uid}:${gid}`, `numbers from 0 to ${MAX_ID}`);
    }
    try {
      const path = this.#folder + normalizeEntryPath(member.name);
      let linkTarget: string | undefined;
      if (type === 'hardlink') linkTarget = this.#folder + hardLinkTarget(path, member.linkTarget);
      if (type === 'symlink') {
        checkSymlinkTarget(path, member.linkTarget);
        linkTarget = member.linkTarget;
      }
      const link = linkTarget === undefined ? undefined : { linkTarget };
      return { path, type, mode, uid, gid, uname: '', gname: '', mtime, origin: this.#origin, implicit: false, ...link };
    } catch (error) {
      if (!isOcidslError(error)) throw error;
      // The name alone says nothing to a user who sees the archive as one thing.
      throw new OcidslError({
        code: error.code,
        kind: error.kind,
        message: error.message,
        hint: `It is an entry of the archive "${printable(this.#origin)}"`,
        cause: error,
      });
    }
  }

  #isWritten(entry: PlannedEntry): boolean {
    const before = this.#content.byPath.get(entry.path);
    if (before === undefined) return false;
    if (before.type === 'directory' && entry.type === 'directory') return true;
    if (before.type === 'symlink' && entry.type === 'symlink' && before.linkTarget === entry.linkTarget) return true;
    // A directory has children, so it and a file cannot give way to each other.
    if (before.type === 'directory' || entry.type === 'directory') throw duplicateError(before, entry);
    if (!this.#spec.allowDuplicates.fromArchives) {
      throw this.#error('OCIDSL_ENTRY_DUPLICATE', entry.path, `"${printable(before.origin)}" has that path too`, 'one entry for each path');
    }
    this.#context.print(`Duplicate file in archive: ${printable(entry.path)}, picking first occurrence`);
    return true;
  }

  // Content that another source put at the target's path would silently become the link's.
  #checkHardLink(entry: PlannedEntry): void {
    const target = entry.linkTarget ?? '';
    if (entry.type !== 'hardlink' || this.#files.has(target)) return;
    const owner = this.#content.byPath.get(target);
    const is = owner === undefined ? 'no entry before it has that path' : `that path is taken by "${printable(owner.origin)}"`;
    throw this.#error(
      'OCIDSL_LINK_TARGET',
      entry.path,
      `it is a hard link to "${printable(target)}", and ${is}`,
      'a link to a file of the same archive',
    );
  }

  async #addParents(entry: PlannedEntry): Promise<void> {
    const missing: PlannedEntry[] = [];
    for (let path = parentPath(entry.path); path !== undefined; path = parentPath(path)) {
      const parent = this.#content.byPath.get(path);
      if (parent === undefined) missing.push(missingParent(path, entry));
      else if (parent.type !== 'directory') throw parentError(entry, parent);
    }
    if (!this.#spec.createParents) return;
    for (const parent of missing.reverse()) {
      await this.#stream.header({ ...parent, sizeBytes: 0 });
      this.#content.add(parent);
    }
  }

  #error(code: `OCIDSL_${string}`, name: string, is: string, expected: string): OcidslError {
    return new OcidslError({
      code,
      kind: 'build',
      message: `Cannot add "${printable(name)}" from archive "${printable(this.#origin)}": ${is}, expected ${expected}`,
    });
  }
}
