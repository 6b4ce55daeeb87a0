// The rig of the end-to-end tests: a workspace in a folder of its own, and the command line run in it as a user would.
// Cache, home and temporary folder belong to the workspace; only Go's own caches are the machine's, to save compile time.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { filesBelow, has, removeFolder } from './machine.ts';

export { has, until } from './machine.ts';

/** The executable of this checkout. */
export const CHECKOUT_BINARY: string = join(import.meta.dirname, '../../bin/ocidsl.js');

/** Files by path: their text or bytes. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** How one run of the command line ended. */
export interface Run {
  /** Exit code; 128 + signal number where a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run gets beside its arguments. */
export interface RunOptions {
  /** Added to the environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Relative to the workspace. Default: its root. */
  readonly cwd?: string;
  /** Program and arguments to put before `node ocidsl …`, such as `strace`. */
  readonly under?: readonly string[];
  /** Killed after this time, with its process group. Default 120,000. */
  readonly timeoutMs?: number;
}

/** A run that is going on. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Run>;
}

/** What a `--json` build prints for each result. */
export interface ResultRow {
  readonly label: string;
  readonly kind: string;
  readonly digest: string;
  readonly path?: string;
  readonly platforms?: readonly string[];
}

/** Where a workspace lies and what runs in it. */
export interface WorkspaceOptions {
  /** The executable. Default: the one of this checkout. */
  readonly binary?: string;
  /** The cache folder, to share one between workspaces. Default: one of its own. */
  readonly cache?: string;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGTERM: 15 };

/** A workspace of its own. Whoever makes one removes it; `workspace()` does both for a test. */
export class Workspace {
  /** Everything below is in here. */
  readonly folder: string;
  /** The workspace's root. */
  readonly root: string;
  readonly home: string;
  readonly cache: string;
  /** TMPDIR of all runs. */
  readonly temporary: string;
  readonly #binary: string;

  constructor(files: Files, options: WorkspaceOptions = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'ocidsl-e2e-'));
    this.root = join(this.folder, 'ws');
    this.home = join(this.folder, 'home');
    this.cache = options.cache ?? join(this.folder, 'cache');
    this.temporary = join(this.folder, 'tmp');
    this.#binary = options.binary ?? CHECKOUT_BINARY;
    for (const folder of [this.root, this.home, this.temporary]) mkdirSync(folder);
    this.write({ 'ocidsl.lock.json': '{}\n', ...files });
  }

  remove(): void {
    removeFolder(this.folder);
  }

  /** Absolute path of a file of the workspace. */
  path(...segments: string[]): string {
    return join(this.root, ...segments);
  }

  /** Writes files, with the folders above them. */
  write(files: Files): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(this.path(path)), { recursive: true });
      writeFileSync(this.path(path), content);
    }
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  /** `build.config.ts:LINE` of the first line with `marker`, as errors show it. */
  at(marker: string, file = 'build.config.ts'): string {
    const line = this.read(file)
      .split('\n')
      .findIndex((each) => each.includes(marker));
    if (line < 0) throw new Error(`${file} has no line with ${JSON.stringify(marker)}`);
    return `${file}:${line + 1}`;
  }

  /** Starts `ocidsl ARGS`. */
  start(args: readonly string[], options: RunOptions = {}): Running {
    const [program = process.execPath, ...before] = options.under ?? [];
    const node = options.under === undefined ? [] : [process.execPath];
    const child = spawn(program, [...before, ...node, this.#binary, ...args], {
      cwd: join(this.root, options.cwd ?? '.'),
      env: defined({ ...this.environment(), ...options.env }),
      detached: true, // a group of its own, so that a run which hangs is ended with all that it started
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { child, ended: endOf(child, options.timeoutMs ?? 120_000) };
  }

  /** Runs `ocidsl ARGS` to its end. */
  async ocidsl(args: readonly string[], options: RunOptions = {}): Promise<Run> {
    return await this.start(args, options).ended;
  }

  /** Runs a build that must succeed; returns its results. */
  async build(args: readonly string[] = [], options: RunOptions = {}): Promise<ResultRow[]> {
    return (await this.buildVerbosely(args, options)).rows;
  }

  /** The same, with the lines of stderr. */
  async buildVerbosely(args: readonly string[] = [], options: RunOptions = {}): Promise<{ rows: ResultRow[]; run: Run }> {
    const run = await this.ocidsl(['build', '--json', ...args], options);
    expect(run.stderr + (run.code === 0 ? '' : `\nexit code ${run.code}`)).not.toContain('\nexit code');
    return { rows: JSON.parse(run.stdout) as ResultRow[], run };
  }

  /** What every run's environment is made of. */
  environment(): Record<string, string | undefined> {
    return {
      PATH: process.env['PATH'],
      HOME: this.home,
      TMPDIR: this.temporary,
      XDG_CACHE_HOME: this.cache,
      LANG: 'C.UTF-8',
      ...goEnvironment(),
    };
  }

  /** Temporary files and locks that a run left behind, relative to the workspace's folder. */
  leftovers(): string[] {
    const isTemporary = (path: string) => /(^|\/)\.ocidsl-|\/v1\/tmp\/|\.tmp$|^tmp\/ocidsl-|^tmp\/go-/.test(path);
    return [...filesBelow(this.folder), ...(this.cache.startsWith(this.folder) ? [] : filesBelow(this.cache))]
      .map((path) => relative(this.folder, path))
      .filter(isTemporary);
  }

  /** Nothing half-written anywhere, and no output at all unless `outputs` says so. */
  expectClean(outputs: 'no outputs' | 'outputs' = 'no outputs'): void {
    expect(this.leftovers()).toEqual([]);
    if (outputs === 'no outputs') expect(existsSync(this.path('ocidsl-out')) ? filesBelow(this.path('ocidsl-out')) : []).toEqual([]);
  }
}

/** A new workspace with these files, removed when the test has ended. */
export function workspace(files: Files, options: WorkspaceOptions = {}): Workspace {
  const made = new Workspace(files, options);
  onTestFinished(() => made.remove());
  return made;
}

/** The messages of a failed run: one text each, without the excerpts of the config that are shown below a place. */
export function messages(run: Run): string[] {
  const start = run.stderr.indexOf('error: ');
  if (start < 0) return [];
  return run.stderr
    .slice(start)
    .split(/\n\n(?=error: )/)
    .map((message) => message.replaceAll(/^ {6}.*\n?/gm, ''));
}

/** The digest of each result by label. */
export function digests(rows: readonly ResultRow[]): Record<string, string> {
  return Object.fromEntries(rows.map(({ label, path, digest }) => [path === undefined ? label : `${label} ${path}`, digest]));
}

/** The actions that a build ran, as the lines that announce them. */
export function announced(run: Run): string[] {
  return run.stderr.split('\n').filter((line) => /^(Compiling|Packing|Making|Running|Repacking|Building) /.test(line));
}

function defined(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

async function endOf(child: ChildProcess, timeoutMs: number): Promise<Run> {
  return await new Promise<Run>((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout!.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr!.on('data', (chunk: Buffer) => stderr.push(chunk));
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
    const timer = setTimeout(() => {
      process.kill(-child.pid!, 'SIGKILL');
      reject(new Error(`ocidsl did not end within ${timeoutMs} ms; it printed:\n${text(stdout)}${text(stderr)}`));
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0), stdout: text(stdout), stderr: text(stderr) });
    });
  });
}

let go: Record<string, string> | undefined;

/** Where the machine's Go keeps its caches and gets its modules: what `go env` says before HOME is another one. */
export function goEnvironment(): Record<string, string> {
  if (go !== undefined) return go;
  const names = ['GOCACHE', 'GOMODCACHE', 'GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GOPRIVATE'];
  if (!has('go')) return (go = {});
  const values = JSON.parse(execFileSync('go', ['env', '-json', ...names], { encoding: 'utf8' })) as Record<string, string>;
  return (go = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')));
}
