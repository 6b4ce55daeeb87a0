// The stores of one cache directory, put together: the only way in which disk stores are used outside of tests.
import { accessSync, constants, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentError, OcidslError } from '../base/errors.ts';
import { CompletenessCheckingActionCache } from './completeness-checking-action-cache.ts';
import { DiskActionCache } from './disk-action-cache.ts';
import { DiskCas } from './disk-cas.ts';
import { diskLayout } from './disk-layout.ts';
import { ReadOnlyActionCache } from './read-only-action-cache.ts';
import { ReadThroughCas } from './read-through-cas.ts';
import { SegmentIndex } from './segment-index.ts';
import { ShapeIndex } from './shape-index.ts';
import { isReadOnlyError } from './system-error.ts';
import { makeFolder } from './temporary-files.ts';
import { VerifyingCas } from './verifying-cas.ts';
import type { EventListener } from '../base/events.ts';
import type { ActionCache } from './action-cache.ts';
import type { SegmentCache } from '../tar/segment-cache.ts';
import type { ContentAddressableStorage } from './content-addressable-storage.ts';
import type { DiskLayout } from './disk-layout.ts';

/** Where a store is and who may use it. */
export interface DiskStoreOptions {
  /** The cache directory, absolute. Made where it is missing, mode 0700. */
  readonly directory: string;
  /**
   * The directory is shared between users on purpose: it may belong to another user or be writable by all, and folders
   * are made as the umask says. Whoever may write to it can decide what your builds produce. Default false.
   */
  readonly shared?: boolean;
  /** Gets a warning for each corrupt blob, and one where the directory can only be read. */
  readonly onEvent?: EventListener;
  /** Where outputs go when the directory can only be read. Default: the system's folder for temporary files. */
  readonly temporaryDirectory?: string;
}

/** The stores of a cache directory. */
export interface DiskStore {
  readonly cas: ContentAddressableStorage;
  /** Returns only results whose blobs are all in `cas`. */
  readonly actionCache: ActionCache;
  readonly shapes: ShapeIndex;
  /** Compressed segments of the large archives in `cas`. */
  readonly segments: SegmentCache;
  /** The directory can only be read: hits work, and what is built lives in a private folder until close(). */
  readonly readOnly: boolean;
  /** Removes that private folder. Never throws. */
  close(): void;
}

/**
 * Opens the stores in a cache directory.
 * @throws OCIDSL_CACHE_DIRECTORY_UNSAFE where another user owns it or everybody may write to it
 * @throws OCIDSL_SYSTEM_… where it can be neither made nor read
 */
export function openDiskStore(options: DiskStoreOptions): DiskStore {
  const { directory, onEvent = () => {}, shared = false } = options;
  const layout = diskLayout(directory);
  const directoryMode = shared ? 0o777 : 0o700;
  // Looked at before anything is made in it, and again when it is certain to be there.
  if (!shared) requirePrivate(directory);
  const readOnly = !prepare(layout, directoryMode);
  if (!shared) for (const path of [directory, layout.root]) requirePrivate(path);
  const cas = new VerifyingCas(new DiskCas(layout, { directoryMode }), onEvent);
  const actionCache = new DiskActionCache(layout, { directoryMode });
  const shapes = new ShapeIndex(layout, { directoryMode });
  const segments = new SegmentIndex(layout, { directoryMode });
  if (!readOnly) {
    return { cas, actionCache: new CompletenessCheckingActionCache(actionCache, cas), shapes, segments, readOnly, close: () => {} };
  }
  onEvent({
    type: 'warning',
    message: `The cache directory "${directory}" can only be read: what is built now is not kept for the next build`,
    hint: 'Check its owner and mode, or choose another folder with --cache-dir',
  });
  const overlay = privateFolder(options.temporaryDirectory ?? tmpdir());
  const own = new VerifyingCas(new DiskCas(diskLayout(overlay), { isDurable: false }), onEvent);
  const both = new ReadThroughCas(own, cas, { keepsCopies: false });
  return {
    cas: both,
    actionCache: new CompletenessCheckingActionCache(new ReadOnlyActionCache(actionCache), both),
    shapes,
    segments,
    readOnly,
    close: () => removeFolder(overlay),
  };
}

/** Makes the folders that every write needs; false where the directory can only be read. */
function prepare(layout: DiskLayout, mode: number): boolean {
  try {
    makeFolder(layout.temporary, mode);
    accessSync(layout.temporary, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (isReadOnlyError(error)) return false;
    throw environmentError(`use cache directory "${layout.root}"`, error);
  }
}

function requirePrivate(directory: string): void {
  let stat;
  try {
    stat = statSync(directory, { throwIfNoEntry: false });
  } catch (error) {
    throw environmentError(`use cache directory "${directory}"`, error);
  }
  const user = process.getuid?.();
  if (stat === undefined || user === undefined) return; // Nothing there that could be poisoned, or no such owners here.
  const is =
    stat.uid !== user
      ? `it belongs to user ${stat.uid}, expected user ${user}`
      : (stat.mode & 0o002) !== 0
        ? 'every user may write to it, expected only its owner'
        : undefined;
  if (is === undefined) return;
  throw new OcidslError({
    code: 'OCIDSL_CACHE_DIRECTORY_UNSAFE',
    kind: 'environment',
    message: `Cannot use cache directory "${directory}": ${is}`,
    hint: 'Choose another folder with --cache-dir, or say that this one is shared on purpose',
  });
}

function privateFolder(parent: string): string {
  try {
    return mkdtempSync(join(parent, 'ocidsl-'));
  } catch (error) {
    throw environmentError(`make a folder in "${parent}"`, error);
  }
}

function removeFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // It lies among the system's temporary files, which are cleared in their own time.
  }
}
