// What the tests with the real Go share: trees on disk, a module proxy made of files, discoveries and builds.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll } from 'vitest';
import type { Json } from '../../../lib/base/json.ts';
import { encodeGoBuildSpec, type GoBuildSpec } from '../../../lib/go/go-build-spec.ts';
import type { GoPackagesArguments, GoPackagesFacts } from '../../../lib/go/go-packages.ts';
import { goPlatform, type GoTarget } from '../../../lib/go/go-platform.ts';
import type { Discovered } from '../../../lib/plan/discovery.ts';
import { createGoPackagesDiscoverer } from '../../../lib/tools/discover-go-packages.ts';
import type { Discoverer, DiscoveryIo } from '../../../lib/plan/discoverer.ts';
import { goBuildTool } from '../../../lib/tools/go-build.ts';
import { MemoryInputs, MemoryOutputs } from './memory-tool.ts';

/** The discoverer, for workspaces that declare no Go. */
export const goPackagesDiscoverer: Discoverer = createGoPackagesDiscoverer(async () => {
  throw new Error('No Go is declared here');
});

/** Whether the tests have a Go to run. */
export const hasGo = (() => {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const folders: string[] = [];
afterAll(() => {
  // The module cache is read-only.
  for (const folder of folders.splice(0)) {
    execFileSync('chmod', ['-R', 'u+w', folder]);
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A new folder with these files, removed after the tests. */
export function tree(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ocidsl-go-test-')));
  folders.push(folder);
  write(folder, files);
  return folder;
}

/** Writes files into a folder. */
export function write(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** A module with a program, a library that it uses and one that it does not. */
export const HELLO: Readonly<Record<string, string>> = {
  'go.mod': 'module example.com/m\n\ngo 1.21\n',
  'cmd/hello/main.go': 'package main\n\nimport "example.com/m/greet"\n\nfunc main() { println(greet.Text()) }\n',
  'greet/greet.go': 'package greet\n\nfunc Text() string { return "hello" }\n',
  'unused/unused.go': 'package unused\n',
};

/** Environment for `go` in tests: the caches of this machine, nothing else. */
export const GO_ENVIRONMENT: Readonly<Record<string, string | undefined>> = {
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  GOCACHE: process.env['GOCACHE'],
  GOMODCACHE: process.env['GOMODCACHE'],
};

export interface GoOptions extends Partial<Omit<GoPackagesArguments, 'environment'>> {
  readonly platform?: GoTarget;
  readonly cgo?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** The environment of the discoverer. */
  readonly io?: Readonly<Record<string, string | undefined>>;
}

function goArguments({ platform, cgo, env, io: _, ...rest }: GoOptions): GoPackagesArguments {
  return {
    module: '',
    package: './cmd/hello',
    tags: [],
    race: false,
    environment: { ...goPlatform(platform ?? { os: 'linux', architecture: 'amd64' }), CGO_ENABLED: cgo ? '1' : '0', ...env },
    ...rest,
  };
}

/** What a discoverer gets. */
export function discoveryIo(workspaceRoot: string, environment: DiscoveryIo['environment'] = GO_ENVIRONMENT): DiscoveryIo {
  return { workspaceRoot, environment, signal: new AbortController().signal };
}

/** Runs the discovery. */
export async function discoverGo(root: string, options: GoOptions = {}): Promise<Discovered> {
  return await goPackagesDiscoverer.run(
    goArguments(options) satisfies { readonly [key: string]: Json },
    discoveryIo(root, { ...GO_ENVIRONMENT, ...options.io }),
  );
}

/** The facts of a discovery. */
export function factsOf(found: Discovered): GoPackagesFacts {
  return found.facts as GoPackagesFacts;
}

/** Discovers and builds; the binary and what was printed. */
export async function buildGo(root: string, options: GoOptions & { readonly spec?: Partial<GoBuildSpec>; readonly local?: Json } = {}) {
  const { spec: more, local, ...rest } = options;
  const facts = factsOf(await discoverGo(root, rest));
  const { environment, tags, race } = goArguments(rest);
  const spec: GoBuildSpec = {
    package: facts.importPath,
    goVersion: facts.goVersion,
    environment,
    tags,
    race,
    ldflags: [],
    gcflags: [],
    xDefs: {},
    buildmode: 'exe',
    strip: true,
    output: 'hello',
    ...more,
  };
  const outputs = new MemoryOutputs();
  const lines: string[] = [];
  await goBuildTool.run({
    args: ['go-build.json'],
    inputs: new MemoryInputs({ 'go-build.json': encodeGoBuildSpec(spec) }),
    outputs,
    signal: new AbortController().signal,
    local: local === undefined ? facts.local : local,
    print: (line) => void lines.push(line),
  });
  return { binary: outputs.get('hello'), lines };
}

/** What an expected failure carries. */
export async function failureOf(promise: Promise<unknown>) {
  try {
    await promise;
  } catch (error) {
    return error as { code: string; kind: string; message: string; hint?: string; output?: string; cause?: unknown };
  }
  throw new Error('it did not fail');
}

/** A module proxy on disk with one module, and the variables that make Go use it. */
export function moduleProxy(
  modulePath: string,
  version: string,
  files: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const base = `${modulePath}/@v`;
  const proxy = tree({
    [`${base}/list`]: `${version}\n`,
    [`${base}/${version}.info`]: JSON.stringify({ Version: version, Time: '2024-01-01T00:00:00Z' }),
    [`${base}/${version}.mod`]: files['go.mod'] ?? '',
    [`${base}/${version}.zip`]: storedZip(
      Object.entries(files).map(([path, content]) => [`${modulePath}@${version}/${path}`, Buffer.from(content)]),
    ),
  });
  return { GOPROXY: `file://${proxy}`, GOSUMDB: 'off', GOFLAGS: '', GOTOOLCHAIN: 'local', GOMODCACHE: tree() };
}

// A zip without compression: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
function storedZip(entries: readonly (readonly [string, Buffer])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of entries) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, Buffer.from(name), content]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\u0001\u0002\u0014\0'), common, tail, Buffer.from(name));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

/** Runs go as a user would. */
export function go(folder: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  return execFileSync('go', args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, GOFLAGS: '', GOTOOLCHAIN: 'local', ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
