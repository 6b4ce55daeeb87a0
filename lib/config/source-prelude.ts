// Bundled source files keep their own import.meta, __dirname and __filename: a line put before the file's first declares
// what esbuild's `define` puts in their place. The line is taken off again wherever places are shown.
import { REGISTRY_EXPRESSION } from './loader-registry.ts';

/** For esbuild: the names declared by the prelude. */
export const PRELUDE_DEFINES: Readonly<Record<string, string>> = {
  'import.meta': '__ocidsl_meta',
  __dirname: '__ocidsl_dirname',
  __filename: '__ocidsl_filename',
};

const MENTIONS = /import\s*\.\s*meta|__dirname|__filename/;
// As long as `import`, so that columns stay what they are.
const COMPUTED_IMPORT = '$mport';

/** Where a computed import() begins in a source file, as esbuild counts: 1-based line, 0-based column in bytes. */
export interface ComputedImport {
  readonly line: number;
  readonly column: number;
}

/** Source text for the bundler; `shifted` tells whether a line was put before it. */
export function withPrelude(
  file: string,
  text: string,
  computedImports: readonly ComputedImport[],
): { readonly text: string; readonly shifted: boolean } {
  if (computedImports.length === 0 && !MENTIONS.test(text)) return { text, shifted: false };
  const lines = text.replace(/^#!/, '//').split('\n');
  for (const { line, column } of computedImports) {
    const bytes = Buffer.from(lines[line - 1] ?? '');
    const before = bytes.subarray(0, column).toString();
    const after = bytes.subarray(column).toString();
    if (after.startsWith('import')) lines[line - 1] = before + COMPUTED_IMPORT + after.slice('import'.length);
  }
  const prelude =
    `var __ocidsl_source = ${REGISTRY_EXPRESSION}.meta(${JSON.stringify(file)}), __ocidsl_meta = __ocidsl_source.importMeta, ` +
    `__ocidsl_dirname = __ocidsl_meta.dirname, __ocidsl_filename = __ocidsl_meta.filename, ${COMPUTED_IMPORT} = __ocidsl_source.importModule;`;
  return { text: `${prelude}\n${lines.join('\n')}`, shifted: true };
}
