// What undici loads at its start and a push never uses, put off or left out of its bundle. Together it took longer than the rest of the client.
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

// Built-in modules of which undici uses one or two members.
const BUILTINS: Readonly<Record<string, string>> = {
  // Loads half of the console, and prints colours for failures that are bugs of undici.
  'node:assert': "module.exports = (value, message) => { if (!value) require('node:assert')(value, message); };",
  // The limit of a response's headers, which is Node's default, and a class that our bodies are no instances of.
  'node:http': 'module.exports = { maxHeaderSize: 16384, IncomingMessage: class IncomingMessage {} };',
};

/** An esbuild plugin, and a check that it still fits the version of undici. */
export interface LateUndici {
  readonly plugin: Plugin;
  /** @throws where something of what is put off was not found in the bundle */
  verify(): void;
}

/** Puts off HTTP/2, which no registry is spoken to in, and the built-in modules above. `root` is where packages are resolved from. */
export function lateUndici(root: string): LateUndici {
  const unseen = new Set([...Object.keys(BUILTINS), 'client-h2.js']);
  const plugin: Plugin = {
    name: 'late-undici',
    setup(build) {
      build.onResolve({ filter: /^node:(?:assert|http)$/ }, ({ path, namespace }) => {
        if (namespace !== 'file') return undefined;
        unseen.delete(path);
        return { path, namespace: 'builtin' };
      });
      build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: BUILTINS[path]! }));
      build.onResolve({ filter: /^\.\/client-h2\.js$/ }, ({ path, resolveDir, namespace }) => {
        if (namespace !== 'file') return undefined;
        unseen.delete('client-h2.js');
        return { path: join(resolveDir, path), namespace: 'late' };
      });
      build.onLoad({ filter: /.*/, namespace: 'late' }, ({ path }) => ({
        contents: `module.exports = (...args) => require(${JSON.stringify(path)})(...args);`,
        resolveDir: root,
      }));
    },
  };
  const verify = () => {
    if (unseen.size > 0) throw new Error(`undici no longer loads ${[...unseen].join(', ')} in this way: look at scripts/late-undici.ts`);
  };
  return { plugin, verify };
}
