// The workspaces of examples/, copied into a folder of their own as their user would have them after `npm install`.
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { filesBelow } from './machine.ts';
import { Workspace, type Files } from './rig.ts';

/** The root of this repository. */
export const CHECKOUT: string = join(import.meta.dirname, '../..');
const EXAMPLES_FOLDER = join(CHECKOUT, 'examples');

/** Those that need something from the network, with the test that gives it to them. */
export const NETWORK_EXAMPLES: Readonly<Record<string, string>> = {
  distroless: 'pull.test.ts',
  'http-file': 'http-file.test.ts',
  'go-toolchain': 'go-toolchain.test.ts',
};

/** The other folders of examples/, by name. */
export const EXAMPLES: readonly string[] = readdirSync(EXAMPLES_FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !Object.hasOwn(NETWORK_EXAMPLES, entry.name))
  .map((entry) => entry.name)
  .sort();

/** What is in an example, by path. What a user's own commands left there is not part of it. */
export function exampleFiles(name: string): Files {
  const folder = join(EXAMPLES_FOLDER, name);
  const paths = filesBelow(folder).map((path) => relative(folder, path));
  const own = paths.filter((path) => !/(^|\/)(node_modules|ocidsl-out)(\/|$)/.test(path));
  return Object.fromEntries(own.map((path) => [path, readFileSync(join(folder, path))]));
}

/** A copy of an example. Whoever makes one removes it. */
export function exampleWorkspace(name: string): Workspace {
  const ws = new Workspace(exampleFiles(name));
  linkLibrary(ws);
  return ws;
}

/** What `npm install` makes of `"ocidsl": "file:../.."`. */
export function linkLibrary(ws: Workspace): void {
  mkdirSync(ws.path('node_modules'));
  symlinkSync(CHECKOUT, ws.path('node_modules/ocidsl'));
}
