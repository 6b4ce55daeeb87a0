// What must be equal, besides declarations and files, for a snapshot to be valid.
import { isAbsolute } from 'node:path';
import type { SnapshotVersion } from '../engine/snapshot-layout.ts';
import { libraryVersion } from './library.ts';
import type { Settings } from './settings.ts';

/** Name of the snapshot in the workspace's state folder. */
export const SNAPSHOT_FILE = 'snapshot';

// Variables that discoverers read; a test compares the list with what they declare.
const DISCOVERY_VARIABLES = ['GOCACHE', 'GOENV', 'GOMODCACHE', 'GOPATH', 'HOME', 'PATH', 'TMPDIR', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME'];

/** What a snapshot of this workspace under these settings holds for. */
export function snapshotVersion(settings: Settings, root: string): SnapshotVersion {
  const { environment, outputDirectory, sourceDate, withBaseLayers } = settings;
  const values = DISCOVERY_VARIABLES.map((name) => `${name}=${environment[name] ?? ''}`);
  const output = isAbsolute(outputDirectory) ? outputDirectory : `./${outputDirectory}`;
  return {
    identity: JSON.stringify([libraryVersion(), root]),
    settings: JSON.stringify([sourceDate ?? '', output, withBaseLayers, ...values]),
  };
}
