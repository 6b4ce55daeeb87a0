import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareUtf8 } from '../../../lib/base/bytes.ts';
import type { Discovered } from '../../../lib/plan/discovery.ts';
import { discoverGo, factsOf, failureOf, go, hasGo, HELLO, moduleProxy, tree, write } from './go-fixtures.ts';

const names = (found: Discovered) => found.files.map(({ name }) => name);
const local = (found: Discovered) => found.watched.filter((path) => !path.startsWith('/'));

describe.skipIf(!hasGo)('go-packages (needs go)', () => {
  test('names exactly the files that a program is made of', async () => {
    const found = await discoverGo(
      tree({
        ...HELLO,
        'greet/greet_test.go': 'package greet\n',
        'greet/greet_windows.go': 'package greet\n',
        'greet/_old.go': 'x',
        'README.md': '',
      }),
    );
    expect(found.files).toEqual([
      { name: 'example.com/m@/cmd/hello/main.go', path: 'cmd/hello/main.go', isExecutable: false },
      { name: 'example.com/m@/go.mod', path: 'go.mod', isExecutable: false },
      { name: 'example.com/m@/greet/greet.go', path: 'greet/greet.go', isExecutable: false },
    ]);
    expect(local(found)).toEqual([
      'cmd/go.mod',
      'cmd/hello',
      'go.sum',
      'go.work',
      'greet',
      'greet/greet_windows.go',
      'vendor',
      'vendor/modules.txt',
    ]);
    expect(found.watched.some((path) => path.endsWith('/bin/go'))).toBe(true);
    expect(found.watched.some((path) => path.endsWith('/VERSION'))).toBe(true);
    expect(factsOf(found)).toMatchObject({
      importPath: 'example.com/m/cmd/hello',
      goVersion: go('/', ['env', 'GOVERSION']).trim(),
      modules: [],
    });
  });

  test('a subfolder of the module, and an import path', async () => {
    const root = tree(HELLO);
    const whole = await discoverGo(root);
    for (const options of [
      { module: 'cmd', package: './hello' },
      { module: 'cmd/hello', package: '.' },
      { module: '', package: 'example.com/m/cmd/hello' },
    ]) {
      const found = await discoverGo(root, options);
      expect(found.files).toEqual(whole.files);
      expect(factsOf(found).importPath).toBe('example.com/m/cmd/hello');
    }
  });

  test('names do not depend on where the module lies', async () => {
    const [one, two] = await Promise.all([
      discoverGo(tree(HELLO)),
      discoverGo(tree(Object.fromEntries(Object.entries(HELLO).map(([path, text]) => [`deep/er/${path}`, text]))), { module: 'deep/er' }),
    ]);
    expect(names(two)).toEqual(names(one));
    expect(factsOf(two).fingerprints).toEqual(factsOf(one).fingerprints);
    expect(two.files[0]?.path).toBe('deep/er/cmd/hello/main.go');
  });

  test('build tags, platform, cgo and race decide which files', async () => {
    const root = tree({
      ...HELLO,
      'greet/tagged.go': '//go:build extra\n\npackage greet\n',
      'greet/greet_arm64.go': 'package greet\n',
      'greet/c.go': 'package greet\n\n// int one() { return 1; }\nimport "C"\n',
      'greet/raced.go': '//go:build race\n\npackage greet\n',
    });
    const greet = async (options: Parameters<typeof discoverGo>[1]) =>
      names(await discoverGo(root, options)).flatMap((name) => (name.includes('/greet/') ? [name.replace(/.*\//, '')] : []));
    expect(await greet({})).toEqual(['greet.go']);
    expect(await greet({ tags: ['extra'] })).toEqual(['greet.go', 'tagged.go']);
    expect(await greet({ platform: { os: 'linux', architecture: 'arm64' } })).toEqual(['greet.go', 'greet_arm64.go']);
    expect(await greet({ cgo: true })).toEqual(['c.go', 'greet.go']);
    expect(await greet({ cgo: true, race: true })).toEqual(['c.go', 'greet.go', 'raced.go']);
  });

  test('embedded files, and every folder in which one could appear', async () => {
    const root = tree({
      ...HELLO,
      'cmd/hello/embed.go': 'package main\n\nimport "embed"\n\n//go:embed static all:hidden *.md a*/x?.txt\nvar files embed.FS\n',
      'cmd/hello/static/a.css': '',
      'cmd/hello/static/deep/b.css': '',
      'cmd/hello/static/.c': '',
      'cmd/hello/static/_d/e': '',
      'cmd/hello/hidden/.c': '',
      'cmd/hello/hidden/.d/e': '',
      'cmd/hello/x.md': '',
      'cmd/hello/ab/x1.txt': '',
      'cmd/hello/ab/y.txt': '',
      'cmd/hello/ac/z': '',
      'cmd/hello/b/x1.txt': '',
    });
    mkdirSync(join(root, 'cmd/hello/static/empty'));
    const found = await discoverGo(root);
    const below = (path: string) => path.startsWith('cmd/hello/') && !path.endsWith('.go');
    expect(found.files.map(({ path }) => path).filter(below)).toEqual(
      ['ab/x1.txt', 'hidden/.c', 'hidden/.d/e', 'static/a.css', 'static/deep/b.css', 'x.md'].map((path) => `cmd/hello/${path}`),
    );
    expect(local(found).filter(below)).toEqual(
      ['ab', 'ac', 'hidden', 'hidden/.d', 'static', 'static/deep', 'static/empty'].map((path) => `cmd/hello/${path}`),
    );
    expect(factsOf(found).fingerprints['example.com/m@/cmd/hello/x.md']).toBe('');
  });

  test('the profile of the program is one of its files', async () => {
    const root = tree({ ...HELLO, 'cmd/hello/default.pgo': '', 'greet/default.pgo': '' });
    expect(names(await discoverGo(root)).filter((name) => name.endsWith('.pgo'))).toEqual(['example.com/m@/cmd/hello/default.pgo']);
  });

  test('a module that is replaced by a folder, also outside of the workspace', async () => {
    const parent = tree({
      'dep/go.mod': 'module example.com/dep\n\ngo 1.21\n',
      'dep/dep.go': 'package dep\n\nconst X = 1\n',
      'dep/other/o.go': 'package other\n',
      'w/go.mod': 'module example.com/m\n\ngo 1.21\n\nrequire example.com/dep v0.0.0\n\nreplace example.com/dep => ../dep\n',
      'w/cmd/hello/main.go': 'package main\n\nimport "example.com/dep"\n\nfunc main() { println(dep.X) }\n',
    });
    const found = await discoverGo(join(parent, 'w'));
    expect(found.files.map(({ name, path }) => [name, path])).toEqual([
      ['example.com/dep@/dep.go', join(parent, 'dep/dep.go')],
      ['example.com/dep@/go.mod', join(parent, 'dep/go.mod')],
      ['example.com/m@/cmd/hello/main.go', 'cmd/hello/main.go'],
      ['example.com/m@/go.mod', 'go.mod'],
    ]);
    expect(found.watched).toContain(join(parent, 'dep'));
  });

  test('the modules of a go.work; GOWORK=off leaves it out', async () => {
    const root = tree({
      'go.work': 'go 1.21\n\nuse (\n\t./m\n\t./m2 // nested path\n)\n',
      'm/go.mod': 'module example.com/m\n\ngo 1.21\n',
      'm/cmd/hello/main.go': 'package main\n\nimport "example.com/m/two"\n\nfunc main() { println(two.X) }\n',
      'm2/go.mod': 'module example.com/m/two\n\ngo 1.21\n',
      'm2/two.go': 'package two\n\nconst X = 2\n',
    });
    const found = await discoverGo(root, { module: 'm' });
    expect(found.files.map(({ name, path }) => [name, path])).toEqual([
      ['@work/go.work', 'go.work'],
      ['example.com/m/two@/go.mod', 'm2/go.mod'],
      ['example.com/m/two@/two.go', 'm2/two.go'],
      ['example.com/m@/cmd/hello/main.go', 'm/cmd/hello/main.go'],
      ['example.com/m@/go.mod', 'm/go.mod'],
    ]);
    expect(local(found)).toEqual(expect.arrayContaining(['m/go.work', 'go.work.sum', 'm2']));
    const off = await failureOf(discoverGo(root, { module: 'm', env: { GOWORK: 'off' } }));
    expect(off).toMatchObject({ code: 'OCIDSL_GO_MODULES_UNTIDY', hint: expect.stringContaining('go get example.com/m/two') as string });
  });

  test('modules of the module cache stand in go.sum; vendored ones are files', async () => {
    const environment = moduleProxy('example.com/dep', 'v1.2.3', {
      'go.mod': 'module example.com/dep\n\ngo 1.21\n',
      'dep.go': 'package dep\n\nconst X = 1\n',
    });
    const root = tree({
      'go.mod': 'module example.com/m\n\ngo 1.21\n\nrequire example.com/dep v1.2.3\n',
      'cmd/hello/main.go': 'package main\n\nimport "example.com/dep"\n\nfunc main() { println(dep.X) }\n',
    });
    const io = { GOMODCACHE: environment['GOMODCACHE'] };
    go(root, ['mod', 'tidy'], environment);
    const missing = await failureOf(discoverGo(root, { io: { GOMODCACHE: tree() } }));
    expect(missing).toMatchObject({ code: 'OCIDSL_GO_MODULES_MISSING', kind: 'network', cause: { moduleDirectory: root } });

    const found = await discoverGo(root, { io });
    expect(names(found)).toEqual(['example.com/m@/cmd/hello/main.go', 'example.com/m@/go.mod', 'example.com/m@/go.sum']);
    expect(factsOf(found).modules).toEqual([expect.stringMatching(/^example\.com\/dep@v1\.2\.3 h1:[A-Za-z0-9+/]{43}=$/)]);

    rmSync(join(root, 'go.sum'));
    expect(await failureOf(discoverGo(root, { io }))).toMatchObject({
      code: 'OCIDSL_GO_MODULES_UNTIDY',
      kind: 'config',
      hint: expect.stringContaining('go mod tidy') as string,
    });

    go(root, ['mod', 'tidy'], environment);
    go(root, ['mod', 'vendor'], environment);
    const vendored = await discoverGo(root, { io });
    expect(names(vendored)).toEqual([
      'example.com/m@/cmd/hello/main.go',
      'example.com/m@/go.mod',
      'example.com/m@/go.sum',
      'example.com/m@/vendor/example.com/dep/dep.go',
      'example.com/m@/vendor/modules.txt',
    ]);
    expect(factsOf(vendored).modules).toEqual([]);

    write(root, { 'vendor/modules.txt': '# example.com/dep v1.0.0\n## explicit\nexample.com/dep\n' });
    expect(await failureOf(discoverGo(root, { io }))).toMatchObject({
      code: 'OCIDSL_GO_MODULES_UNTIDY',
      hint: expect.stringContaining('go mod vendor') as string,
    });
  });

  test('a source file that is a symbolic link stands for what it points to', async () => {
    const root = tree({ ...HELLO, 'shared/extra.go': 'package greet\n' });
    symlinkSync('../shared/extra.go', join(root, 'greet/extra.go'));
    const found = await discoverGo(root);
    expect(found.files).toContainEqual({ name: 'example.com/m@/greet/extra.go', path: 'shared/extra.go', isExecutable: false });
    expect(found.watched).toContain('greet/extra.go');
  });

  describe('errors', () => {
    test('no Go', async () => {
      for (const PATH of ['', undefined, 'relative', '/nowhere']) {
        expect(await failureOf(discoverGo(tree(HELLO), { io: { PATH } }))).toMatchObject({
          code: 'OCIDSL_GO_MISSING',
          kind: 'environment',
          hint: expect.stringContaining('https://go.dev/dl/') as string,
        });
      }
    });

    test('a Go that does not work', async () => {
      const bin = tree({ go: '#!/bin/sh\necho broken >&2\nexit 3\n' });
      chmodSync(join(bin, 'go'), 0o755);
      expect(await failureOf(discoverGo(tree(HELLO), { io: { PATH: bin } }))).toMatchObject({
        code: 'OCIDSL_GO_BROKEN',
        kind: 'environment',
        output: 'broken',
      });
    });

    test('no folder for the caches', async () => {
      const failure = await failureOf(discoverGo(tree(HELLO), { io: { HOME: undefined, GOCACHE: undefined, GOMODCACHE: undefined } }));
      expect(failure).toMatchObject({ code: 'OCIDSL_GO_CACHE', kind: 'environment' });
    });

    test('a Go that is too old names both versions', async () => {
      const failure = await failureOf(discoverGo(tree({ ...HELLO, 'go.mod': 'module example.com/m\n\ngo 1.99\n' })));
      expect(failure).toMatchObject({ code: 'OCIDSL_GO_VERSION', kind: 'environment' });
      expect(failure.message).toContain('1.99');
      expect(failure.message).toContain(go('/', ['env', 'GOVERSION']).trim().replace(/^go/, ''));
    });

    test('a newer toolchain line alone is fine', async () => {
      await expect(
        discoverGo(tree({ ...HELLO, 'go.mod': 'module example.com/m\n\ngo 1.21\n\ntoolchain go1.99.0\n' })),
      ).resolves.toBeDefined();
    });

    test.each([
      ['./nowhere', 'there is no such folder'],
      ['./docs', 'the folder has no Go files'],
      ['./onlywindows', 'none of its files is for this platform'],
      ['./greet', 'it is package greet'],
      ['example.com/nowhere', 'no module has it'],
      ['nowhere', 'no module has it'],
      ['./...', 'pattern'],
      ['../x', 'there is no such folder'],
    ])('package %s', async (name, is) => {
      const root = tree({ ...HELLO, 'docs/README.md': '', 'onlywindows/a_windows.go': 'package main\n' });
      const failure = await failureOf(discoverGo(root, { package: name }));
      expect(failure).toMatchObject({ code: 'OCIDSL_GO_PACKAGE', kind: 'config' });
      expect(failure.message).toContain(is);
    });

    test('no go.mod', async () => {
      expect(await failureOf(discoverGo(tree({ 'main.go': 'package main\n' }), { package: '.' }))).toMatchObject({
        code: 'OCIDSL_GO_MODULE',
        hint: expect.stringContaining('go mod init') as string,
      });
      expect(await failureOf(discoverGo(tree(HELLO), { module: 'nowhere' }))).toMatchObject({ code: 'OCIDSL_GO_MODULE' });
      expect(await failureOf(discoverGo(tree({ ...HELLO, 'go.mod': 'modul x\n' })))).toMatchObject({
        code: 'OCIDSL_GO_MODULE',
        output: expect.stringContaining('go.mod:1') as string,
      });
    });

    test('an import that does not exist points at its line, from the workspace root', async () => {
      const files = Object.fromEntries(Object.entries(HELLO).map(([path, text]) => [`svc/${path}`, text]));
      const root = tree({ ...files, 'svc/greet/bad.go': 'package greet\n\nimport _ "example.com/nowhere"\n' });
      expect(await failureOf(discoverGo(root, { module: 'svc' }))).toMatchObject({
        code: 'OCIDSL_GO_MODULES_UNTIDY',
        output: expect.stringContaining('svc/greet/bad.go:3:8: ') as string,
      });
    });

    test('a syntax error before the imports end', async () => {
      const root = tree({ ...HELLO, 'greet/bad.go': 'pakage greet\n' });
      expect(await failureOf(discoverGo(root))).toMatchObject({
        code: 'OCIDSL_GO_COMPILE',
        kind: 'build',
        output: "greet/bad.go:1:1: expected 'package', found pakage",
      });
    });

    test('an embedded file that is missing', async () => {
      const root = tree({ ...HELLO, 'greet/bad.go': 'package greet\n\nimport _ "embed"\n\n//go:embed nothing.txt\nvar x string\n' });
      expect(await failureOf(discoverGo(root))).toMatchObject({
        code: 'OCIDSL_GO_COMPILE',
        output: expect.stringContaining('nothing.txt: no matching files found') as string,
      });
    });
  });

  test('lists are in the order of UTF-8 bytes', async () => {
    const found = await discoverGo(tree({ ...HELLO, 'greet/ä.go': 'package greet\n', 'greet/z.go': 'package greet\n' }));
    expect(names(found)).toEqual([...names(found)].sort(compareUtf8));
    expect(found.watched).toEqual([...found.watched].sort(compareUtf8));
  });
});
