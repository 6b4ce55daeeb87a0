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

// undici compiles its parser of headers right after it has loaded it. V8 would optimise the parser's one large function beside us: a tenth of a second of a
// processor for a few kilobytes of headers, and the process waits for it at its end. Whether it ever does is decided when the module is compiled. The
// flags are as before after that, since V8 takes kept code, and Node's own modules are such, only with the flags that it was made with.
const PARSER = /\/llhttp_simd-wasm\.js$/;
const parserWithoutOptimising = (file: string): string => `const { setFlagsFromString } = require('node:v8');
const tierUp = (prefix) => ['wasm-tier-up', 'wasm-dynamic-tiering', 'wasm-lazy-compilation'].forEach((flag) => setFlagsFromString(prefix + flag));
tierUp('--no-');
queueMicrotask(() => tierUp('--'));
module.exports = require(${JSON.stringify(file)});
`;

/** An esbuild plugin, and a check that it still fits the version of undici. */
export interface LateUndici {
  readonly plugin: Plugin;
  /** @throws where something of what is put off was not found in the bundle */
  verify(): void;
}

/** Puts off HTTP/2, which no registry is spoken to in, and the built-in modules above; has the parser compiled without optimisation. `root` is where packages are resolved from. */
export function lateUndici(root: string): LateUndici {
  const unseen = new Set([...Object.keys(BUILTINS), 'client-h2.js', 'llhttp_simd-wasm.js']);
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
      build.onResolve({ filter: PARSER }, ({ path, resolveDir, namespace }) => {
        if (namespace !== 'file') return undefined;
        unseen.delete('llhttp_simd-wasm.js');
        return { path: join(resolveDir, path), namespace: 'parser' };
      });
      build.onLoad({ filter: /.*/, namespace: 'parser' }, ({ path }) => ({ contents: parserWithoutOptimising(path), resolveDir: root }));
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
