// Writes the archive that a layer spec describes, in one pass over its inputs. Both archive tools end up here.
import { collectGarbageAfter } from '../base/v8-heap.ts';
import type { Digest } from '../base/digest.ts';
import { decodeLayerSpec } from '../tar/decode-layer-spec.ts';
import type { LayerSpec } from '../tar/layer-spec.ts';
import { planEntries } from '../tar/plan-entries.ts';
import type { PlannedEntry } from '../tar/planned-entry.ts';
import { ArchiveContent, FileContent } from './archive-content.ts';
import { ArchiveStream } from './archive-stream.ts';
import { settleDuplicates } from './duplicate-entries.ts';
import { EntryOverrides } from './entry-overrides.ts';
import { expandEntries } from './expand-entries.ts';
import type { ToolContext } from './tool.ts';

/** An archive that was written. */
export interface WrittenArchive {
  readonly compression: LayerSpec['compression']['format'];
  /** Of the file. */
  readonly digest: Digest;
  /** Of the uncompressed tar: its hash is the diffID of a layer. */
  readonly uncompressed: Digest;
  readonly content: ArchiveContent;
}

/** Limit of a spec: about 200 bytes for each of two million entries. */
const SPEC_LIMIT_BYTES = 400 * 1024 * 1024;

/**
 * Writes the output `NAME.tar`, or `NAME.tar.gz` where the spec says gzip. The only argument is the path of the spec.
 * @throws what decodeLayerSpec(), planEntries() and mergeArchive() throw; OCIDSL_INPUT_CHANGED
 */
export async function writeArchive(context: ToolContext, name: string): Promise<WrittenArchive> {
  const { outputs, signal } = context;
  const { spec, entries } = await planArchive(context);
  signal.throwIfAborted();
  // What analysis and planning said of each of them is as large as what is left, and the longest part of the work is yet to come.
  collectGarbageAfter(entries.length);

  const compression = spec.compression.format;
  const output = await outputs.create(compression === 'gzip' ? `${name}.tar.gz` : `${name}.tar`);
  try {
    const contentBytes = contentSize(context, entries, spec);
    const stream = new ArchiveStream(output, { compression: spec.compression, contentBytes, segments: context.segments });
    const content = new ArchiveContent();
    await writeEntries(context, entries, stream, content);
    if (spec.archives.length > 0) {
      // Imported here: most archives merge none, and tar-stream's reader costs 20 ms.
      const { mergeArchive } = await import('./merge-archive.ts');
      const overrides = new EntryOverrides(spec.overrides ?? []);
      for (const archive of spec.archives) await mergeArchive(context, spec, archive, overrides, stream, content);
      overrides.requireAllUsed();
    }
    return { compression, ...(await stream.commit()), content };
  } catch (error) {
    await output.abort();
    throw error;
  }
}

/** A spec whose own entries are planned. */
interface PlannedArchive {
  readonly spec: Omit<LayerSpec, 'entries'>;
  readonly entries: readonly PlannedEntry[];
}

// Apart from writeArchive(), so that of 100,000 entries only the planned ones are kept while they are written.
async function planArchive(context: ToolContext): Promise<PlannedArchive> {
  const { args, inputs } = context;
  const [specPath] = args;
  if (specPath === undefined || args.length !== 1)
    throw new Error(`An archive tool takes one argument, the path of its spec, and not ${args.length}`);
  const { entries, ...spec } = decodeLayerSpec(await inputs.readBytes(specPath, SPEC_LIMIT_BYTES));
  const plan = planEntries(expandEntries(entries, inputs), spec);
  await settleDuplicates(context, plan, spec.allowDuplicates.differentContent);
  return { spec, entries: plan.entries };
}

// Archives count as they lie there: what is in them is known only when they are read.
function contentSize({ inputs }: ToolContext, entries: readonly PlannedEntry[], spec: Pick<LayerSpec, 'archives'>): number {
  let sizeBytes = 0;
  for (const list of [entries, spec.archives])
    for (const { input } of list) if (input !== undefined) sizeBytes += inputs.get(input).sizeBytes;
  return sizeBytes;
}

async function writeEntries(
  context: ToolContext,
  entries: readonly PlannedEntry[],
  stream: ArchiveStream,
  content: ArchiveContent,
): Promise<void> {
  const { inputs, signal } = context;
  for (const entry of entries) {
    signal.throwIfAborted();
    content.add(entry);
    const input = entry.input === undefined ? undefined : inputs.get(entry.input);
    const sizeBytes = input?.sizeBytes ?? 0;
    const mode = entry.executableMode !== undefined && input?.isExecutable === true ? entry.executableMode : entry.mode;
    // Promises are awaited only where there is one: a small file then costs no turn of the event loop.
    const { path, type, uid, gid, uname, gname, mtime, linkTarget } = entry;
    const wait = stream.header({ path, type, sizeBytes, mode, uid, gid, uname, gname, mtime, linkTarget });
    if (wait !== undefined) await wait;
    if (input === undefined) continue;
    await writeContent(context, input.path, new FileContent(content, entry.path, sizeBytes), stream);
    const padded = stream.padding(sizeBytes);
    if (padded !== undefined) await padded;
  }
}

async function writeContent(context: ToolContext, path: string, file: FileContent, stream: ArchiveStream): Promise<void> {
  const chunks = context.inputs.chunks(path);
  if (Symbol.asyncIterator in chunks) {
    for await (const chunk of chunks) {
      context.signal.throwIfAborted();
      file.take(chunk);
      await stream.content(chunk);
    }
  } else {
    for (const chunk of chunks) {
      file.take(chunk);
      const wait = stream.content(chunk);
      if (wait !== undefined) {
        await wait;
        context.signal.throwIfAborted();
      }
    }
  }
  file.finish();
}
