// The discoverer `go-packages`: exactly the files that a Go build reads, as `go list -deps` names them. Source files of the
// user are listed; modules of the module cache are immutable and stand in go.sum; the standard library is the toolchain's version.
import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compareUtf8, sortedUtf8 } from '../base/bytes.ts';
import { OcidslError } from '../base/errors.ts';
import { canonicalJson, type Json } from '../base/json.ts';
import { printable } from '../base/printable.ts';
import { goPackageProblem } from '../go/go-attributes.ts';
import type { GoLocal } from '../go/go-local.ts';
import { GO_PACKAGES_DISCOVERER, type GoPackagesArguments, type GoPackagesFacts } from '../go/go-packages.ts';
import type { GoToolchainRequest, InstalledGo } from '../go/go-toolchain.ts';
import { wantedGoVersion } from '../go/go-version.ts';
import { importFingerprint } from '../go/import-fingerprint.ts';
import { readModFile } from '../go/mod-file.ts';
import type { Discovered, DiscoveredFile } from '../plan/discovery.ts';
import { declaredGoToolchain, findGoToolchain, GO_TOOLCHAIN_ENVIRONMENT, type GoToolchain } from './discover-go-toolchain.ts';
import type { Discoverer, DiscoveryIo } from '../plan/discoverer.ts';
import { goList } from './go-list.ts';
import { findLocalModules } from './go-local-modules.ts';
import { goPackageFiles, type GoPackageFiles } from './go-package-files.ts';
import { workspacePath } from './workspace-path.ts';

/** Brings a declared Go to this machine where it is not there yet. */
export type InstallGo = (request: GoToolchainRequest, signal: AbortSignal) => Promise<InstalledGo>;

// File systems stamp changes with the clock of the last tick, which lags by up to 10 ms.
const TICK_MS = 20;
const ATTEMPTS = 4;

/** Arguments: GoPackagesArguments; facts: GoPackagesFacts. */
export function createGoPackagesDiscoverer(install: InstallGo): Discoverer {
  // Two platforms are discovered at once: one look at the toolchain serves both.
  const toolchains = new Map<string, Promise<GoToolchain>>();
  const toolchainOf = async ({ toolchain, module }: GoPackagesArguments, io: DiscoveryIo): Promise<GoToolchain> => {
    const key = canonicalJson([toolchain ?? null, ...GO_TOOLCHAIN_ENVIRONMENT.map((name) => io.environment[name] ?? null)]);
    let running = toolchains.get(key);
    if (running === undefined) {
      const find = async () =>
        toolchain === undefined
          ? await findGoToolchain(io, wantedVersion(resolve(io.workspaceRoot, module)))
          : await declaredGoToolchain(await install(toolchain, io.signal), io);
      running = find().finally(() => toolchains.delete(key));
      toolchains.set(key, running);
    }
    return await running;
  };
  return {
    name: GO_PACKAGES_DISCOVERER,
    version: '1',
    environment: GO_TOOLCHAIN_ENVIRONMENT,
    run: async (args, io) => {
      const wanted = readArguments(args);
      return await discover(wanted, io, await toolchainOf(wanted, io));
    },
    stillValid: async (previous, changedPaths, io) => (importsUnchanged(previous, changedPaths, io) ? previous : undefined),
  };
}

async function discover(args: GoPackagesArguments, io: DiscoveryIo, toolchain: GoToolchain): Promise<Discovered> {
  const { workspaceRoot, environment } = io;
  const cwd = resolve(workspaceRoot, args.module);
  if (lstatSync(cwd, { throwIfNoEntry: false }) === undefined) {
    throw new OcidslError({
      code: 'OCIDSL_GO_MODULE',
      message: `Cannot build Go in folder "${printable(args.module)}": it does not exist, expected the folder of a module`,
    });
  }
  const { goBinary, goCache, goModCache, goPath } = toolchain;
  let before: Look | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const startMs = Date.now();
    const modules = findLocalModules(cwd, args.environment['GOWORK'] !== 'off');
    const local: GoLocal = {
      goBinary,
      moduleRoot: modules.moduleRoot,
      workspaceRoot,
      goCache,
      goModCache,
      goPath,
      home: environment['HOME'] ?? '',
      temporary: environment['TMPDIR'] || '/tmp',
      path: environment['PATH'] ?? '',
    };
    const packages = await goList(args, local, cwd, io.signal);
    const found = goPackageFiles(packages, modules, goModCache);
    const look = lookAt(found);
    // What changed while go looked may have been seen as it was before: then look again, until nothing moves.
    if (look.latestMs < startMs - TICK_MS || look.state === before?.state) {
      const place = (path: string) => workspacePath(workspaceRoot, path);
      const facts = {
        importPath: packages.at(-1)!.ImportPath,
        goVersion: toolchain.version,
        modules: found.modules,
        fingerprints: look.fingerprints,
        local,
      } satisfies GoPackagesFacts;
      return {
        files: look.files.map((file) => ({ ...file, path: place(file.path) })).sort((a, b) => compareUtf8(a.name, b.name)),
        watched: sortedUtf8(new Set([...found.watched, ...look.links, ...toolchain.watched].map(place))),
        facts: facts satisfies Json,
      };
    }
    before = look;
  }
  throw new OcidslError({
    code: 'OCIDSL_INPUT_CHANGED',
    kind: 'build',
    message: `Cannot list the imports of Go package "${printable(args.package)}": its files keep changing, expected them to stay as they are for a moment`,
    hint: 'Find out which program writes them, and build when it is done',
  });
}

// Only for a hint, so whatever is wrong with the module is not said here.
function wantedVersion(folder: string): string | undefined {
  try {
    return wantedGoVersion(readModFile(readFileSync(join(findLocalModules(folder, false).moduleRoot, 'go.mod'), 'utf8')));
  } catch {
    return undefined;
  }
}

interface Look {
  readonly files: readonly DiscoveredFile[];
  readonly fingerprints: Readonly<Record<string, string>>;
  /** Symbolic links among the files, which stand in `files` by what they point to. */
  readonly links: readonly string[];
  /** The latest change of anything that go may have looked at. */
  readonly latestMs: number;
  /** Equal for equal states of all of it. */
  readonly state: string;
}

function lookAt(found: GoPackageFiles): Look {
  const files: DiscoveredFile[] = [];
  const fingerprints: Record<string, string> = {};
  const links: string[] = [];
  const states: string[] = [];
  let latestMs = 0;
  const stat = (path: string) => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    states.push(stats === undefined ? path : `${path}\0${stats.ino}\0${stats.size}\0${stats.mtimeMs}\0${stats.ctimeMs}`);
    latestMs = Math.max(latestMs, stats?.ctimeMs ?? 0);
    return stats;
  };
  for (const { name, path, read } of found.files) {
    let real = path;
    if (stat(path)?.isSymbolicLink()) {
      links.push(path);
      real = realpathSync(path);
      stat(real);
    }
    files.push({ name, path: real, isExecutable: false });
    if (read !== 'everything') fingerprints[name] = read === 'nothing' ? '' : importFingerprint(name, readFileSync(real));
  }
  for (const path of found.watched) stat(path);
  return { files, fingerprints, links, latestMs, state: states.join('\n') };
}

// Whether the changed files are source files whose imports, constraints and embeds are what they were.
function importsUnchanged(previous: Discovered, changedPaths: readonly string[], io: DiscoveryIo): boolean {
  const { fingerprints } = previous.facts as GoPackagesFacts;
  const changed = new Set(changedPaths);
  return previous.files.every(({ name, path }) => {
    if (!changed.has(path)) return true;
    const known = fingerprints[name];
    if (known === undefined) return false;
    try {
      const absolute = resolve(io.workspaceRoot, path);
      return lstatSync(absolute).isFile() && (known === '' || importFingerprint(name, readFileSync(absolute)) === known);
    } catch {
      return false;
    }
  });
}

function readArguments(args: { readonly [key: string]: Json | undefined }): GoPackagesArguments {
  const { module, tags, environment, race } = args;
  const name = args['package'];
  if (
    typeof name !== 'string' ||
    typeof module !== 'string' ||
    !Array.isArray(tags) ||
    typeof environment !== 'object' ||
    typeof race !== 'boolean'
  ) {
    throw new TypeError('The discoverer go-packages takes GoPackagesArguments');
  }
  const problem = goPackageProblem(name);
  if (problem !== undefined)
    throw new OcidslError({ code: 'OCIDSL_GO_PACKAGE', message: `Cannot build Go package "${printable(name)}": ${problem}` });
  return args as unknown as GoPackagesArguments;
}
