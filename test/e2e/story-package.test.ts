// The installed package: its types in a user's project, without install scripts, and on other versions of Node.
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installNode, installPackage, type Installation } from './package-install.ts';
import { has, workspace, type Files } from './rig.ts';
import { runProgram } from './run-program.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const HELLO = join(CHECKOUT, 'examples/hello');
const FILES: Files = Object.fromEntries(
  ['build.config.ts', 'go.mod', 'go.sum', 'apps/hello/main.go'].map((path) => [path, readFileSync(join(HELLO, path))]),
);

let user: Installation;

beforeAll(() => {
  user = installPackage('--ignore-scripts');
});

afterAll(() => user?.remove());

describe('types', () => {
  const compile = async (files: Files, moduleResolution: 'nodenext' | 'bundler') => {
    const module = moduleResolution === 'nodenext' ? 'nodenext' : 'esnext';
    const compilerOptions = { module, moduleResolution, target: 'es2022', strict: true, noEmit: true, skipLibCheck: false, types: [] };
    const ws = workspace({
      'package.json': '{ "type": "module" }',
      'tsconfig.json': JSON.stringify({ compilerOptions, include: ['*.ts'] }),
      ...files,
    });
    symlinkSync(join(user.root, 'node_modules'), ws.path('node_modules'));
    const tsc = join(CHECKOUT, 'node_modules/typescript/bin/tsc');
    return await runProgram(process.execPath, [tsc, '--project', ws.root], { cwd: ws.root, env: { PATH: process.env['PATH'] } });
  };

  it.each(['nodenext', 'bundler'] as const)('resolve with moduleResolution %s', async (moduleResolution) => {
    const { stdout, code } = await compile({ 'build.config.ts': FILES['build.config.ts']! }, moduleResolution);
    expect({ stdout, code }).toEqual({ stdout: '', code: 0 });
  });

  it('make a wrong config a compile error', async () => {
    const { stdout, code } = await compile(
      {
        'build.config.ts': `import { goBinary, ociImage } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';
const program = goBinary({ name: 'a', package: '.' });
ociImage({ name: 'b', os: 'linux', architecture: 'amd64', tars: [program] });
goOciImage({ name: 'c', srcs: [program], entrypoint: '/a' });
`,
      },
      'nodenext',
    );
    expect(code).not.toBe(0);
    expect(stdout.match(/build\.config\.ts\(\d+/g)).toEqual(['build.config.ts(4', 'build.config.ts(5']);
  });
});

describe.skipIf(!has('go'))('the same index', () => {
  const buildIndex = async (before: readonly string[] = []) => {
    const ws = workspace(FILES, { binary: join(user.root, 'node_modules/ocidsl/bin/ocidsl.js') });
    symlinkSync(join(user.root, 'node_modules'), ws.path('node_modules'));
    const [index] = await ws.build(['hello_index'], before.length === 0 ? {} : { under: before });
    return index!.digest;
  };
  const withNode = (node: string) => ['sh', '-c', `shift; exec '${node}' "$@"`, 'sh'];

  it('with another umask, time zone, locale and folder (needs go)', async () => {
    const elsewhere = 'umask 077; export TZ=Pacific/Chatham LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8; exec "$@"';
    expect(await buildIndex(['sh', '-c', elsewhere, 'sh'])).toBe(await buildIndex());
  });

  it.for([22, 24])("with Node %i (needs go, and npm's package of that Node)", async (major, { skip }) => {
    const node = installNode(join(user.folder, `node-${major}`), major);
    skip(node === undefined, 'npm cannot install it here');
    expect(await buildIndex(withNode(node!))).toBe(await buildIndex());
  });
});
