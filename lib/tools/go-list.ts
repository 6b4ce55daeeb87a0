// Runs `go list -deps` and reads what it prints.
import { OcidslError } from '../base/errors.ts';
import { runProcess } from '../base/run-process.ts';
import { goEnvironment, goListFlags } from '../go/go-build-arguments.ts';
import type { GoLocal } from '../go/go-local.ts';
import type { GoPackagesArguments } from '../go/go-packages.ts';
import { goFailure, goListFailure, type GoListError } from './go-failure.ts';

/** A package as `go list -json` prints it: the fields that are asked for, empty ones left out. */
export interface GoListPackage {
  readonly Dir?: string;
  readonly ImportPath: string;
  readonly Name?: string;
  readonly Standard?: boolean;
  readonly Module?: GoListModule;
  readonly EmbedPatterns?: readonly string[];
  readonly EmbedFiles?: readonly string[];
  readonly IgnoredGoFiles?: readonly string[];
  readonly IgnoredOtherFiles?: readonly string[];
  readonly Error?: GoListError;
  readonly DepsErrors?: readonly GoListError[];
}

/** A module as `go list -json` prints it. */
export interface GoListModule {
  readonly Path: string;
  readonly Version?: string;
  readonly Sum?: string;
  readonly Replace?: GoListModule;
}

// The lists of source files of a package: what a build compiles or links, and the headers that cgo may include.
const GO_SOURCE_LISTS = [
  'GoFiles',
  'CgoFiles',
  'CFiles',
  'CXXFiles',
  'MFiles',
  'HFiles',
  'FFiles',
  'SFiles',
  'SwigFiles',
  'SwigCXXFiles',
  'SysoFiles',
] as const;

/** The names of a package's source files, relative to its folder. */
export function sourceFilesOf(listed: GoListPackage): string[] {
  const lists = listed as Readonly<Partial<Record<(typeof GO_SOURCE_LISTS)[number], readonly string[]>>>;
  return GO_SOURCE_LISTS.flatMap((name) => lists[name] ?? []);
}

const FIELDS = [
  'Dir',
  'ImportPath',
  'Name',
  'Standard',
  'Module',
  'EmbedPatterns',
  'EmbedFiles',
  'IgnoredGoFiles',
  'IgnoredOtherFiles',
  'Error',
  'DepsErrors',
  ...GO_SOURCE_LISTS,
].join(',');

// 10 000 packages print about 20 MB.
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

/**
 * The package and everything that it imports, dependencies first; without the network.
 * @throws OcidslError, as goFailure() and goListFailure() say
 */
export async function goList(args: GoPackagesArguments, local: GoLocal, cwd: string, signal: AbortSignal): Promise<GoListPackage[]> {
  const { exitCode, stdout, stderr } = await runProcess({
    argv: [local.goBinary, 'list', '-e', '-deps', `-json=${FIELDS}`, ...goListFlags(args), '--', args.package],
    cwd,
    environment: { ...goEnvironment(args.environment, local, local.temporary), PWD: cwd },
    signal,
    maxOutputBytes: MAX_OUTPUT_BYTES,
  });
  const place = {
    package: args.package,
    goBinary: local.goBinary,
    workspaceRoot: local.workspaceRoot,
    moduleDirectory: local.moduleRoot,
    cwd,
    declaredVersion: args.toolchain?.version,
  };
  if (exitCode !== 0) throw goFailure(stderr.toString('utf8'), place);
  const packages = parsePackages(stdout.toString('utf8'));
  const root = packages.at(-1);
  if (root === undefined) throw goFailure(stderr.toString('utf8'), place);
  const errors = [...(root.Error === undefined ? [] : [root.Error]), ...(root.DepsErrors ?? [])];
  if (errors.length > 0) throw goListFailure(errors, root.Error !== undefined, place);
  if (root.Name !== 'main') {
    throw new OcidslError({
      code: 'OCIDSL_GO_PACKAGE',
      message: `Cannot build a program from Go package "${args.package}": it is package ${root.Name ?? '(none)'}, expected package main`,
      hint: 'Name the package that has func main',
    });
  }
  return packages;
}

// Objects follow one another, each closed by a brace in the first column; strings have no newlines.
function parsePackages(text: string): GoListPackage[] {
  return JSON.parse(`[${text.replace(/^\}\n\{/gm, '},{')}]`) as GoListPackage[];
}
