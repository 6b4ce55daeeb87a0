// When Go is compiled again: for what the program imports, and nothing else of its module.
import { describe, expect, it } from 'vitest';
import { has } from './machine.ts';
import { workspace } from './rig.ts';
import { build } from './counted-build.ts';

const GO = {
  'build.config.ts': `import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';
goOciImage({ name: 'hello', srcs: [goBinary({ name: 'app', package: './cmd/app' })], entrypoint: ['/app'] });
`,
  'go.mod': 'module example.com/app\n\ngo 1.24\n',
  'cmd/app/main.go': 'package main\n\nimport "example.com/app/greet"\n\nfunc main() { greet.Hello() }\n',
  'greet/greet.go': 'package greet\n\nfunc Hello() { println("hello") }\n',
  'other/other.go': 'package other\n',
};

const lacksGo = !has('go');

describe('Go', () => {
  it.skipIf(lacksGo)('is compiled, packed and put into images once for each platform (needs go)', async () => {
    const ws = workspace(GO);
    expect((await build(ws, 'hello_index')).lines).toEqual([
      'Compiling ./cmd/app for linux/amd64',
      'Compiling ./cmd/app for linux/arm64',
      'Making image hello for linux/amd64',
      'Making image hello for linux/arm64',
      'Making index hello_index',
      'Packing hello_pkg',
      'Packing hello_pkg',
    ]);
    expect((await build(ws, 'hello_index')).actions).toBe(0);
  });

  it.skipIf(lacksGo)('is not compiled again for a file of the module that it does not import (needs go)', async () => {
    const ws = workspace(GO);
    const first = await build(ws, 'hello_index');
    ws.write({ 'other/other.go': 'package other\n\nconst Changed = true\n', 'other/new.go': 'package other\n', 'README.md': 'text' });
    expect(await build(ws, 'hello_index')).toMatchObject({ actions: 0, digests: first.digests });
  });

  it.skipIf(lacksGo)('is compiled again for a package that it imports, with all above it (needs go)', async () => {
    const ws = workspace(GO);
    const first = await build(ws, 'hello_index');
    ws.write({ 'greet/greet.go': 'package greet\n\nfunc Hello() { println("good day") }\n' });
    const second = await build(ws, 'hello_index');
    expect(second.lines).toEqual(first.lines);
    expect(second.digests).not.toEqual(first.digests);
  });

  it.skipIf(lacksGo)('that gives the same binary stops there: no layer, no image (needs go)', async () => {
    const ws = workspace(GO);
    const first = await build(ws, 'hello_index');
    ws.write({ 'greet/greet.go': `${GO['greet/greet.go']}\nconst unused = 1\n` });
    const second = await build(ws, 'hello_index');
    expect(second.lines).toEqual(['Compiling ./cmd/app for linux/amd64', 'Compiling ./cmd/app for linux/arm64']);
    expect(second.digests).toEqual(first.digests);
  });

  it.skipIf(lacksGo)('notices a new file of a package and an embedded file (needs go)', async () => {
    const ws = workspace({
      ...GO,
      'greet/greet.go':
        'package greet\n\nimport "embed"\n\n//go:embed texts\nvar texts embed.FS\n\nfunc Hello() { println(texts.ReadDir("texts")) }\n',
      'greet/texts/a.txt': 'a',
    });
    const first = await build(ws, 'app');
    ws.write({ 'greet/texts/b.txt': 'b' });
    const second = await build(ws, 'app');
    expect(second.digests).not.toEqual(first.digests);
    ws.write({ 'greet/init.go': 'package greet\n\nfunc init() { println("init") }\n' });
    expect((await build(ws, 'app')).digests).not.toEqual(second.digests);
  });

  it.skipIf(lacksGo)('runs again for another flag, and only for that target (needs go)', async () => {
    const ws = workspace(GO);
    await build(ws, 'app');
    ws.write({ 'build.config.ts': GO['build.config.ts'].replace("package: './cmd/app'", "package: './cmd/app', ldflags: ['-s']") });
    expect((await build(ws, 'app')).lines).toEqual([expect.stringContaining('Compiling ./cmd/app')]);
  });
});
