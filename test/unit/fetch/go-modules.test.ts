import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { downloadGoModules } from '../../../lib/fetch/go-modules.ts';
import { discoverGo, factsOf, failureOf, go, hasGo, moduleProxy, tree, write } from '../tools/go-fixtures.ts';

const DEPENDENCY = { 'go.mod': 'module example.com/dep\n\ngo 1.21\n', 'dep.go': 'package dep\n\nconst X = 1\n' };
const MAIN = 'package main\n\nimport "example.com/dep"\n\nfunc main() { println(dep.X) }\n';

// A module with a tidy go.sum, and an empty module cache.
function fixture() {
  const environment = moduleProxy('example.com/dep', 'v1.2.3', DEPENDENCY);
  const root = tree({ 'go.mod': 'module example.com/m\n\ngo 1.21\n\nrequire example.com/dep v1.2.3\n', 'cmd/hello/main.go': MAIN });
  go(root, ['mod', 'tidy'], environment);
  return { root, environment: { ...environment, GOMODCACHE: tree() } };
}

async function download(moduleDirectory: string, environment: Readonly<Record<string, string>>) {
  const goBinary = join(go('/', ['env', 'GOROOT']).trim(), 'bin/go');
  await downloadGoModules({
    moduleDirectory,
    goBinary,
    environment: { ...process.env, ...environment },
    signal: new AbortController().signal,
  });
}

describe.skipIf(!hasGo)('downloadGoModules (needs go)', () => {
  test('removes the cause of OCIDSL_GO_MODULES_MISSING and leaves go.mod and go.sum alone', async () => {
    const { root, environment } = fixture();
    const io = { GOMODCACHE: environment['GOMODCACHE'] };
    const missing = await failureOf(discoverGo(root, { io }));
    expect(missing).toMatchObject({ code: 'OCIDSL_GO_MODULES_MISSING', cause: { moduleDirectory: root } });
    const before = ['go.mod', 'go.sum'].map((name) => readFileSync(join(root, name), 'utf8'));
    await download((missing.cause as { moduleDirectory: string }).moduleDirectory, environment);
    expect(factsOf(await discoverGo(root, { io })).modules).toHaveLength(1);
    expect(['go.mod', 'go.sum'].map((name) => readFileSync(join(root, name), 'utf8'))).toEqual(before);
  });

  test('works in a workspace, with replacements relative to it', async () => {
    const { root, environment } = fixture();
    write(root, {
      'go.work': 'go 1.21\n\nuse (\n\t.\n\t./two\n)\n\nreplace example.com/local => ./local\n',
      'two/go.mod': 'module example.com/two\n\ngo 1.21\n\nrequire example.com/local v0.0.0\n',
      'two/two.go': 'package two\n\nimport _ "example.com/local"\n',
      'local/go.mod': 'module example.com/local\n\ngo 1.21\n',
      'local/l.go': 'package local\n',
    });
    await download(root, environment);
    const found = await discoverGo(root, { io: { GOMODCACHE: environment['GOMODCACHE'] } });
    expect(factsOf(found).modules).toHaveLength(1);
    expect(found.files.map(({ name }) => name)).toContain('example.com/local@/go.mod');
  });

  test('never writes a missing go.sum entry: that is for go mod tidy', async () => {
    const { root, environment } = fixture();
    write(root, { 'go.sum': '' });
    await download(root, environment);
    expect(readFileSync(join(root, 'go.sum'), 'utf8')).toBe('');
    expect(await failureOf(discoverGo(root, { io: { GOMODCACHE: environment['GOMODCACHE'] } }))).toMatchObject({
      code: 'OCIDSL_GO_MODULES_UNTIDY',
    });
  });

  test('a module that is not what go.sum says', async () => {
    const { root, environment } = fixture();
    write(root, { 'go.sum': readFileSync(join(root, 'go.sum'), 'utf8').replace(/ h1:....(.*)\n/, ' h1:AAAA$1\n') });
    expect(await failureOf(download(root, environment))).toMatchObject({
      code: 'OCIDSL_GO_MODULES_INTEGRITY',
      kind: 'integrity',
      output: expect.stringContaining('checksum mismatch') as string,
    });
  });

  test.each([
    ['https://user:hunter2@127.0.0.1:1', 'network', 'connection refused'],
    ['off', 'network', 'GOPROXY=off'],
    [`file://${tree()}`, 'network', ''],
  ])('GOPROXY=%s', async (GOPROXY, kind, text) => {
    const { root, environment } = fixture();
    const failure = await failureOf(download(root, { ...environment, GOPROXY }));
    expect(failure).toMatchObject({ code: 'OCIDSL_GO_MODULES_DOWNLOAD', kind });
    expect(failure.output).toContain(text);
    expect(JSON.stringify([failure.message, failure.output, failure.hint])).not.toContain('hunter2');
  });

  test('a Go that is too old', async () => {
    const { root, environment } = fixture();
    write(root, { 'go.mod': 'module example.com/m\n\ngo 1.99\n' });
    expect(await failureOf(download(root, environment))).toMatchObject({ code: 'OCIDSL_GO_VERSION', kind: 'environment' });
  });
});
