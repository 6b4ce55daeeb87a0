// What a push prints: results and plans, for people and as JSON.
import { sizeText } from '../report/size-text.ts';
import type { PlannedBlob, PushPlan } from '../sinks/push-plan.ts';
import type { PushedImage } from '../sinks/push.ts';

/** What was done or planned for one target, one a destination. */
export interface TargetResult<T> {
  readonly label: string;
  readonly results: readonly T[];
}

/** One `repository@digest` line for each target and destination. */
export function pushedText(pushed: readonly TargetResult<PushedImage>[]): string {
  return pushed.flatMap(({ results }) => results.map(({ reference }) => `${reference}\n`)).join('');
}

/** The same as rows of JSON. */
export function pushedRows(pushed: readonly TargetResult<PushedImage>[]): object[] {
  return pushed.flatMap(({ label, results }) =>
    results.map(({ reference, tags, summary }) => ({
      label,
      reference,
      digest: digestOf(reference),
      tags,
      uploadedBytes: summary.uploadedBytes,
    })),
  );
}

/** Plans as rows of JSON. */
export function planRows(plans: readonly TargetResult<PushPlan>[]): object[] {
  return plans.flatMap(({ label, results }) =>
    results.map(({ reference, ...plan }) => ({ label, reference, digest: digestOf(reference), ...plan })),
  );
}

/** Plans as a table, with what they add up to. */
export function planText(plans: readonly TargetResult<PushPlan>[]): string {
  const all = plans.flatMap(({ results }) => results);
  const blobs = all.flatMap((plan) => plan.blobs);
  const tags = all.flatMap((plan) => plan.tags);
  const moving = tags.filter(({ from, to }) => from !== to).length;
  const sums = (['upload', 'mount', 'skip'] as const).map((action) => sumText(action, blobs));
  return [
    ...plans.flatMap(({ label, results }) => results.map((plan) => `${onePlan(label, plan)}\n`)),
    `Total: ${sums.join('; ')}; ${count(moving, 'tag')} to move\n`,
  ].join('');
}

function onePlan(label: string, { reference, blobs, tags }: PushPlan): string {
  const rows = blobs.map((blob) => {
    const from = blob.from === undefined ? '' : `  from ${blob.from}`;
    return `  ${blob.action.padEnd(6)}  ${blob.digest}  ${blob.artifactType ?? blob.mediaType}  ${sizeText(blob.size)}${from}\n`;
  });
  const moves = tags.map(({ tag, from, to }) => `  tag     ${tag}  ${from === to ? `${to} (unchanged)` : `${from ?? '(none)'} → ${to}`}\n`);
  return `${reference} (${label})\n${rows.join('')}${moves.join('')}`;
}

function sumText(action: PlannedBlob['action'], blobs: readonly PlannedBlob[]): string {
  const chosen = blobs.filter((blob) => blob.action === action);
  return `${chosen.length} to ${action}, ${sizeText(chosen.reduce((sum, { size }) => sum + size, 0))}`;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}

function digestOf(reference: string): string {
  return reference.slice(reference.indexOf('@') + 1);
}
