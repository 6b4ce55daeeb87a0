// Looks at the Go that a build uses, the first `go` on PATH or a declared one: its version, and the folders that it keeps its caches in.
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { runProcess } from '../base/run-process.ts';
import type { InstalledGo } from '../go/go-toolchain.ts';
import type { DiscoveryIo } from '../plan/discoverer.ts';

/** Variables that say where Go and its caches are. GOFLAGS and the like are not among them: targets say what they want. */
export const GO_TOOLCHAIN_ENVIRONMENT: readonly string[] = [
  'PATH',
  'HOME',
  'TMPDIR',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'GOENV',
  'GOPATH',
  'GOMODCACHE',
  'GOCACHE',
];

/** An installed Go. Paths are absolute. */
export interface GoToolchain {
  readonly goBinary: string;
  /** `go1.26.8`. */
  readonly version: string;
  readonly goRoot: string;
  readonly goPath: string;
  readonly goModCache: string;
  readonly goCache: string;
  /** What was looked at: the command, GOROOT/VERSION, the user's `go env` file, and where PATH has a `go` missing before it. */
  readonly watched: readonly string[];
}

/**
 * The Go that PATH finds.
 * @param wantedVersion for the hint where there is none: what the module asks for
 * @throws OCIDSL_GO_MISSING, OCIDSL_GO_BROKEN, OCIDSL_GO_CACHE
 */
export async function findGoToolchain(io: GoIo, wantedVersion: string | undefined): Promise<GoToolchain> {
  const { goBinary, watched } = findGoBinary(io.environment['PATH'] ?? '', wantedVersion);
  return await lookAtGo(goBinary, watched, io);
}

/**
 * A declared Go.
 * @throws OCIDSL_GO_BROKEN, OCIDSL_GO_CACHE
 */
export async function declaredGoToolchain({ goRoot, goBinary }: InstalledGo, io: GoIo): Promise<GoToolchain> {
  return await lookAtGo(goBinary, [goRoot, goBinary], io);
}

type GoIo = Pick<DiscoveryIo, 'environment' | 'signal'>;

async function lookAtGo(goBinary: string, watched: readonly string[], io: GoIo): Promise<GoToolchain> {
  // `go env` and not `go version`: it also knows what the user set with `go env -w`. In the command's own folder, because a
  // go.mod or go.work could ask for another toolchain.
  const cwd = dirname(goBinary);
  const environment = { ...io.environment, PWD: cwd, GOTOOLCHAIN: 'local', GOFLAGS: '', GOWORK: 'off', GO111MODULE: 'on' };
  const { exitCode, stdout, stderr } = await runProcess({
    argv: [goBinary, 'env', '-json', 'GOVERSION', 'GOROOT', 'GOPATH', 'GOMODCACHE', 'GOCACHE', 'GOENV'],
    cwd,
    environment,
    signal: io.signal,
    timeoutMs: 60_000,
  });
  const values = exitCode === 0 ? parseEnvironment(stdout.toString('utf8')) : undefined;
  const version = values?.['GOVERSION'] ?? '';
  const goRoot = values?.['GOROOT'] ?? '';
  if (values === undefined || version === '' || goRoot === '') {
    throw new OcidslError({
      code: 'OCIDSL_GO_BROKEN',
      kind: 'environment',
      message: `Cannot use Go "${printable(goBinary)}": go env ended with exit code ${exitCode} and without a version, expected a working Go 1.21 or newer`,
      output: stderr.toString('utf8').trimEnd() || undefined,
    });
  }
  const goCache = values['GOCACHE'] ?? '';
  const goModCache = values['GOMODCACHE'] ?? '';
  if (!isAbsolute(goCache) || !isAbsolute(goModCache)) {
    throw new OcidslError({
      code: 'OCIDSL_GO_CACHE',
      kind: 'environment',
      message: `Cannot use Go "${printable(goBinary)}": it has no folder for its caches (GOCACHE "${printable(goCache)}", GOMODCACHE "${printable(goModCache)}"), expected absolute paths`,
      hint: 'Set HOME, or GOCACHE and GOMODCACHE',
    });
  }
  const goEnv = values['GOENV'] ?? '';
  return {
    goBinary,
    version,
    goRoot,
    goPath: values['GOPATH'] ?? '',
    goModCache,
    goCache,
    watched: [...watched, join(goRoot, 'VERSION'), ...(isAbsolute(goEnv) ? [goEnv] : [])],
  };
}

// Relative entries of PATH are left out, as Go itself does.
function findGoBinary(path: string, wantedVersion: string | undefined): { goBinary: string; watched: string[] } {
  const watched: string[] = [];
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const candidate = join(folder, process.platform === 'win32' ? 'go.exe' : 'go');
    watched.push(candidate);
    if (!isProgram(candidate)) continue;
    const real = realpathSync(candidate);
    if (real !== candidate) watched.push(real);
    return { goBinary: candidate, watched };
  }
  throw new OcidslError({
    code: 'OCIDSL_GO_MISSING',
    kind: 'environment',
    message: `Cannot find Go: no folder of PATH has a program "go" and the workspace declares none, expected one of the two`,
    hint: `Add goToolchain({ name: 'go', version: '${wantedVersion ?? '…'}' }) to the root build.config.ts, or install Go from https://go.dev/dl/`,
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function parseEnvironment(text: string): Readonly<Record<string, string>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, string>>;
  } catch {
    return undefined;
  }
}
