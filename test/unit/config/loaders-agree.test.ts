// Both loaders of configs give the same targets, packages, places and problems.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installLibrary, linkLibrary, load, temporaryFolder, writeFiles, type Loaded } from './fixture/workspace-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let library = '';
beforeAll(async () => {
  library = await installLibrary(folder.path);
});

let count = 0;
async function loadWithBoth(
  files: Record<string, string | object>,
  packages: readonly string[] = [''],
): Promise<{ bundle: Loaded; tsx: Loaded }> {
  const root = writeFiles(join(folder.path, `ws${count++}`), files);
  linkLibrary(library, root);
  const job = { root, cacheDirectory: join(root, '.cache'), load: packages };
  return { bundle: await load(library, job), tsx: await load(library, { ...job, loader: 'tsx' }) };
}

const MODULE = { 'package.json': { type: 'module' } };

describe('the same from bundle and tsx', () => {
  const cases: Record<string, Record<string, string | object>> = {
    'packages, shared functions and macros': {
      ...MODULE,
      'build.config.ts': `import { file, strict } from 'ocidsl';
import { twice } from 'ocidsl/macros';
import { b, declare } from './apps/b/build.config.ts';
import { helper } from './lib/helper.ts';

interface Unused { x: number }
export const a = file({ name: 'a', deps: [b], text: import.meta.dirname.slice(-2) });
declare('from_root');
  helper('h');
twice({ name: 'm', text: 1 });
strict({ name: 's' } as never);
`,
      'lib/helper.ts': "import { file } from 'ocidsl';\n\nexport function helper(name: string): void {\n  file({ name });\n}\n",
      'apps/b/build.config.ts':
        "import { file } from 'ocidsl';\nimport { helper } from '../../lib/helper.ts';\nimport data from './data.json' with { type: 'json' };\nhelper('h');\nexport const b = file({ name: data.name });\nexport const declare = (name: string) => file({ name });\n",
      'apps/b/data.json': '{"name":"b"}',
    },
    'top-level await in both': {
      ...MODULE,
      'build.config.ts':
        "import { file } from 'ocidsl';\nimport { b } from './b/build.config.ts';\nawait new Promise((done) => setTimeout(done, 2));\nasync function later(name: string) {\n  await null;\n  file({ name, deps: [b] });\n}\nawait later('late');\nfile({ name: 'a' });\n",
      'b/build.config.ts': "import { file } from 'ocidsl';\nawait null;\nexport const b = file({ name: 'b' });\n",
    },
    'an .mts config without package.json': {
      'build.config.mts': "import { file } from 'ocidsl';\nconst name: string = 'a';\nfile({ name });\n",
    },
    'a config that throws in a function': {
      ...MODULE,
      'build.config.ts': "import { f } from './f.ts';\ntype T = 1;\nf();\n",
      'f.ts': "export const f = (): never => {\n  throw new RangeError('far');\n};\n",
    },
    'a config that exits': { ...MODULE, 'build.config.ts': '\nprocess.exit(3);' },
    'a config that prints': { ...MODULE, 'build.config.ts': "console.log('printed');" },
    'two declarations of one name': {
      ...MODULE,
      'build.config.ts': "import { file } from 'ocidsl';\nfile({ name: 'a' });\nfile({ name: 'a' });",
    },
  };
  it.each(Object.entries(cases))('%s', async (_, files) => {
    const { bundle, tsx } = await loadWithBoth(files);
    const shown = ({ targets, attributes, error, problems, restored, stdout, stderr }: Loaded) => ({
      targets,
      attributes,
      error,
      problems,
      restored,
      stdout,
      stderr,
    });
    expect(shown(tsx)).toEqual(shown(bundle));
    expect(bundle.targets.length + bundle.problems.length + (bundle.error ? 1 : 0) + bundle.stderr.length).toBeGreaterThan(0);
  });

  it('several packages, one after the other', async () => {
    const { bundle, tsx } = await loadWithBoth(
      {
        ...MODULE,
        'a/build.config.ts': "import { file } from 'ocidsl';\nimport '../b/build.config.ts';\nfile({ name: 'x' });",
        'b/build.config.ts': "import { file } from 'ocidsl';\nfile({ name: 'x' });",
        'c/build.config.ts': 'throw 1;',
      },
      ['b', 'a', 'b'],
    );
    expect(bundle.targets).toEqual(['b:x b/build.config.ts:2:1', 'a:x a/build.config.ts:3:1']);
    expect(tsx.targets).toEqual(bundle.targets);
  });
});

describe('only with tsx', () => {
  it.each([
    ['no package.json', {}],
    ['a package.json without "type"', { 'package.json': {} }],
  ])('%s is refused, with the cure', async (_, files) => {
    const { tsx } = await loadWithBoth({ ...files, 'build.config.ts': "import { file } from 'ocidsl';\nfile({ name: 'a' });" });
    expect(tsx.error).toMatchObject({ code: 'OCIDSL_CONFIG_LOADER', kind: 'config', hint: expect.stringContaining('"type": "module"') });
    expect(tsx.targets).toEqual([]);
  });

  it('a target that no config declares is refused, as its package is not known', async () => {
    const { bundle, tsx } = await loadWithBoth({
      ...MODULE,
      'build.config.ts': "import './shared.ts';",
      'shared.ts': "import { file } from 'ocidsl';\nfile({ name: 'a' });",
    });
    expect(bundle.targets).toEqual(['a shared.ts:2:1']);
    expect(tsx.error).toMatchObject({ code: 'OCIDSL_CONFIG_PACKAGE_UNKNOWN', places: ['shared.ts:2:1'] });
  });

  it('a top-level await that never ends is reported', async () => {
    const { tsx } = await loadWithBoth({ ...MODULE, 'build.config.ts': 'await new Promise(() => {});' });
    expect(tsx.error?.code).toBe('OCIDSL_CONFIG_NEVER_SETTLED');
  });

  it('the files that were imported are inputs', async () => {
    const { tsx } = await loadWithBoth({ ...MODULE, 'build.config.ts': "import './lib/x.ts';", 'lib/x.ts': '' });
    expect(tsx.inputs.map((path) => path.split('/').at(-1))).toEqual(['build.config.ts', 'x.ts']);
  });

  it('a second copy of the library is refused', async () => {
    const { tsx } = await loadWithBoth(
      { ...MODULE, 'a/build.config.ts': '', 'a/node_modules/ocidsl/package.json': { name: 'ocidsl', version: '0.1.0' } },
      ['a'],
    );
    expect(tsx.error?.code).toBe('OCIDSL_TWO_COPIES');
  });
});
