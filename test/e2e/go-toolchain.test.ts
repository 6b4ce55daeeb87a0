// A declared Go: a machine that has only Node builds the main job. Tests that need the real one take it from the module proxy of this machine.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moduleZip, request, TINY_GO, ZIP_PATH } from '../unit/fetch/go-rig.ts';
import { moduleProxy, tree } from '../unit/tools/go-fixtures.ts';
import { CHECKOUT, exampleWorkspace } from './example-workspace.ts';
import { filesBelow, has, removeFolder } from './machine.ts';
import { reachesModuleProxy } from './module-proxy.ts';
import { announced, digests, messages, until, workspace, type Files, type RunOptions } from './rig.ts';

const VERSION = '1.26.8';
const hasGo = has('go');
const isSameGo = hasGo && execFileSync('go', ['env', 'GOVERSION'], { cwd: '/', encoding: 'utf8' }).trim() === `go${VERSION}`;
const isReachable = await reachesModuleProxy(VERSION);

const HELLO = join(CHECKOUT, 'examples/hello');
const EXAMPLE = join(CHECKOUT, 'examples/go-toolchain');
const LOCK = readFileSync(join(EXAMPLE, 'ocidsl.lock.json'), 'utf8');
const DECLARATION = `goToolchain({ name: 'go', version: '${VERSION}' });`;

// No folder of PATH has anything. Certificates as the tests' own process has them.
function withoutGo(env: RunOptions['env'] = {}): RunOptions {
  const { NODE_EXTRA_CA_CERTS, SSL_CERT_FILE } = process.env;
  return { env: { PATH: '/nonexistent', NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, ...env } };
}

function helloFiles(declares: boolean): Files {
  const files = Object.fromEntries(['go.mod', 'go.sum', 'apps/hello/main.go'].map((path) => [path, readFileSync(join(HELLO, path))]));
  return {
    ...files,
    'build.config.ts': `import { goBinary, goToolchain } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';
${declares ? DECLARATION : ''}
goOciImage({ name: 'hello', srcs: [goBinary({ name: 'hello_bin', package: './apps/hello' })], entrypoint: ['/hello_bin'] });
`,
  };
}

const PROGRAM: Files = {
  'go.mod': 'module example.com/app\n\ngo 1.24\n',
  'build.config.ts': `import { goBinary, goToolchain } from 'ocidsl';\n${DECLARATION}\ngoBinary({ name: 'app', package: '.' }); // HERE\n`,
  'main.go': 'package main\n\nfunc main() { println("ok") }\n',
};

const toolchainsIn = (cache: string): string[] => {
  const folder = join(cache, 'ocidsl/toolchains');
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.endsWith('.sum')) : [];
};

describe.skipIf(!isReachable)('a declared Go (needs a module proxy)', () => {
  // One download serves all tests but the one about downloading.
  let shared = '';
  beforeAll(() => {
    shared = mkdtempSync(join(tmpdir(), 'ocidsl-e2e-go-'));
  });
  afterAll(() => removeFolder(shared));
  const declared = (files: Files) => workspace({ 'ocidsl.lock.json': LOCK, ...files }, { cache: shared });

  it('builds without Go on PATH, from empty caches, and then starts nothing', async () => {
    const ws = exampleWorkspace('go-toolchain');
    try {
      const options = withoutGo({ GOCACHE: undefined, GOMODCACHE: undefined });
      const first = await ws.buildVerbosely([], options);
      expect(first.run.stderr).toContain(`Downloaded Go ${VERSION}`);
      expect(execFileSync(ws.path('ocidsl-out/greet_bin'), { stdio: ['ignore', 'ignore', 'pipe'] })).toBeDefined();
      const again = await ws.buildVerbosely([], options);
      expect(again.rows).toEqual(first.rows);
      expect(announced(again.run)).toEqual([]);
      expect(again.run.stderr).not.toContain('Downloaded');
      expect(toolchainsIn(ws.cache)).toHaveLength(1);
      ws.expectClean('outputs');
      // Whoever empties the cache is noticed, also where nothing else has changed.
      removeFolder(join(ws.cache, 'ocidsl/toolchains'));
      const gone = await ws.ocidsl(['build'], withoutGo({ GOCACHE: undefined, GOMODCACHE: undefined, GOPROXY: 'off' }));
      expect({ code: gone.code, stdout: gone.stdout }, gone.stderr).toEqual({ code: 3, stdout: '' });
      expect(gone.stderr).toContain('GOPROXY=off');
    } finally {
      ws.remove();
    }
  });

  it.skipIf(!isSameGo)(`makes the bytes that the same Go on PATH makes (needs go ${VERSION})`, async () => {
    const [one, two] = [declared(helloFiles(true)), workspace(helloFiles(false))];
    const made = digests(await one.build([], withoutGo()));
    expect(made).toEqual(digests(await two.build()));
    expect(Object.keys(made)).toContain('hello_index ocidsl-out/hello_index');
    // The declaration is not part of a key: what was compiled with the one is there for the other.
    one.write(helloFiles(false));
    expect((await one.buildVerbosely()).run.stderr).toContain('no action was run');
  });

  it('is unpacked once by builds that start together, also after one that was killed in the middle of it', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'ocidsl-e2e-go-'));
    try {
      const all = [1, 2, 3].map(() => workspace({ 'ocidsl.lock.json': LOCK, ...PROGRAM }, { cache }));
      const killed = all[0]!.start(['build'], withoutGo());
      await until('a toolchain is being unpacked', () => toolchainsIn(cache).some((name) => /^go.*\.tmp$/.test(name)));
      process.kill(-killed.child.pid!, 'SIGKILL');
      expect((await killed.ended).code).toBe(137);
      // Whoever is killed while it takes the lock leaves this.
      writeFileSync(join(cache, 'ocidsl/toolchains', `.ocidsl-${'0'.repeat(24)}.tmp`), '{}');
      expect(toolchainsIn(cache).filter((name) => !/\.(?:tmp|zip|lock)$/.test(name))).toEqual([]);
      const runs = await Promise.all(all.map((ws) => ws.ocidsl(['build'], withoutGo())));
      for (const run of runs) expect(run.code, run.stderr).toBe(0);
      expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(1);
      expect(runs.filter(({ stderr }) => stderr.includes('Downloaded Go'))).toHaveLength(1);
      expect(toolchainsIn(cache)).toHaveLength(1);
    } finally {
      removeFolder(cache);
    }
  });

  it('is pinned by "ocidsl lock", by checksums of the database alone', async () => {
    const ws = workspace({ ...PROGRAM, 'ocidsl.lock.json': '{}\n' });
    const run = await ws.ocidsl(['lock'], withoutGo());
    expect(run.code, run.stderr).toBe(0);
    expect(ws.read('ocidsl.lock.json')).toBe(LOCK);
    expect(filesBelow(ws.cache).filter((path) => path.includes('/toolchains/'))).toEqual([]);
  });

  it('that is older than what go.mod asks for is an error that names both', async () => {
    const ws = declared({ ...PROGRAM, 'go.mod': 'module example.com/app\n\ngo 1.99\n' });
    const run = await ws.ocidsl(['build'], withoutGo());
    expect(run.code).toBe(6);
    expect(run.stderr).toContain(ws.at('// HERE'));
    expect(messages(run).join('\n')).toMatch(/requires Go 1\.99.*Go 1\.26\.8 is what the workspace declares.*[^]*goToolchain to 1\.99/);
  });

  it('builds from a vendor folder, whatever GOFLAGS say', async () => {
    const environment = moduleProxy('example.com/dep', 'v1.2.3', {
      'go.mod': 'module example.com/dep\n\ngo 1.21\n',
      'dep.go': 'package dep\n\nconst X = "vendored"\n',
    });
    const ws = declared({
      ...PROGRAM,
      'go.mod': 'module example.com/app\n\ngo 1.24\n\nrequire example.com/dep v1.2.3\n',
      'main.go': 'package main\n\nimport "example.com/dep"\n\nfunc main() { println(dep.X) }\n',
      'vendor/modules.txt': '# example.com/dep v1.2.3\n## explicit; go 1.21\nexample.com/dep\n',
      'vendor/example.com/dep/dep.go': 'package dep\n\nconst X = "vendored"\n',
    });
    for (const GOFLAGS of [undefined, '-mod=vendor']) {
      rmSync(ws.path('ocidsl-out'), { recursive: true, force: true });
      await ws.build([], withoutGo({ ...environment, GOPROXY: 'off', GOFLAGS }));
      expect(existsSync(ws.path('ocidsl-out/app'))).toBe(true);
    }
  });

  it.each([
    ['is another than go.sum says', (sum: string) => sum.replace(/ h1:..../, ' h1:AAAA'), 5, 'go.sum'],
    ['is not in go.sum', () => '', 2, 'go mod tidy'],
  ])('a module that %s ends the build, and go.sum stays as it was', async (_, change, code, says) => {
    const files = helloFiles(true);
    const sum = change(Buffer.from(files['go.sum']!).toString('utf8'));
    const ws = declared({ ...files, 'go.sum': sum });
    const run = await ws.ocidsl(['build'], withoutGo({ GOMODCACHE: tree() }));
    expect({ code: run.code, stdout: run.stdout }, run.stderr).toEqual({ code, stdout: '' });
    expect(messages(run)).toHaveLength(1);
    expect(messages(run)[0]).toContain(says);
    expect(ws.read('go.sum')).toBe(sum);
  });
});

describe('a declared Go that cannot be had', () => {
  const locked = (h1: string) => `{ "version": 1, "goToolchains": { "${VERSION}": { "linux/amd64": { "h1": "${h1}" } } } }\n`;

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'because its zip was changed, is an integrity error, and nothing stays (needs linux/amd64)',
    async () => {
      const { bytes } = moduleZip({ ...TINY_GO, 'bin/go': '#!/bin/sh\necho evil\n' });
      const ws = workspace({ ...PROGRAM, 'ocidsl.lock.json': locked(request().archives['linux/amd64']!.h1!) });
      const run = await ws.ocidsl(['build'], withoutGo({ GOPROXY: `file://${tree({ [ZIP_PATH]: bytes })}` }));
      expect({ code: run.code, stdout: run.stdout }, run.stderr).toEqual({ code: 5, stdout: '' });
      expect(run.stderr).toContain(ws.at('// HERE'));
      expect(toolchainsIn(ws.cache)).toEqual([]);
      ws.expectClean();
    },
  );

  it('because nothing answers, is a failure of the network', async () => {
    const ws = workspace({ ...PROGRAM, 'ocidsl.lock.json': LOCK });
    const run = await ws.ocidsl(['build'], withoutGo({ GOPROXY: 'http://127.0.0.1:1' }));
    expect(run.code, run.stderr).toBe(3);
    expect(run.stderr).toContain('http://127.0.0.1:1/golang.org/toolchain/');
    expect(toolchainsIn(ws.cache).filter((name) => !name.endsWith('.zip'))).toEqual([]);
  });

  it('in CI without a pin is refused before anything is asked for', async () => {
    const ws = workspace({ ...PROGRAM });
    const run = await ws.ocidsl(['build'], withoutGo({ CI: 'true', GOPROXY: 'http://127.0.0.1:1' }));
    expect(run.code, run.stderr).toBe(2);
    expect(run.stderr).toContain('ocidsl lock');
  });
});

describe('declarations', () => {
  it('where there is no Go the error shows the one to add, with the version that go.mod asks for', async () => {
    const ws = workspace({
      ...PROGRAM,
      'build.config.ts': `import { goBinary } from 'ocidsl';\ngoBinary({ name: 'app', package: '.' }); // HERE\n`,
      'go.mod': 'module example.com/app\n\ngo 1.24\n\ntoolchain go1.26.8\n',
    });
    const run = await ws.ocidsl(['build'], withoutGo());
    expect(run.code).toBe(6);
    expect(run.stderr).toContain(ws.at('// HERE'));
    expect(run.stderr).toContain(`goToolchain({ name: 'go', version: '1.26.8' })`);
  });

  it.each([
    ["version: '1.26'", 'its first release is 1.26.0'],
    ["version: 'go1.26.8'", 'without "go"'],
    ["version: '1.26.8', urls: { linux: ['https://x.example/go.tar.gz'] }", 'no platform'],
    ["version: '1.26.8', urls: { 'linux/amd64': [] }", 'it is empty'],
    ["version: '1.26.8', urls: { 'linux/amd64': ['ftp://x.example/go.tar.gz'] }", 'http or https'],
  ])('with %s is an error of the config', async (attributes, says) => {
    const ws = workspace({
      'build.config.ts': `import { goToolchain } from 'ocidsl';\ngoToolchain({ name: 'go', ${attributes} }); // HERE\n`,
    });
    const run = await ws.ocidsl(['list'], withoutGo());
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(ws.at('// HERE'));
    expect(run.stderr).toContain(says);
  });

  it('outside of the root package is an error, because it would be without effect', async () => {
    const ws = workspace({ 'build.config.ts': '', 'apps/x/build.config.ts': `import { goToolchain } from 'ocidsl';\n${DECLARATION}\n` });
    const run = await ws.ocidsl(['build', 'apps/x:go'], withoutGo());
    expect(run.code).toBe(2);
    expect(messages(run).join('\n')).toContain('in the config of the root folder');
  });

  it('two are one too many', async () => {
    const ws = workspace({
      ...PROGRAM,
      'build.config.ts': `import { goBinary, goToolchain } from 'ocidsl';\n${DECLARATION}\ngoToolchain({ name: 'other', version: '1.26.7' });\ngoBinary({ name: 'app', package: '.' });\n`,
    });
    const run = await ws.ocidsl(['build', 'app'], withoutGo());
    expect(run.code).toBe(2);
    expect(messages(run).join('\n')).toContain('the workspace has "go" already');
  });
});

// Whether the proxy that tests would use has the toolchain's smallest file.
