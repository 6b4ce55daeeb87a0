// Tests of the package and of the command line run what users get, dist/, so it is built once before they start.
import { buildPackage } from '../scripts/build-package.ts';

const BUILD = Symbol.for('ocidsl.test.build');

/** vitest's global setup; projects that share it share the build. */
export function setup(): Promise<void> {
  const shared = globalThis as { [BUILD]?: Promise<void> };
  return (shared[BUILD] ??= buildPackage());
}
