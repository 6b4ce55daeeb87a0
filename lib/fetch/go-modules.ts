// Fetches the modules of a Go module into the module cache, with the user's own settings: proxy, private modules, netrc, git.
// What arrives is checked against go.sum by Go; go.mod and go.sum are never changed.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { OcidslError, type ErrorKind } from '../base/errors.ts';
import { runProcess } from '../base/run-process.ts';
import { formatModFile, isLocalFolder, readModFile, type ModDirective } from '../go/mod-file.ts';

/** What to fetch, and with what. */
export interface GoModulesOptions {
  /** Absolute path of the folder of the go.mod. */
  readonly moduleDirectory: string;
  /** The user's whole environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the `go` command. */
  readonly goBinary: string;
  readonly signal: AbortSignal;
}

/**
 * Downloads every module that the go.mod, or the go.work above it, requires.
 * @throws OCIDSL_GO_MODULES_INTEGRITY, OCIDSL_GO_MODULES_DOWNLOAD (network, credentials or config), OCIDSL_GO_VERSION
 */
export async function downloadGoModules(options: GoModulesOptions): Promise<void> {
  const { moduleDirectory, goBinary, signal } = options;
  // GOROOT is of another Go than the declared one, if it is set at all.
  const environment = { ...options.environment, PWD: moduleDirectory, GOTOOLCHAIN: 'local', GOROOT: undefined };
  const run = async (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    await runProcess({ argv: [goBinary, ...args], cwd: moduleDirectory, environment: { ...environment, ...more }, signal });

  const where = await run(['env', 'GOWORK']);
  if (where.exitCode !== 0) throw downloadError(where.stderr.toString('utf8'), moduleDirectory);
  const work = where.stdout.toString('utf8').trim();
  // `go mod download` adds what go.sum lacks. It works on copies, so that only the user's own commands change the originals.
  const copies = await mkdtemp(join(options.environment['TMPDIR'] || '/tmp', 'ocidsl-go-mod-'));
  try {
    const usesWork = work !== '' && work !== 'off';
    const { exitCode, stderr } = usesWork
      ? await run(['mod', 'download'], { GOWORK: await copyWork(work, copies) })
      : await run(['mod', 'download', `-modfile=${await copyMod(moduleDirectory, copies)}`]);
    if (exitCode !== 0) throw downloadError(stderr.toString('utf8'), moduleDirectory);
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
}

// Go resolves relative replacements of a -modfile from the module's folder, so the text stays as it is.
async function copyMod(folder: string, copies: string): Promise<string> {
  await copyFile(join(folder, 'go.mod'), join(copies, 'go.mod'));
  await copyIfPresent(join(folder, 'go.sum'), join(copies, 'go.sum'));
  return join(copies, 'go.mod');
}

// A go.work counts from its own folder, so paths in the copy are absolute.
async function copyWork(path: string, copies: string): Promise<string> {
  const folder = dirname(path);
  const absolute = ({ verb, words }: ModDirective): ModDirective => {
    const at = verb === 'use' ? 0 : verb === 'replace' ? words.indexOf('=>') + 1 : -1;
    return {
      verb,
      words: words.map((word, index) => (index === at && (verb === 'use' || isLocalFolder(word)) ? resolve(folder, word) : word)),
    };
  };
  await writeFile(join(copies, 'go.work'), formatModFile(readModFile(await readFile(path, 'utf8')).map(absolute)));
  await copyIfPresent(join(folder, 'go.work.sum'), join(copies, 'go.work.sum'));
  return join(copies, 'go.work');
}

async function copyIfPresent(from: string, to: string): Promise<void> {
  await copyFile(from, to).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
}

interface Cause {
  readonly pattern: RegExp;
  readonly code: `OCIDSL_${string}`;
  readonly kind: ErrorKind;
  readonly is: string;
  readonly hint: string;
}

const CAUSES: readonly Cause[] = [
  {
    pattern: /checksum mismatch|SECURITY ERROR/,
    code: 'OCIDSL_GO_MODULES_INTEGRITY',
    kind: 'integrity',
    is: 'a module is not what go.sum or the checksum database says',
    hint: 'Find out who changed the module before you change go.sum',
  },
  {
    pattern: /requires go >= ?\S+ \(running go/,
    code: 'OCIDSL_GO_VERSION',
    kind: 'environment',
    is: 'a newer Go is required than the one that is installed',
    hint: 'Install the Go that is named below from https://go.dev/dl/',
  },
  {
    pattern: /\b401\b|terminal prompts disabled|could not read (?:Username|Password)|Permission denied \(publickey|Authentication failed/,
    code: 'OCIDSL_GO_MODULES_DOWNLOAD',
    kind: 'credentials',
    is: 'the server asks for credentials',
    hint: 'Set GOPRIVATE for private modules and give Go access with netrc, GOAUTH or git credentials',
  },
  {
    pattern: /module lookup disabled by GOPROXY=off/,
    code: 'OCIDSL_GO_MODULES_DOWNLOAD',
    kind: 'network',
    is: 'GOPROXY=off forbids it',
    hint: 'Run go mod download where the network is allowed',
  },
  {
    pattern: /unknown revision|no matching versions|404 Not Found|410 Gone|invalid version|errors? parsing|malformed module path/,
    code: 'OCIDSL_GO_MODULES_DOWNLOAD',
    kind: 'config',
    is: 'a module or version does not exist',
    hint: 'Correct the requirement in go.mod',
  },
];

const OTHER = {
  code: 'OCIDSL_GO_MODULES_DOWNLOAD',
  kind: 'network',
  is: 'the download failed',
  hint: 'Check the network and GOPROXY',
} as const;

function downloadError(stderr: string, moduleDirectory: string): OcidslError {
  // Settings such as GOPROXY may carry a password.
  const output = stderr.trimEnd().replace(/\/\/[^/\s@"]+@/g, '//***@');
  const { code, kind, is, hint } = CAUSES.find(({ pattern }) => pattern.test(output)) ?? OTHER;
  return new OcidslError({
    code,
    kind,
    message: `Cannot download the Go modules of "${moduleDirectory}": ${is}, expected the modules that go.mod requires`,
    hint,
    output: output || undefined,
  });
}
