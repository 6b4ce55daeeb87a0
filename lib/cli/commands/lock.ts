// `ocidsl lock [TARGET…]` and `ocidsl lock --check`
import { join } from 'node:path';
import { OcidslError } from '../../base/errors.ts';
import type { FetchContext } from '../../fetch/fetch-context.ts';
import { lockChangeText, lockPinText } from '../../fetch/lock-change-text.ts';
import { lockChanges, type LockChange } from '../../fetch/lock-changes.ts';
import { registryDocuments } from '../../fetch/registry-documents.ts';
import { encodeLock, readLock } from '../../fetch/lock-file.ts';
import { imageChanges, type PlatformChange } from '../../fetch/lock-image-changes.ts';
import { wantedPins, type WantedPin } from '../../fetch/lock-kinds.ts';
import { lockProblems, type LockProblem } from '../../fetch/lock-problems.ts';
import { createLockResolvers } from '../../fetch/lock-resolvers.ts';
import { updateLock } from '../../fetch/lock-update.ts';
import { parsePlatform } from '../../oci/platform.ts';
import { EMPTY_LOCK, LOCK_FILE, type Lock } from '../../plan/lock.ts';
import { parseReference } from '../../registry/reference.ts';
import { replaceFile } from '../../sinks/replace-file.ts';
import { openDiskStore, type DiskStore } from '../../store/disk-store.ts';
import { interruptible } from '../interruption.ts';
import { createNetwork, type Network } from '../network.ts';
import { requestsOf } from '../open-lock.ts';
import type { Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { openWorkspace, type WorkspaceSession } from '../workspace-session.ts';
import { count } from './build.ts';

/** Options of lock. */
export interface LockOptions {
  readonly check?: boolean;
}

/** Pins what the targets named, or all, ask for as it is now, and prints a line for each pin that changed. */
export async function lock(names: readonly string[], options: LockOptions, settings: Settings, terminal: Terminal): Promise<void> {
  const session = await openWorkspace(settings, names);
  terminal.root = session.root;
  const before = readLock(session.root);
  const requests = session.closure.flatMap((label) => requestsOf(session, label).map((request) => ({ label, request })));
  const wanted = wantedPins(requests);
  const isEverything = names.length === 0;
  if (options.check === true) return check(lockProblems(before, wanted, isEverything), wanted, session, settings, terminal);
  await interruptible(async (signal) => {
    const { emit } = terminal.reporter;
    const { environment, cacheDirectory } = settings;
    const network = createNetwork(environment, emit);
    let store: DiskStore | undefined;
    const context: FetchContext = {
      // Only files and Go are kept: images cost a few small requests.
      get cas() {
        return (store ??= openDiskStore({ directory: cacheDirectory, onEvent: emit })).cas;
      },
      registry: network.registry,
      environment,
      cacheDirectory,
      emit,
    };
    try {
      const kept = isEverything ? EMPTY_LOCK : before;
      const after = await updateLock({ wanted, kept, resolvers: createLockResolvers(context), signal }).catch((error: unknown) => {
        throw session.locatedIfExpected(error);
      });
      const changes = await describe(lockChanges(before, after), wanted, settings, network, signal);
      signal.throwIfAborted();
      if (changes.length > 0) await write(session.root, before, after);
      print(changes, after, settings, terminal);
    } finally {
      await network.close();
      store?.close();
    }
  });
}

// What somebody else has written since is not overwritten unseen.
async function write(root: string, before: Lock, after: Lock): Promise<void> {
  if (encodeLock(readLock(root)) !== encodeLock(before)) {
    throw new OcidslError({
      code: 'OCIDSL_LOCK_CHANGED',
      kind: 'build',
      message: `Cannot write ${LOCK_FILE}: it has been changed since this command began, expected it to stay as it was`,
      hint: 'Run "ocidsl lock" again',
    });
  }
  await replaceFile(join(root, LOCK_FILE), Buffer.from(encodeLock(after)));
}

type DescribedChange = LockChange & { readonly platforms?: readonly PlatformChange[] };

async function describe(
  changes: readonly LockChange[],
  wanted: readonly WantedPin[],
  settings: Settings,
  network: Network,
  signal: AbortSignal,
): Promise<DescribedChange[]> {
  return await Promise.all(
    changes.map(async (change): Promise<DescribedChange> => {
      if (change.kind !== 'image' || change.from === undefined || change.to === undefined) return change;
      const request = wanted.find((pin) => pin.request.kind === 'image' && pin.name === change.name)?.request;
      const platforms = request?.kind === 'image' ? request.platforms?.map(parsePlatform) : undefined;
      const repository = (await network.registry()).repository(parseReference(change.name));
      const read = registryDocuments(repository, `image "${change.name}"`, signal);
      return { ...change, platforms: await imageChanges(change.from, change.to, platforms ?? [settings.platform], read) };
    }),
  );
}

function print(changes: readonly DescribedChange[], after: Lock, settings: Settings, terminal: Terminal): void {
  terminal.reporter.close();
  if (settings.json) terminal.print(`${JSON.stringify(changes, undefined, 2)}\n`);
  else terminal.print(changes.map((change) => `${lockChangeText(change, change.platforms)}\n`).join(''));
  if (changes.length === 0 && !settings.quiet) terminal.note(`${LOCK_FILE}: nothing changed, ${pinCount(after)}`);
}

function pinCount({ images, files, goToolchains }: Lock): string {
  return count(
    [images, files, goToolchains].reduce((sum, pins) => sum + Object.keys(pins).length, 0),
    'pin',
  );
}

function check(
  problems: readonly LockProblem[],
  wanted: readonly WantedPin[],
  session: WorkspaceSession,
  settings: Settings,
  terminal: Terminal,
): void {
  if (settings.json) terminal.print(`${JSON.stringify(problems, undefined, 2)}\n`);
  if (problems.length === 0) {
    if (!settings.quiet) terminal.note(`${LOCK_FILE} has every pin that the targets ask for: ${count(wanted.length, 'pin')}`);
    return;
  }
  const lines = problems.map((problem) => `  ${lockPinText(problem)}: ${problem.is}${placeOf(problem, session)}\n`);
  throw new OcidslError({
    code: 'OCIDSL_LOCK_STALE',
    message: `Cannot use ${LOCK_FILE}: ${count(problems.length, 'pin')} of it ${problems.length === 1 ? 'is' : 'are'} missing or out of date, expected what the targets ask for`,
    output: lines.join(''),
    hint: 'Run "ocidsl lock", look at what it prints, and commit the file',
  });
}

function placeOf({ labels }: LockProblem, session: WorkspaceSession): string {
  const [place] = labels.flatMap((label) => session.locate(label).slice(-1));
  return place === undefined ? '' : ` (${place.file}:${place.line}:${place.column})`;
}
