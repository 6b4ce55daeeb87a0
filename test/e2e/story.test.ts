// The user's story: an empty folder, the installed package, one config; built, loaded, run and pushed to a real registry.
import { readFileSync, writeFileSync, mkdirSync, existsSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REAL_REGISTRIES } from '../conformance/real-registries.ts';
import type { RunningRegistry } from '../conformance/registry.ts';
import { canEmulate, hasPodman, podmanIn, type Podman } from './container-rig.ts';
import { installPackage, type Installation } from './package-install.ts';
import { recordRequests, type RecordingProxy } from './recording-proxy.ts';
import { announced, goEnvironment, has, until, type ResultRow, type Run } from './rig.ts';
import { runProgram } from './run-program.ts';

const HELLO = join(import.meta.dirname, '../../examples/hello');
const [dockerRegistry] = REAL_REGISTRIES;
const CANNOT_PUSH = !has(dockerRegistry!.program) || !has('go');
// An engine of the user's own at this socket would be found first.
const CANNOT_RUN = !hasPodman() || !has('go') || existsSync('/run/podman/podman.sock');
const ENGINE = existsSync('/var/run/docker.sock') ? ['--engine', 'podman'] : [];

const MAIN = `package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"github.com/google/uuid"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "wait" {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
		fmt.Println("waiting")
		fmt.Println("got", <-signals)
		os.Exit(7)
	}
	fmt.Println(uuid.NewString())
	fmt.Println(reverse("Hello, OCI"))
	fmt.Println(runtime.GOOS)
	if len(os.Args) > 1 {
		fmt.Println(runtime.GOARCH, os.Args[1:])
		code, _ := strconv.Atoi(os.Args[1])
		os.Exit(code)
	}
}

func reverse(text string) string {
	runes := []rune(text)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}
`;
const THREE_LINES = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\nICO ,olleH\nlinux\n$/;

const config = (registry: string) => `import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';
goOciImage({
  name: 'hello',
  srcs: [goBinary({ name: 'hello_bin', package: './apps/hello' })],
  entrypoint: ['/hello_bin'],
  repoTags: ['hello:latest'],
  repository: '${registry}/acme/hello',
});
`;

let user: Installation;
let podman: Podman;
let registry: RunningRegistry | undefined;
let proxy: RecordingProxy | undefined;

beforeAll(async () => {
  user = installPackage();
  podman = podmanIn(join(user.folder, 'podman'));
  if (!CANNOT_PUSH) {
    registry = await dockerRegistry!.start();
    proxy = await recordRequests(registry.host);
  }
  write('build.config.ts', config(proxy?.host ?? '127.0.0.1:5000'));
  write('apps/hello/main.go', MAIN);
  for (const file of ['go.mod', 'go.sum']) write(file, readFileSync(join(HELLO, file), 'utf8'));
});

afterAll(async () => {
  await proxy?.close();
  await registry?.close();
  user?.remove();
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(user.root, path)), { recursive: true });
  writeFileSync(join(user.root, path), text);
}

function environment(): NodeJS.ProcessEnv {
  const home = join(user.folder, 'home');
  mkdirSync(home, { recursive: true });
  return { PATH: process.env['PATH'], HOME: home, ...goEnvironment(), ...podman.environment, npm_config_update_notifier: 'false' };
}

/** `npx ocidsl ARGS`, as its user types it. */
async function ocidsl(...args: string[]): Promise<Run> {
  return await runProgram('npx', ['--no', 'ocidsl', ...args], { cwd: user.root, env: environment() });
}

async function build(...targets: string[]): Promise<{ rows: ResultRow[]; run: Run }> {
  const run = await ocidsl('build', '--json', ...targets);
  expect(run).toMatchObject({ code: 0 });
  return { rows: JSON.parse(run.stdout) as ResultRow[], run };
}

const HERE = process.arch === 'x64' ? 'amd64' : process.arch;
const NAMES = ['hello_bin', 'hello', 'hello_pkg', 'hello_amd64', 'hello_arm64', 'hello_index', 'hello_load', 'hello_push'];

describe.skipIf(!has('go'))('building (needs go)', () => {
  it("lists every target with its rule and the user's line", async () => {
    const { code, stdout } = await ocidsl('list');
    expect(code).toBe(0);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows.map(([name]) => name)).toEqual(NAMES);
    expect(rows.map(([, rule]) => rule)).toEqual([
      'goBinary',
      'ociImage',
      'pkgTar',
      'multiArch',
      'multiArch',
      'ociImageIndex',
      'ociLoad',
      'ociPush',
    ]);
    expect(rows[0]![2]).toBe('build.config.ts:5:10');
    for (const [, , place] of rows.slice(1)) expect(place).toBe('build.config.ts:3:1 (goOciImage hello)');
  });

  it('builds one target, then the rest, and then has nothing to do', async () => {
    const index = await build('hello_index');
    expect(index.rows.map(({ label, platforms }) => ({ label, platforms }))).toEqual([
      { label: 'hello_index', platforms: ['linux/amd64', 'linux/arm64'] },
    ]);
    expect(
      announced(index.run)
        .filter((line) => line.startsWith('Compiling'))
        .sort(),
    ).toEqual(['Compiling ./apps/hello for linux/amd64', 'Compiling ./apps/hello for linux/arm64']);
    expect(existsSync(join(user.root, 'ocidsl-out/hello_bin'))).toBe(false);

    const all = await build();
    expect(all.rows.map(({ label }) => label)).toEqual(NAMES);
    expect(all.rows.find(({ label }) => label === 'hello_index')!.digest).toBe(index.rows[0]!.digest);
    expect(all.run.stderr).not.toContain('Compiling');

    const again = await build();
    expect(again.rows).toEqual(all.rows);
    expect(again.run.stderr).toBe('8 targets up to date, no action was run\n');
  });
});

describe.skipIf(CANNOT_RUN)('running (needs go, podman without a service, runc and root)', () => {
  it('load puts the image for this machine into podman, and podman runs it', async () => {
    const { code, stdout } = await ocidsl('load', 'hello', ...ENGINE);
    expect(code).toBe(0);
    expect(stdout).toMatch(/hello:latest\tsha256:[0-9a-f]{64}\n$/);
    const [image] = JSON.parse(await podman.command('image', 'inspect', 'hello:latest')) as [{ Os: string; Architecture: string }];
    expect(`${image.Os}/${image.Architecture}`).toBe(`linux/${HERE}`);
    expect(await podman.command('run', '--rm', 'hello:latest')).toMatch(THREE_LINES);
  });

  it('run passes arguments and the exit code through', async () => {
    expect(await ocidsl('run', ...ENGINE, 'hello')).toMatchObject({ code: 0, stdout: expect.stringMatching(THREE_LINES) });
    const failing = await ocidsl('run', ...ENGINE, 'hello', '--', '3', '--flag', 'two words');
    expect(failing.code).toBe(3);
    expect(failing.stdout).toMatch(new RegExp(`\nlinux\n${HERE} \\[3 --flag two words\\]\n$`));
  });

  it('run passes signals through', async () => {
    const child = spawn(user.binary, ['run', ...ENGINE, 'hello', '--', 'wait'], {
      cwd: user.root,
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += String(chunk)));
    try {
      await until('the program waits', () => stdout.includes('waiting\n'), 60_000);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toBe(7);
    expect(stdout).toBe('waiting\ngot terminated\n');
  });
});

describe.skipIf(CANNOT_PUSH)('pushing (needs go and docker-registry)', () => {
  const changes = () => proxy!.requests.filter((request) => !/^(GET|HEAD) /.test(request));
  let reference = '';

  it('push sends the index of both platforms, its tag after everything else', async () => {
    const [index] = (await build('hello_index')).rows;
    const { code, stdout } = await ocidsl('push', 'hello');
    expect(code).toBe(0);
    reference = `${proxy!.host}/acme/hello@${index!.digest}`;
    expect(stdout).toBe(`${reference}\n`);

    const manifests = changes().filter((request) => request.includes('/manifests/'));
    expect(manifests).toHaveLength(4); // two images, the index by digest, the tag
    expect(manifests[2]).toBe(`PUT /v2/acme/hello/manifests/${index!.digest}`);
    expect(manifests.filter((request) => !request.includes('/manifests/sha256:'))).toEqual(['PUT /v2/acme/hello/manifests/latest']);
    expect(changes().slice(-2)).toEqual(manifests.slice(-2)); // nothing between the index, when all is there, and the tag
  });

  it('a second push uploads nothing', async () => {
    proxy!.requests.length = 0;
    expect(await ocidsl('push', 'hello')).toMatchObject({ code: 0, stdout: `${reference}\n` });
    expect(proxy!.requests).not.toEqual([]);
    expect(changes()).toEqual([]);
  });

  it.skipIf(!has('skopeo'))('skopeo copies it, both platforms, by tag (needs skopeo)', async () => {
    const copy = join(user.folder, 'copied');
    const from = ['--src-tls-verify=false', `docker://${proxy!.host}/acme/hello:latest`];
    const { code, stderr } = await runProgram('skopeo', ['copy', '--all', '--preserve-digests', ...from, `oci:${copy}:latest`], {
      env: environment(),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const index = JSON.parse(readFileSync(join(copy, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
    expect(reference).toContain(index.manifests[0]!.digest);
  });

  it.skipIf(CANNOT_RUN).each(['amd64', 'arm64'] as const)(
    'podman pulls the image for %s (needs podman, runc and root)',
    async (architecture) => {
      await podman.command('pull', '--quiet', '--tls-verify=false', '--arch', architecture, reference);
      const [image] = JSON.parse(await podman.command('image', 'inspect', reference)) as [{ Architecture: string }];
      expect(image.Architecture).toBe(architecture);
    },
  );

  it.skipIf(CANNOT_RUN || !canEmulate('arm64'))('the arm64 image runs (needs podman, runc, root, and qemu in binfmt_misc)', async () => {
    const run = ['run', '--rm', '--quiet', '--tls-verify=false', '--arch', 'arm64', reference];
    expect(await podman.command(...run)).toMatch(THREE_LINES);
    expect(await podman.command(...run, '0')).toMatch(/\nlinux\narm64 \[0\]\n$/);
  });
});
