// What goes wrong with Go: code that does not compile, packages that are not there, no Go, another platform's program.
import { chmodSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { has } from './machine.ts';
import { messages, workspace, type Files, type Run, type Workspace } from './rig.ts';

const GO_MOD = 'module example.com/app\n\ngo 1.24\n';
const CONFIG = `import { goBinary } from 'ocidsl';\n\ngoBinary({ name: 'app', package: './cmd/app' }); // HERE\n`;
const MAIN = 'package main\n\nfunc main() { println("ok") }\n';

function goWorkspace(files: Files): Workspace {
  return workspace({ 'go.mod': GO_MOD, 'build.config.ts': CONFIG, 'cmd/app/main.go': MAIN, ...files });
}

function expectFailure(ws: Workspace, run: Run, code: number): void {
  expect(run.stderr).not.toContain('internal error');
  expect({ code: run.code, stdout: run.stdout }, run.stderr).toEqual({ code, stdout: '' });
  expect(run.stderr).toContain(ws.at('// HERE'));
  expect(messages(run)).toHaveLength(1);
  ws.expectClean();
}

const lacksGo = !has('go');

describe('code that does not compile', () => {
  it.skipIf(lacksGo)("shows the compiler's output once, with a path that can be clicked (needs go)", async () => {
    const ws = goWorkspace({ 'cmd/app/main.go': 'package main\n\nfunc main() { undefinedThing() }\n' });
    const run = await ws.ocidsl(['build']);
    expectFailure(ws, run, 1);
    expect(run.stderr.split('undefined: undefinedThing')).toHaveLength(2);
    expect(run.stderr).toMatch(/^cmd\/app\/main\.go:3:15: undefined: undefinedThing$/m);
    expect(run.stderr).toContain('"example.com/app/cmd/app"');
  });

  it.skipIf(lacksGo)('in a module below the root shows the path from the root (needs go)', async () => {
    const ws = workspace({
      'build.config.ts': `import { goBinary } from 'ocidsl';\ngoBinary({ name: 'app', module: 'services/x', package: '.' }); // HERE\n`,
      'services/x/go.mod': GO_MOD,
      'services/x/main.go': 'package main\n\nfunc main() { return 1 }\n',
    });
    const run = await ws.ocidsl(['build']);
    expectFailure(ws, run, 1);
    expect(run.stderr).toMatch(/^services\/x\/main\.go:3:22: /m);
  });

  it.skipIf(lacksGo)('is shown once for two platforms and every target that uses it (needs go)', async () => {
    const ws = goWorkspace({
      'cmd/app/main.go': 'package main\n\nfunc main() { undefinedThing() }\n',
      'build.config.ts': `import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';
goOciImage({ name: 'hello', srcs: [goBinary({ name: 'app', package: './cmd/app' })] }); // HERE
`,
    });
    const run = await ws.ocidsl(['build']);
    expectFailure(ws, run, 1);
    expect(run.stderr.split('undefined: undefinedThing')).toHaveLength(2);
  });

  it.skipIf(lacksGo)('because of its syntax (needs go)', async () => {
    const ws = goWorkspace({ 'cmd/app/main.go': 'package main\n\nfunc main( {}\n' });
    const run = await ws.ocidsl(['build']);
    expectFailure(ws, run, 1);
    expect(run.stderr).toMatch(/^cmd\/app\/main\.go:3:\d+: /m);
  });
});

describe('packages and modules', () => {
  it.skipIf(lacksGo).each([
    ['a folder that is not there', { 'build.config.ts': CONFIG.replace('./cmd/app', './cmd/nope') }, 2, ['"./cmd/nope"', 'no such folder']],
    ['a package that is no main', { 'cmd/app/main.go': 'package app\n' }, 2, ['"./cmd/app"', 'main']],
    ['a folder without Go files', { 'cmd/app/main.go': '//go:build ignore\n\npackage main\n' }, 2, ['"./cmd/app"', 'none of its files']],
    [
      'an import that no module has',
      { 'cmd/app/main.go': 'package main\n\nimport _ "example.org/nope"\n\nfunc main() {}\n' },
      2,
      ['example.org/nope', 'go get'],
    ],
    [
      'an import of the standard library that is not there',
      { 'cmd/app/main.go': 'package main\n\nimport _ "fmtt"\n\nfunc main() {}\n' },
      undefined,
      ['fmtt'],
    ],
    ['a go.mod that cannot be read', { 'go.mod': 'modul example.com/app\n' }, 2, ['go.mod']],
    ['a go.mod that wants a newer Go', { 'go.mod': 'module example.com/app\n\ngo 1.999\n' }, 6, ['1.999', 'Install Go 1.999']],
  ] as const)('%s (needs go)', async (_, files, code, says) => {
    const ws = goWorkspace(files);
    const run = await ws.ocidsl(['build']);
    for (const text of says) expect(messages(run).join('\n')).toContain(text);
    expectFailure(ws, run, code ?? run.code);
    expect([1, 2, 6]).toContain(run.code);
  });

  it.skipIf(lacksGo)('no go.mod at all (needs go)', async () => {
    const ws = workspace({ 'build.config.ts': CONFIG, 'cmd/app/main.go': MAIN });
    const run = await ws.ocidsl(['build']);
    expect(messages(run).join('\n')).toContain('go.mod');
    expectFailure(ws, run, 2);
  });
});

describe('the toolchain', () => {
  it('that is missing is an error of the environment that says where to get it', async () => {
    const ws = goWorkspace({});
    const run = await ws.ocidsl(['build'], { env: { PATH: ws.path('nothing') } });
    expectFailure(ws, run, 6);
    expect(run.stderr).toContain('Cannot find Go');
    expect(run.stderr).toContain('https://go.dev/dl/');
  });

  it('that does not work is an error that names it', async () => {
    const ws = goWorkspace({ 'fake/go': '#!/bin/sh\necho broken pipe dream >&2\nexit 3\n' });
    chmodSync(ws.path('fake/go'), 0o755);
    const run = await ws.ocidsl(['build'], { env: { PATH: `${ws.path('fake')}:/usr/bin:/bin` } });
    expectFailure(ws, run, 6);
    expect(run.stderr).toContain(ws.path('fake/go'));
    expect(run.stderr).toContain('broken pipe dream');
  });

  it.skipIf(lacksGo)('may be reached through a symbolic link (needs go)', async () => {
    const ws = goWorkspace({ 'bin/x.txt': '' });
    const real = execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim();
    symlinkSync(join(real, 'bin/go'), ws.path('bin/go'));
    const run = await ws.ocidsl(['build'], { env: { PATH: `${ws.path('bin')}:${dirname(process.execPath)}:/usr/bin:/bin` } });
    expect(run.code, run.stderr).toBe(0);
  });
});

describe('the entrypoint', () => {
  it.skipIf(lacksGo).each([
    ['darwin/arm64', 'darwin/arm64'],
    ['linux/arm64', 'linux/arm64'],
    ['windows/amd64', 'windows/amd64'],
  ])('for %s in an image for linux/amd64 is refused, naming both (needs go)', async (platform, shown) => {
    const ws = goWorkspace({
      'build.config.ts': `import { goBinary, goCrossBinary, ociImage, pkgTar } from 'ocidsl';
const app = goBinary({ name: 'app', package: './cmd/app', out: 'app' });
const cross = goCrossBinary({ name: 'cross', target: app, platform: '${platform}' });
const layer = pkgTar({ name: 'layer', srcs: [cross] });
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer], entrypoint: ['/app'] }); // HERE
`,
    });
    const run = await ws.ocidsl(['build', 'image']);
    expectFailure(ws, run, 2);
    expect(run.stderr).toContain('entrypoint "/app"');
    expect(run.stderr).toContain(shown);
    expect(run.stderr).toContain('linux/amd64');
  });
});
