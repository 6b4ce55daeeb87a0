// What must be equal, besides declarations and files, for a snapshot to be valid.
import { isAbsolute } from 'node:path';
import { libraryVersion } from './library.ts';
import type { Settings } from './settings.ts';

// Variables that discoverers read; a test compares the list with what they declare.
const DISCOVERY_VARIABLES = ['GOCACHE', 'GOENV', 'GOMODCACHE', 'GOPATH', 'HOME', 'PATH', 'TMPDIR', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME'];

/** One line that names the version of the library, the workspace, and what of the settings decides results. */
export function snapshotVersion(settings: Settings, root: string): string {
  const { environment, outputDirectory, sourceDate, withBaseLayers } = settings;
  const values = DISCOVERY_VARIABLES.map((name) => `${name}=${environment[name] ?? ''}`);
  const output = isAbsolute(outputDirectory) ? outputDirectory : `./${outputDirectory}`;
  return JSON.stringify([libraryVersion(), root, sourceDate ?? '', output, withBaseLayers, ...values]);
}
