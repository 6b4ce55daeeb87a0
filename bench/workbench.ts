// Where the benchmark works: a temporary folder with a home and caches of its own, the environment of everything that is
// measured, and the tools of the peers.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subject } from './row.ts';

const ROOT = join(import.meta.dirname, '..');

/** Folder of tools that set-up installs, by `go install`. */
export const TOOLS_BIN: string = join(ROOT, '.test-tools/bin');

// NODE_EXTRA_CA_CERTS alone triples the start of Node.
const LEFT_OUT = /^(?:NODE_|npm_|OCIDSL_|SOURCE_DATE_EPOCH$|XDG_|TURBO_|KO_|GOFLAGS$|FORCE_COLOR$)/;

/** Settings of one run of our command line. */
export interface OurRun {
  readonly cwd: string;
  /** Folder of the content cache. Default: one for the workbench. */
  readonly cache?: string;
}

/** A workbench; whoever makes one closes it. */
export class Workbench {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'ocidsl-bench-'));
  readonly environment: NodeJS.ProcessEnv;
  /** Scratch for outputs of peers that are made anew in each sample. */
  readonly scratch: string = join(this.folder, 'scratch');

  constructor() {
    const home = this.path('home');
    for (const folder of [home, this.scratch]) mkdirSync(folder);
    const go = goEnvironment();
    this.environment = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !LEFT_OUT.test(name))),
      PATH: `${TOOLS_BIN}:${process.env['PATH'] ?? ''}`,
      HOME: home,
      XDG_CACHE_HOME: this.path('cache'),
      // Compiling the standard library anew would take minutes, and is no part of any row.
      ...go,
    };
  }

  /** A path below the workbench's folder. */
  path(...segments: string[]): string {
    return join(this.folder, ...segments);
  }

  /** A new folder below the workbench's. */
  newFolder(...segments: string[]): string {
    const folder = this.path(...segments);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** `ocidsl ARGS` as Node runs it. */
  ours(args: readonly string[], { cwd, cache = this.path('cache/ocidsl') }: OurRun): Subject {
    return { name: 'ocidsl', argv: [process.execPath, join(ROOT, 'bin/ocidsl.js'), ...args, '--cache-dir', cache], cwd };
  }

  /** Runs something that is not measured, in the environment of what is. */
  run(argv: readonly string[], cwd: string, environment: Readonly<Record<string, string>> = {}): string {
    const [program, ...args] = argv;
    return execFileSync(program!, args, {
      cwd,
      env: { ...this.environment, ...environment },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      // What it prints is shown only in the error of a run that failed.
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function goEnvironment(): Record<string, string> {
  const names = ['GOCACHE', 'GOMODCACHE', 'GOPATH', 'GOPROXY', 'GOSUMDB'];
  return JSON.parse(execFileSync('go', ['env', '-json', ...names], { encoding: 'utf8' })) as Record<string, string>;
}
