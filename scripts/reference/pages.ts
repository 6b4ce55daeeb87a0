// The pages of docs/reference/, made from the sources.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { createProgram } from '../../lib/cli/program.ts';
import { collectExports, type Export } from './collect.ts';
import { renderCli } from './render-cli.ts';
import { renderModule } from './render.ts';

const NOTE = '<!-- Made from the sources by `npm run docs`; edit those. -->';

/** What `ocidsl` and `ocidsl/macros` export. */
export function publicSurface(root: string): { readonly rules: Export[]; readonly macros: Export[] } {
  const entries = [join(root, 'lib/index.ts'), join(root, 'macros/index.ts')];
  const [rules = [], macros = []] = collectExports(entries, compilerOptions(root));
  return { rules, macros };
}

/** Every page: path relative to the project → text. */
export function referencePages(root: string): ReadonlyMap<string, string> {
  const { rules, macros } = publicSurface(root);
  const program = createProgram(
    () => {
      throw new Error('Only the definitions of the commands are read');
    },
    { setExitCode: () => undefined, onStarted: () => undefined },
  );
  return new Map([
    [
      'docs/reference/rules.md',
      renderModule(
        'Rules',
        `${NOTE}\n\nWhat \`import … from 'ocidsl'\` gives. A rule takes one object of attributes, declares a target and returns its ` +
          'handle, which other targets take as input. A type `Configurable<T>` means that `select()` may stand in place of the value.',
        rules,
      ),
    ],
    [
      'docs/reference/macros.md',
      renderModule(
        'Macros',
        `${NOTE}\n\nWhat \`import … from 'ocidsl/macros'\` gives. A macro is a plain function that calls rules under one name; ` +
          'any npm package can bring more.',
        macros,
      ),
    ],
    ['docs/reference/cli.md', renderCli(program, NOTE)],
  ]);
}

/** The project's compiler options, for programs of this API. */
export function compilerOptions(root: string): ts.CompilerOptions {
  const path = join(root, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (file) => readFileSync(file, 'utf8')) as { config: unknown };
  return ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root).options;
}
