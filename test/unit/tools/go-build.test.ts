import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { buildGo, discoverGo, factsOf, failureOf, GO_ENVIRONMENT, hasGo, HELLO, tree, write } from './go-fixtures.ts';

const hasCompiler = (() => {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

function run(binary: Buffer): string {
  const path = join(tree({ program: binary }), 'program');
  chmodSync(path, 0o755);
  return execFileSync('sh', ['-c', '"$0" 2>&1', path], { encoding: 'utf8' });
}

describe.skipIf(!hasGo)('go-build (needs go)', () => {
  test('makes a program, and equal inputs are equal bytes in another folder, umask and time zone', async () => {
    const files = { ...HELLO, 'cmd/hello/default.pgo': '' };
    const [one, again] = await Promise.all([buildGo(tree(files)), buildGo(tree(files))]);
    expect(sha256Hex(one.binary)).toBe(sha256Hex(again.binary));
    expect(one.lines).toEqual([]);
    const umask = process.umask(0o077);
    try {
      const deep = Object.fromEntries(Object.entries(files).map(([path, text]) => [`some/where/else/${path}`, text]));
      const other = await buildGo(tree(deep), {
        module: 'some/where/else/cmd',
        package: './hello',
        io: { ...GO_ENVIRONMENT, GOFLAGS: '-tags=x', TZ: 'Asia/Tokyo' },
      });
      expect(sha256Hex(other.binary)).toBe(sha256Hex(one.binary));
    } finally {
      process.umask(umask);
    }
  }, 120_000);

  test.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'the program runs, with what xDefs, tags and ldflags say',
    async () => {
      const root = tree({
        ...HELLO,
        'greet/greet.go': 'package greet\n\nvar Name = "nobody"\n\nfunc Text() string { return "hello " + Name + tail }\n',
        'greet/tail.go': '//go:build !loud\n\npackage greet\n\nvar tail = "."\n',
        'greet/loud.go': '//go:build loud\n\npackage greet\n\nvar tail = "!"\n',
        'cmd/hello/version.go': 'package main\n\nvar version string\n\nfunc init() { println(version) }\n',
      });
      const { binary } = await buildGo(root, {
        tags: ['loud'],
        spec: {
          xDefs: { 'example.com/m/greet.Name': `it's you`, version: '"v1" beta' },
          ldflags: ['-X main.unknown=1'],
          gcflags: ['all=-N', '-l'],
        },
      });
      expect(run(binary)).toBe(`"v1" beta\nhello it's you!\n`);
    },
  );

  test('platforms: the headers of the binaries, two at a time', async () => {
    const root = tree(HELLO);
    const header = async (os: string, architecture: string, variant?: string) =>
      (await buildGo(root, { platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } })).binary.subarray(0, 64);
    const [amd64, arm64] = await Promise.all([header('linux', 'amd64'), header('linux', 'arm64', 'v8')]);
    const [armv6, darwin] = await Promise.all([header('linux', 'arm', 'v6'), header('darwin', 'arm64')]);
    const elf = (bytes: Buffer) => [bytes.toString('latin1', 1, 4), bytes.readUInt16LE(18)];
    expect(elf(amd64)).toEqual(['ELF', 62]);
    expect(elf(arm64)).toEqual(['ELF', 183]);
    expect(elf(armv6)).toEqual(['ELF', 40]);
    expect([darwin.readUInt32LE(0), darwin.readUInt32LE(4)]).toEqual([0xfeedfacf, 0x0100000c]);
  }, 240_000);

  test('strip leaves the symbols out, pie makes a position-independent program', async () => {
    const root = tree(HELLO);
    const stripped = await buildGo(root);
    const whole = await buildGo(root, { spec: { strip: false } });
    const pie = await buildGo(root, { spec: { buildmode: 'pie' } });
    expect(whole.binary.includes('.debug_info') || whole.binary.includes('.zdebug_info')).toBe(true);
    expect(stripped.binary.includes('.debug_info')).toBe(false);
    expect([stripped.binary.readUInt16LE(16), pie.binary.readUInt16LE(16)]).toEqual([2, 3]);
  }, 120_000);

  test('nothing of this machine is in the binary', async () => {
    const root = tree(HELLO);
    const { binary } = await buildGo(root, { spec: { strip: false } });
    for (const text of [root, process.env['HOME'] ?? '/home/nobody', 'ocidsl-go-']) expect(binary.includes(`${text}/`), text).toBe(false);
  });

  describe('errors', () => {
    test('what does not compile: once, with paths from the workspace root', async () => {
      const root = tree(Object.fromEntries(Object.entries(HELLO).map(([path, text]) => [`svc/${path}`, text])));
      write(root, { 'svc/greet/bad.go': 'package greet\n\nfunc f() int { return undefined1 }\n' });
      const failure = await failureOf(buildGo(root, { module: 'svc' }));
      expect(failure).toMatchObject({ code: 'OCIDSL_GO_COMPILE', kind: 'build' });
      expect(failure.output).toBe('# example.com/m/greet\nsvc/greet/bad.go:3:23: undefined: undefined1');
      expect(failure.message).toBe(
        'Cannot compile Go package "example.com/m/cmd/hello" for linux/amd64: go build ended with exit code 1, expected code that builds',
      );
    });

    test('temporary files are removed, whatever happens', async () => {
      const root = tree({ ...HELLO, 'greet/bad.go': 'package greet\n\nvar x = y\n' });
      const temporary = tree();
      const facts = factsOf(await discoverGo(root));
      await failureOf(buildGo(root, { local: { ...facts.local, temporary } }));
      expect(readdirSync(temporary)).toEqual([]);
      write(root, { 'greet/bad.go': 'package greet\n' });
      await buildGo(root, { local: { ...facts.local, temporary } });
      expect(readdirSync(temporary)).toEqual([]);
    });

    test('no C compiler where cgo is on', async () => {
      const root = tree({ ...HELLO, 'greet/c.go': 'package greet\n\n// int one() { return 1; }\nimport "C"\n' });
      const failure = await failureOf(buildGo(root, { cgo: true, env: { CC: 'nowhere-cc' } }));
      expect(failure).toMatchObject({
        code: 'OCIDSL_GO_CGO',
        kind: 'environment',
        message: expect.stringContaining('nowhere-cc') as string,
      });
    });

    test('race without cgo', async () => {
      expect(await failureOf(buildGo(tree(HELLO), { race: true }))).toMatchObject({ code: 'OCIDSL_GO_CGO', kind: 'config' });
      expect(await failureOf(buildGo(tree(HELLO), { spec: { race: true } }))).toMatchObject({ code: 'OCIDSL_GO_CGO', kind: 'config' });
    });

    test('a worker without the sources', async () => {
      expect(await failureOf(buildGo(tree(HELLO), { local: null }))).toMatchObject({ code: 'OCIDSL_GO_REMOTE', kind: 'environment' });
    });

    test('a temporary folder that does not exist', async () => {
      const root = tree(HELLO);
      const facts = factsOf(await discoverGo(root));
      expect(await failureOf(buildGo(root, { local: { ...facts.local, temporary: '/nowhere' } }))).toMatchObject({
        code: 'OCIDSL_SYSTEM_ENOENT',
        kind: 'environment',
      });
    });
  });

  test.skipIf(!hasCompiler || process.platform !== 'linux' || process.arch !== 'x64')(
    'cgo takes the compiler of PATH (needs gcc)',
    async () => {
      const root = tree({
        ...HELLO,
        'greet/greet.go':
          'package greet\n\n// static int one() { return 41; }\nimport "C"\n\nfunc Text() int { return int(C.one()) + 1 }\n',
      });
      expect(run((await buildGo(root, { cgo: true })).binary)).toBe('42\n');
    },
    240_000,
  );
});
