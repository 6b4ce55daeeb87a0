// `ocidsl build [TARGET…]`
import { join } from 'node:path';
import { checkUpToDate } from '../../engine/up-to-date.ts';
import { readSnapshotFile } from '../../engine/read-snapshot-file.ts';
import { declarationText } from '../../graph/closure.ts';
import { formatPlatform } from '../../oci/platform.ts';
import type { ResultLine } from '../outputs.ts';
import { interruptible } from '../interruption.ts';
import type { Settings } from '../settings.ts';
import { SNAPSHOT_FILE, snapshotVersion } from '../snapshot-version.ts';
import type { Terminal } from '../terminal.ts';
import { isBuiltIn } from '../built-in-rules.ts';
import { openWorkspace, type WorkspaceSession } from '../workspace-session.ts';

/** Builds targets, all where none is named, and prints a line for each result. */
export async function build(names: readonly string[], settings: Settings, terminal: Terminal, onStarted: () => void): Promise<void> {
  const session = await openWorkspace(settings, names);
  terminal.root = session.root;
  const unchanged = resultsOfLastBuild(session, settings);
  onStarted();
  if (unchanged !== undefined) {
    printResults(unchanged, settings, terminal);
    if (!settings.quiet) terminal.note(`${count(session.requested.length, 'target')} up to date, no action was run`);
    return;
  }
  const { buildTargets } = await import('../build-targets.ts');
  const started = performance.now();
  const { results, counts } = await interruptible((signal) => buildTargets(session, settings, terminal.reporter.emit, signal)).catch(
    rethrowLocated(session),
  );
  terminal.reporter.close();
  printResults(results, settings, terminal);
  if (settings.quiet) return;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const ran = counts.executed === 0 ? 'no action was run' : `${count(counts.executed, 'action')} run`;
  terminal.note(
    `${count(session.requested.length, 'target')} built, ${ran}, ${counts.cached + counts.shared} from the cache, ${seconds} s`,
  );
}

/** The results of a former build, where nothing that they depend on has changed since. */
export function resultsOfLastBuild(session: WorkspaceSession, settings: Settings): ResultLine[] | undefined {
  // The code of other people's rules may have changed without their declarations.
  if (!session.closure.every((label) => isBuiltIn(session.targets.get(label)))) return undefined;
  const version = snapshotVersion(settings, session.root);
  const snapshot = readSnapshotFile(join(session.stateDirectory, SNAPSHOT_FILE), version.identity);
  if (snapshot?.settings !== version.settings) return undefined;
  const platform = formatPlatform(settings.platform);
  const wanted = session.requested.map((label) => `${label} ${platform}`);
  const declared = (label: string) => {
    const target = session.targets.get(label);
    return target === undefined ? undefined : declarationText(target);
  };
  return checkUpToDate(snapshot, session.root, wanted, declared)?.flat() as unknown as ResultLine[] | undefined;
}

/** Gives errors of targets the place of their declaration. */
export function rethrowLocated(session: WorkspaceSession): (error: unknown) => never {
  return (error) => {
    throw session.locatedIfExpected(error);
  };
}

/** `1 target`, `2 targets`. */
export function count(amount: number, thing: string): string {
  return `${amount} ${thing}${amount === 1 ? '' : 's'}`;
}

function printResults(results: readonly ResultLine[], settings: Settings, terminal: Terminal): void {
  if (settings.json) terminal.print(`${JSON.stringify(results, undefined, 2)}\n`);
  else if (results.length > 0) terminal.print(results.map(({ label, digest, path }) => `${label}\t${digest}\t${path ?? ''}\n`).join(''));
}
