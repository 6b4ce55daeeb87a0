// A config type-checks for people who have TypeScript and nothing else: no @types/node, and the package's own declarations checked too.
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { removeFolder } from './machine.ts';
import { runProgram } from './run-program.ts';

const CHECKOUT = join(import.meta.dirname, '../..');

const CONFIG = `import { defineMacro, defineProvider, defineRule, attribute, goBinary, ociPush, outputOf, provide, FilesInfo, type AnalysisContext } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

const NumberInfo = defineProvider<number>()('NumberInfo');
const count = defineRule({
  name: 'count',
  attributes: { size: attribute.optional(attribute.integer(1, 9)) },
  provides: [NumberInfo, FilesInfo],
  analyze(context: AnalysisContext<{ readonly size: number | undefined }>) {
    const action = context.action({
      mnemonic: 'Count',
      message: 'Counting',
      outputs: ['out'],
      discoveries: [],
      describe: () => ({ kind: 'command', argv: ['true'], environment: {}, inputs: [{ path: 'in', content: { kind: 'bytes', bytes: new Uint8Array(2) } }] }),
    });
    return [
      provide(NumberInfo, context.values.size ?? 1),
      provide(FilesInfo, { files: [{ path: 'out', artifact: outputOf(action, 'out'), isExecutable: false }] }),
    ];
  },
});
count({ name: 'one' });
export const twice = defineMacro('twice', ({ name }: { readonly name: string }) => count({ name, size: 2 }));
const hello_bin = goBinary({ name: 'hello_bin', package: '.' });
goOciImage({ name: 'hello', srcs: [hello_bin], entrypoint: ['/hello_bin'], repository: 'r.example/hello' });
void [ociPush];
`;

/** Runs the compiler over a config in a folder of its own, as strict as it gets. */
async function compile(config: string) {
  const folder = mkdtempSync(join(tmpdir(), 'ocidsl-types-'));
  onTestFinished(() => removeFolder(folder));
  for (const path of ['package.json', 'dist/lib', 'dist/macros']) {
    cpSync(join(CHECKOUT, path), join(folder, 'node_modules/ocidsl', path), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'build.config.ts'), config);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
    lib: ['es2022'],
    target: 'es2022',
    module: 'nodenext',
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['build.config.ts'] }));
  return await runProgram(process.execPath, [join(CHECKOUT, 'node_modules/typescript/bin/tsc'), '-p', folder], { env: process.env });
}

describe('the declarations', () => {
  it('need no @types/node', async () => {
    const { code, stdout } = await compile(CONFIG);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });

  it('of Node are not there by accident', async () => {
    const { code, stdout } = await compile(`import 'ocidsl';\nexport const x: Buffer = process.cwd();\n`);
    expect(code).not.toBe(0);
    expect(stdout).toContain("'Buffer'");
  });
});
