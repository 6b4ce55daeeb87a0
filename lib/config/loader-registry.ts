// What the code of a bundle finds at run time: the running library's modules, other packages' exports, and its own
// import.meta. On globalThis, as bundles are scripts and modules that share no scope with the loader.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const KEY = 'ocidsl.config-loader';

/** The expression by which a bundle reaches the registry. */
export const REGISTRY_EXPRESSION = `globalThis[Symbol.for(${JSON.stringify(KEY)})]`;

/** What bundles ask for. */
export interface LoaderRegistry {
  /** A module of the running library: `ocidsl`, `ocidsl/macros`. */
  library(specifier: string): object;
  /** The exports of another package's config, which has been evaluated before. */
  package(name: string): object;
  /** `import.meta` and friends of the source file with this path. */
  meta(file: string): SourceMeta;
}

/** The values that a source file expects, of itself and not of the bundle. */
export interface SourceMeta {
  readonly importMeta: { readonly url: string; readonly filename: string; readonly dirname: string; resolve(specifier: string): string };
  /** `import()` of a computed specifier, relative to the source file. */
  readonly importModule: (specifier: unknown) => Promise<object>;
}

/** Lets bundles find `registry`; undefined takes it away. */
export function setLoaderRegistry(registry: LoaderRegistry | undefined): void {
  (globalThis as unknown as Record<symbol, LoaderRegistry | undefined>)[Symbol.for(KEY)] = registry;
}

/** `import.meta` of a source file; `importUrl` is the native import(). */
export function sourceMeta(file: string, importUrl: (url: string) => Promise<object>): SourceMeta {
  const url = pathToFileURL(file).href;
  const resolve = (value: unknown): string => {
    const specifier = String(value);
    if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, url).href;
    if (URL.canParse(specifier)) return specifier;
    const resolved = createRequire(url).resolve(specifier);
    return resolved.startsWith('/') || /^[A-Za-z]:/.test(resolved)
      ? pathToFileURL(resolved).href
      : `node:${resolved.replace(/^node:/, '')}`;
  };
  return {
    importMeta: { url, filename: file, dirname: dirname(file), resolve },
    importModule: (specifier) => importUrl(resolve(specifier)),
  };
}

/** The path of a file URL, with or without a query; other scripts stay as they are. */
export function scriptPath(script: string): string {
  return script.startsWith('file://') ? fileURLToPath(script.replace(/[?#].*$/, '')) : script;
}
