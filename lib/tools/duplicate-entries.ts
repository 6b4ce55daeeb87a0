// Files with one path and different inputs: equal content is no conflict, and only reading tells.
import { printable } from '../base/printable.ts';
import { duplicateError } from '../tar/plan-entries.ts';
import type { EntryPlan } from '../tar/plan-entries.ts';
import type { PlannedEntry } from '../tar/planned-entry.ts';
import type { ToolContext, ToolInputs } from './tool.ts';

/**
 * Settles the contested paths of a plan: prints a line for each entry that another one with different content or
 * attributes replaced.
 * @throws OCIDSL_ENTRY_DUPLICATE where that is not allowed
 */
export async function settleDuplicates(
  context: Pick<ToolContext, 'inputs' | 'print'>,
  plan: EntryPlan,
  allowDifferent: boolean,
): Promise<void> {
  const replaced = [...plan.replaced];
  for (const pair of plan.contested) {
    if (await sameContent(context.inputs, pair.dropped, pair.kept)) continue;
    if (!allowDifferent) throw duplicateError(pair.dropped, pair.kept);
    replaced.push(pair);
  }
  for (const { dropped, kept } of replaced) {
    context.print(
      `Duplicate file in archive: ${printable(kept.path)} from ${printable(dropped.origin)} and from ${printable(kept.origin)}, picking the last`,
    );
  }
}

async function sameContent(inputs: ToolInputs, a: PlannedEntry, b: PlannedEntry): Promise<boolean> {
  const sizeOf = (entry: PlannedEntry) => (entry.input === undefined ? 0 : inputs.get(entry.input).sizeBytes);
  if (sizeOf(a) !== sizeOf(b)) return false;
  // The x-bit of the input decides the mode where neither entry does.
  const isExecutable = (entry: PlannedEntry) =>
    entry.executableMode !== undefined && entry.input !== undefined && inputs.get(entry.input).isExecutable;
  if (isExecutable(a) !== isExecutable(b)) return false;
  if (sizeOf(a) === 0 || a.input === undefined || b.input === undefined) return true;
  return equalBytes(inputs.chunks(a.input), inputs.chunks(b.input));
}

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Compares two contents of equal size, which may come in different parts. */
async function equalBytes(a: Chunks, b: Chunks): Promise<boolean> {
  const right = iterate(b);
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of a) {
      // A copy, since asking for a part of the other content ends this one.
      for (let left = Buffer.from(chunk); left.length > 0;) {
        if (rest.length === 0) {
          const next = await right.next();
          if (next.done === true) return false;
          rest = Buffer.from(next.value);
        }
        const length = Math.min(left.length, rest.length);
        if (left.compare(rest, 0, length, 0, length) !== 0) return false;
        left = left.subarray(length);
        rest = rest.subarray(length);
      }
    }
    return rest.length === 0;
  } finally {
    await right.return?.();
  }
}

function iterate(chunks: Chunks): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
  return Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
}
