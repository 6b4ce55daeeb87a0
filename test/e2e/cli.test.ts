// The command line itself: commands, names of targets, options, exit codes.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { messages, workspace } from './rig.ts';

const THREE = {
  'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', emptyFiles: ['etc/x'] });
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer] });
pkgTar({ name: 'other', emptyFiles: ['y'] });
`,
};
const TWO_BROKEN = {
  'build.config.ts': `import { pkgTar } from 'ocidsl';
pkgTar({ name: 'bad1', srcs: ['nope1'] });
pkgTar({ name: 'fine', emptyFiles: ['x'] });
pkgTar({ name: 'bad2', srcs: ['nope2'] });
`,
};
const PACKAGES = {
  'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'app', emptyFiles: ['root'] });\n`,
  'apps/build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'app', emptyFiles: ['apps'] });\n`,
};

describe('ocidsl list', () => {
  it("shows every target of goOciImage with its rule, the user's line and the macro", async () => {
    const ws = workspace({
      'build.config.ts': `import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

goOciImage({
  name: 'hello',
  srcs: [goBinary({ name: 'hello_bin', package: './apps/hello' })],
  repository: '127.0.0.1:5000/acme/hello',
});
`,
    });
    const { code, stdout, stderr } = await ws.ocidsl(['list']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      ['hello_bin', 'goBinary', 'build.config.ts:6:10'],
      ['hello', 'ociImage', 'build.config.ts:4:1 (goOciImage hello)'],
      ['hello_pkg', 'pkgTar', 'build.config.ts:4:1 (goOciImage hello)'],
      ['hello_amd64', 'multiArch', 'build.config.ts:4:1 (goOciImage hello)'],
      ['hello_arm64', 'multiArch', 'build.config.ts:4:1 (goOciImage hello)'],
      ['hello_index', 'ociImageIndex', 'build.config.ts:4:1 (goOciImage hello)'],
      ['hello_load', 'ociLoad', 'build.config.ts:4:1 (goOciImage hello)'],
      ['hello_push', 'ociPush', 'build.config.ts:4:1 (goOciImage hello)'],
    ]);
    expect(existsSync(ws.path('ocidsl-out'))).toBe(false);
  });

  it('gives the same as JSON', async () => {
    const ws = workspace(THREE);
    const { stdout } = await ws.ocidsl(['list', '--json']);
    expect(JSON.parse(stdout)).toEqual([
      { label: 'layer', rule: 'pkgTar', location: 'build.config.ts:2:15' },
      { label: 'image', rule: 'ociImage', location: 'build.config.ts:3:1' },
      { label: 'other', rule: 'pkgTar', location: 'build.config.ts:4:1' },
    ]);
  });
});

describe('what to build', () => {
  it('is everything without a name, and one target with one', async () => {
    const ws = workspace(THREE);
    expect((await ws.build()).map(({ label }) => label)).toEqual(['layer', 'image', 'other']);
    const fresh = workspace(THREE);
    expect((await fresh.build(['other'])).map(({ label, path }) => [label, path])).toEqual([['other', 'ocidsl-out/other.tar']]);
    expect(existsSync(fresh.path('ocidsl-out/layer.tar'))).toBe(false);
  });

  it.each([
    ['app', '.', 'app'],
    ['//:app', '.', 'app'],
    ['apps:app', '.', 'apps:app'],
    ['//apps:app', '.', 'apps:app'],
    ['app', 'apps', 'apps:app'],
    [':app', 'apps', 'apps:app'],
    ['//:app', 'apps', 'app'],
  ])('%s in the folder %s means %s', async (name, cwd, label) => {
    const ws = workspace(PACKAGES);
    const rows = await ws.build([name], { cwd });
    expect(rows.map((row) => [row.label, row.path])).toEqual([[label, label === 'app' ? 'ocidsl-out/app.tar' : 'ocidsl-out/apps/app.tar']]);
  });

  it('suggests near names for one that does not exist', async () => {
    const ws = workspace(THREE);
    const run = await ws.ocidsl(['build', 'imgae']);
    expect(messages(run)).toEqual([expect.stringMatching(/Cannot find target "imgae".*\n.*Did you mean "image"\?/)]);
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
    ws.expectClean();
  });

  it('points to list for a name that nothing is near to', async () => {
    const ws = workspace(THREE);
    const run = await ws.ocidsl(['build', 'something-else']);
    expect(run.stderr).toContain('ocidsl list');
    expect(run.code).toBe(2);
  });

  it('refuses a label that cannot be one', async () => {
    const ws = workspace(THREE);
    const run = await ws.ocidsl(['build', '../x:y']);
    expect(run.stderr).toContain('../x:y');
    expect(run.code).toBe(2);
    ws.expectClean();
  });
});

describe('options', () => {
  it('--json prints an array of results', async () => {
    const ws = workspace(THREE);
    const rows = await ws.build(['image', 'other']);
    const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);
    expect(rows).toEqual([
      {
        label: 'image',
        kind: 'ociImage',
        digest,
        path: 'ocidsl-out/image',
        platforms: ['linux/amd64'],
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
      },
      {
        label: 'other',
        kind: 'pkgTar',
        digest,
        path: 'ocidsl-out/other.tar',
        platforms: [expect.stringMatching(/^linux\//)],
        mediaType: 'application/x-tar',
      },
    ]);
  });

  it('--platform decides what is built', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar, select } from 'ocidsl';\npkgTar({ name: 'a', emptyFiles: select({ 'linux/arm64': ['arm'], default: ['other'] }) });\n`,
    });
    const [arm] = await ws.build(['--platform', 'linux/arm64']);
    const [v8] = await ws.build(['--platform', 'linux/arm64/v8']);
    const [amd] = await ws.build(['--platform', 'linux/amd64']);
    expect(arm!.digest).toBe(v8!.digest);
    expect(arm!.digest).not.toBe(amd!.digest);
  });

  it('--output-dir and --cache-dir are relative to where the command runs', async () => {
    const ws = workspace({ ...THREE, 'sub/x.txt': '' });
    const rows = await ws.build(['--output-dir', '../out', '--cache-dir', '../../own', '//:other'], { cwd: 'sub' });
    expect(rows.map(({ path }) => path)).toEqual(['out/other.tar']);
    expect(existsSync(join(ws.folder, 'own/v1/cas'))).toBe(true);
    expect(existsSync(ws.cache) && existsSync(join(ws.cache, 'ocidsl/v1'))).toBe(false);
    expect(existsSync(ws.path('ocidsl-out'))).toBe(false);
  });

  it('an output folder outside of the workspace is shown by its absolute path', async () => {
    const ws = workspace(THREE);
    const out = join(ws.folder, 'elsewhere');
    expect((await ws.build(['other', '--output-dir', out])).map(({ path }) => path)).toEqual([join(out, 'other.tar')]);
  });

  it.each([
    [['--jobs', '0'], '--jobs "0"'],
    [['--jobs', 'many'], '--jobs "many"'],
    [['--platform', 'linux/x86'], 'linux/x86'],
    [['--sandbox', 'maybe'], 'prefer, require, off'],
    [['--config-loader', 'jiti'], 'bundle, tsx'],
    [['--nope'], '--nope'],
  ])('%j is refused', async (args, says) => {
    const ws = workspace(THREE);
    const run = await ws.ocidsl(['build', ...args]);
    expect(run.stderr).toContain(says);
    expect(run.stderr).not.toContain('internal error');
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
    ws.expectClean();
  });

  it('SOURCE_DATE_EPOCH that is no number is refused', async () => {
    const ws = workspace(THREE);
    const run = await ws.ocidsl(['build'], { env: { SOURCE_DATE_EPOCH: 'now' } });
    expect(run.stderr).toContain('SOURCE_DATE_EPOCH "now"');
    expect(run.code).toBe(2);
  });

  it('an unknown command is refused with a suggestion', async () => {
    const run = await workspace(THREE).ocidsl(['biuld']);
    expect(run.stderr).toContain('build');
    expect(run.code).toBe(2);
  });

  it.each([
    ['nowhere', 'there is no such folder'],
    ['build.config.ts', 'it is no folder'],
    ['build.config.ts/x', 'there is no such folder'],
  ])('--root %s is a mistake in the command: %s', async (root, is) => {
    const ws = workspace({ 'build.config.ts': '' });
    for (const command of ['build', 'list']) {
      const { code, stdout, stderr } = await ws.ocidsl([command, '--root', root]);
      expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`Cannot use --root "${ws.path(root)}": ${is}`);
    }
    ws.expectClean();
  });

  it.each([['--help'], ['build --help'], ['--version']])('%s prints to stdout', async (args) => {
    const { code, stdout, stderr } = await workspace({}).ocidsl(args.split(' '));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/build|^\d+\.\d+\.\d+\n$/);
  });
});

describe('failures', () => {
  it('--keep-going builds what does not depend on them and reports all', async () => {
    const ws = workspace(TWO_BROKEN);
    const run = await ws.ocidsl(['build', '-k']);
    expect(run.code).toBe(2);
    expect(messages(run)).toHaveLength(2);
    for (const name of ['nope1', 'nope2']) expect(run.stderr).toContain(`"${name}"`);
    expect(existsSync(ws.path('ocidsl-out/fine.tar'))).toBe(true);
    ws.expectClean('outputs');
  });

  it('--keep-going builds what can be analyzed, and reports failures of both phases', async () => {
    const ws = workspace({
      'a.txt': 'a',
      'build.config.ts': `import { pkgTar } from 'ocidsl';
pkgTar({ name: 'fine', srcs: ['a.txt'] });
pkgTar({ name: 'bad_analysis', packageFileName: '$(nope).tar' }); // ANALYSIS
pkgTar({ name: 'bad_build', srcs: ['missing'] }); // BUILD
`,
    });
    const run = await ws.ocidsl(['build', '-k']);
    expect(run.code).toBe(2);
    const [first, second, ...more] = messages(run);
    expect(first).toContain(ws.at('// ANALYSIS'));
    expect(second).toContain(ws.at('// BUILD'));
    expect(more).toEqual([]);
    expect(existsSync(ws.path('ocidsl-out/fine.tar'))).toBe(true);
    ws.expectClean('outputs');
  });

  it('--fail-fast stops what is running', async () => {
    const ws = workspace({
      'build.config.ts': `import { command, pkgTar } from 'ocidsl';
command({ name: 'slow', argv: ['sleep', '1000'], outputs: ['x'] });
pkgTar({ name: 'bad', srcs: ['nope'] }); // HERE
`,
    });
    const run = await ws.ocidsl(['build', '--fail-fast'], { timeoutMs: 60_000 });
    expect(run.code).toBe(2);
    expect(messages(run)).toHaveLength(1);
    expect(run.stderr).toContain(ws.at('// HERE'));
    ws.expectClean();
  });

  it('of one dependency are reported once, not in every target that uses it', async () => {
    const ws = workspace({
      'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';
const bad = pkgTar({ name: 'bad', srcs: ['nope'] }); // HERE
for (const name of ['one', 'two', 'three']) ociImage({ name, os: 'linux', architecture: 'amd64', tars: [bad] });
`,
    });
    const run = await ws.ocidsl(['build', '-k']);
    expect(run.code).toBe(2);
    expect(messages(run)).toHaveLength(1);
    expect(run.stderr).toContain(ws.at('// HERE'));
    ws.expectClean();
  });

  it('--debug adds the code and the stack', async () => {
    const ws = workspace(TWO_BROKEN);
    const run = await ws.ocidsl(['build', 'bad1', '--debug']);
    expect(run.stderr).toContain('OCIDSL_');
    expect(run.stderr).toMatch(/\n\s+at /);
    expect((await ws.ocidsl(['build', 'bad1'])).stderr).not.toMatch(/\n\s+at /);
  });
});
