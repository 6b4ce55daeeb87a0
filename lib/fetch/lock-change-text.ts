// A change of the lock as one line for people.
import { printable } from '../base/printable.ts';
import type { LockedGoArchive } from '../plan/lock.ts';
import { printableUrl } from '../registry/printable-url.ts';
import type { LockChange } from './lock-changes.ts';
import type { PlatformChange } from './lock-image-changes.ts';
import type { LockKind } from './lock-kinds.ts';

/** `NAME  OLD → NEW, details`; `(none)` stands for a pin that was not there, or is not there any more. */
export function lockChangeText(change: LockChange, platforms: readonly PlatformChange[] = []): string {
  const details = detailsOf(change, platforms);
  return `${lockPinText(change)}  ${state(change, 'from')} → ${state(change, 'to')}${details.length > 0 ? `, ${details.join('; ')}` : ''}`;
}

/** The name of a pin for people. The query of a URL may be a secret. */
export function lockPinText({ kind, name }: { readonly kind: LockKind; readonly name: string }): string {
  if (kind === 'go-toolchain') return `Go ${shown(name)}`;
  return kind === 'file' && URL.canParse(name) ? printableUrl(new URL(name)) : printable(name, 800);
}

function state(change: LockChange, side: 'from' | 'to'): string {
  if (change[side] === undefined) return '(none)';
  return change.kind === 'go-toolchain' ? Object.keys(change[side]).map(shown).join(' ') : shortDigest(change[side].digest);
}

function shortDigest(digest: string): string {
  return `${digest.slice(0, 'sha256:'.length + 12)}…`;
}

function detailsOf(change: LockChange, platforms: readonly PlatformChange[]): string[] {
  if (change.to === undefined) return [];
  if (change.from === undefined) return change.kind === 'image' ? [Object.keys(change.to.platforms).map(shown).join(' ')] : [];
  if (change.kind === 'image') return imageDetails(platforms);
  if (change.kind === 'file') return [`${change.from.size} → ${change.to.size} bytes`];
  const { from, to } = change;
  const differing = Object.keys(to).filter((platform) => from[platform] !== undefined && !isSameArchive(from[platform], to[platform]!));
  return differing.length > 0 ? [`other archives for ${differing.map(shown).join(' ')}`] : [];
}

function isSameArchive(a: LockedGoArchive, b: LockedGoArchive): boolean {
  return a.h1 === b.h1 && a.digest === b.digest;
}

function imageDetails(platforms: readonly PlatformChange[]): string[] {
  const added = platforms.filter(({ from }) => from === undefined).map(({ platform }) => `+${shown(platform)}`);
  const removed = platforms.filter(({ to }) => to === undefined).map(({ platform }) => `-${shown(platform)}`);
  const contents = platforms.flatMap(({ platform, contents }) =>
    contents === undefined ? [] : [`${shown(platform)}: ${[layersText(contents), createdText(contents)].filter(Boolean).join(', ')}`],
  );
  return [...contents, ...(added.length + removed.length > 0 ? [[...added, ...removed].join(' ')] : [])];
}

type Contents = NonNullable<PlatformChange['contents']>;

function layersText({ layersAdded, layersRemoved }: Contents): string {
  if (layersAdded === 0 && layersRemoved === 0) return 'same layers';
  const counts = [...(layersAdded > 0 ? [`+${layersAdded}`] : []), ...(layersRemoved > 0 ? [`-${layersRemoved}`] : [])];
  return `${counts.join(' ')} ${layersAdded + layersRemoved === 1 ? 'layer' : 'layers'}`;
}

// The days, where they tell the two apart.
function createdText({ createdFrom, createdTo }: Contents): string {
  if (createdFrom === undefined || createdTo === undefined || createdFrom === createdTo) return '';
  const [from, to] = [createdFrom.slice(0, 10), createdTo.slice(0, 10)];
  return `created ${shown(from === to ? createdFrom : from)} → ${shown(from === to ? createdTo : to)}`;
}

function shown(text: string): string {
  return printable(text, 80);
}
