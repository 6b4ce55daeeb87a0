// What the go command says when it fails, as errors of ours.
import { OcidslError, type ErrorKind } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { GoModulesMissing } from '../go/go-packages.ts';
import { clickablePaths } from './clickable-paths.ts';

/** An error of `go list -json`. */
export interface GoListError {
  /** `file:line:column` relative to where go runs, or ''. */
  readonly Pos?: string;
  readonly Err: string;
}

/** Where go ran and for what. */
export interface GoFailurePlace {
  readonly package: string;
  readonly goBinary: string;
  readonly workspaceRoot: string;
  /** Absolute folder of the go.mod; OCIDSL_GO_MODULES_MISSING carries it as `cause.moduleDirectory`. */
  readonly moduleDirectory: string;
  readonly cwd: string;
  /** Version of the Go that the workspace declares, where it does. */
  readonly declaredVersion?: string | undefined;
}

interface Known {
  readonly pattern: RegExp;
  readonly code: `OCIDSL_${string}`;
  readonly kind?: ErrorKind;
  readonly is: (match: RegExpExecArray, place: GoFailurePlace) => string;
  readonly expected: string;
  readonly hint?: (match: RegExpExecArray, place: GoFailurePlace) => string;
}

// In order of preference where several apply: modules that go.sum does not list are not downloaded in vain.
const KNOWN: readonly Known[] = [
  {
    pattern: /requires go >= ?(\S+) \(running go ?([^;)\s]+)/,
    code: 'OCIDSL_GO_VERSION',
    kind: 'environment',
    is: ([, wanted, have], { declaredVersion }) =>
      `it requires Go ${wanted}, and Go ${have} is ${declaredVersion === undefined ? 'installed' : 'what the workspace declares'}`,
    expected: 'a Go that is new enough',
    hint: ([, wanted], { declaredVersion }) =>
      declaredVersion === undefined
        ? `Install Go ${wanted} or newer from https://go.dev/dl/, or lower the go line of go.mod`
        : `Raise the version of goToolchain to ${wanted} or newer and run "ocidsl lock", or lower the go line of go.mod`,
  },
  {
    pattern: /missing go\.sum entry/,
    code: 'OCIDSL_GO_MODULES_UNTIDY',
    is: () => 'go.sum lacks an entry',
    expected: 'one for every module that is used',
    hint: () => 'Run go mod tidy and commit go.mod and go.sum',
  },
  {
    pattern: /no required module provides package (\S+?)[;\s]/,
    code: 'OCIDSL_GO_MODULES_UNTIDY',
    is: ([, name]) => `no module that go.mod requires has the package ${name}`,
    expected: 'go.mod to require every module that is imported',
    hint: ([, name]) => `Correct the import path, or run go get ${name}`,
  },
  {
    pattern:
      /updates to go\.(?:mod|work|sum) needed|go\.(?:mod|work) file indicates|to match a listed|but go\.work lists go|module .* is not one of the workspace modules/,
    code: 'OCIDSL_GO_MODULES_UNTIDY',
    is: () => 'go.mod or go.work needs changes',
    expected: 'files that go leaves as they are',
    hint: () => 'Run go mod tidy (go work use -r . in a workspace) and commit the result',
  },
  {
    pattern: /inconsistent vendoring/,
    code: 'OCIDSL_GO_MODULES_UNTIDY',
    is: () => 'vendor/modules.txt does not agree with go.mod',
    expected: 'a vendor folder made from this go.mod',
    hint: () => 'Run go mod vendor (go work vendor in a workspace), or remove the folder vendor',
  },
  {
    pattern: /checksum mismatch/,
    code: 'OCIDSL_GO_MODULES_INTEGRITY',
    kind: 'integrity',
    is: () => 'a module is not what go.sum says',
    expected: 'the bytes that were locked',
    hint: () => 'Find out who changed the module before you change go.sum',
  },
  {
    pattern: /module lookup disabled by GOPROXY=off/,
    code: 'OCIDSL_GO_MODULES_MISSING',
    kind: 'network',
    is: () => 'modules are not in the module cache',
    expected: 'all of them: a build has no network',
    hint: () => 'Run go mod download',
  },
  {
    pattern: /^(?:go: )?errors? parsing (\S+)/m,
    code: 'OCIDSL_GO_MODULE',
    is: ([, file]) => `${file!.replace(/:$/, '').split('/').at(-1)} is not valid`,
    expected: 'a file that go can read',
  },
  {
    pattern: /-race requires cgo/,
    code: 'OCIDSL_GO_CGO',
    is: () => 'race needs cgo',
    expected: 'cgo: true with it',
  },
  {
    pattern: /C compiler "([^"]*)" not found/,
    code: 'OCIDSL_GO_CGO',
    kind: 'environment',
    is: ([, compiler]) => `the C compiler ${compiler} is not on PATH`,
    expected: 'one, because cgo is on',
    hint: () => 'Install a C compiler, name another one with env: { CC }, or leave cgo off',
  },
  {
    pattern: /no space left on device/,
    code: 'OCIDSL_SYSTEM_ENOSPC',
    kind: 'environment',
    is: () => 'no space is left on the device',
    expected: 'room for GOCACHE and temporary files',
    hint: () => 'Free some space, for instance with go clean -cache, or set GOCACHE and TMPDIR to another disk',
  },
  {
    pattern: /signal: killed/,
    code: 'OCIDSL_GO_KILLED',
    kind: 'environment',
    is: () => 'the compiler or linker was killed',
    expected: 'it to end: memory may have run out',
    hint: () => 'Give the build more memory, or lower --jobs',
  },
];

/** The failure behind what `go` printed on stderr, where it is one that we know by name. */
export function knownGoFailure(output: string, place: GoFailurePlace): OcidslError | undefined {
  for (const known of KNOWN) {
    const match = known.pattern.exec(output);
    if (match === null) continue;
    return new OcidslError({
      code: known.code,
      kind: known.kind ?? 'config',
      message: `Cannot build Go package "${printable(place.package)}": ${printable(known.is(match, place))}, expected ${known.expected}`,
      hint: known.hint === undefined ? undefined : printable(known.hint(match, place)),
      output: tidy(output, place),
      cause:
        known.code === 'OCIDSL_GO_MODULES_MISSING'
          ? ({ moduleDirectory: place.moduleDirectory, goBinary: place.goBinary } satisfies GoModulesMissing)
          : undefined,
    });
  }
  return undefined;
}

/** The failure behind a `go list` that ended with an error. */
export function goFailure(output: string, place: GoFailurePlace): OcidslError {
  return (
    knownGoFailure(output, place) ??
    new OcidslError({
      code: 'OCIDSL_GO_PACKAGE',
      message: `Cannot list the imports of Go package "${printable(place.package)}": go list failed, expected a package that it can read`,
      output: tidy(output, place),
    })
  );
}

/** The failure behind errors in the import graph; `isOwn` where the package itself, and not one that it imports, is at fault. */
export function goListFailure(errors: readonly GoListError[], isOwn: boolean, place: GoFailurePlace): OcidslError {
  const lines = [...new Set(errors.map(({ Pos, Err }) => (Pos ? `${Pos}: ${Err}` : Err)))];
  const output = lines.join('\n');
  const isMissing =
    isOwn &&
    /no required module provides package|directory not found|is not in std|outside main module|does not contain package/.test(
      errors[0]!.Err,
    );
  const known = isMissing ? undefined : knownGoFailure(output, place);
  if (known !== undefined) return known;
  const [first] = errors;
  const isCode = first!.Pos !== undefined && first!.Pos !== '';
  if (isCode && !isMissing) {
    return new OcidslError({
      code: 'OCIDSL_GO_COMPILE',
      kind: 'build',
      message: `Cannot build Go package "${printable(place.package)}": its sources or imports have errors, expected code that builds`,
      hint: /build constraints exclude all Go files/.test(output) ? 'A package that needs cgo is only built with cgo: true' : undefined,
      output: tidy(output, place),
    });
  }
  const text = first!.Err;
  const is = /directory not found/.test(text)
    ? 'there is no such folder'
    : /no Go files/.test(text)
      ? 'the folder has no Go files'
      : /build constraints exclude all Go files/.test(text)
        ? 'none of its files is for this platform and these tags'
        : /no required module provides|is not in std|does not contain package/.test(text)
          ? 'no module has it'
          : printable(clickablePaths(text.split('\n')[0]!, place));
  return new OcidslError({
    code: 'OCIDSL_GO_PACKAGE',
    message: `Cannot find Go package "${printable(place.package)}": ${is}, expected a package main`,
    hint: /^[./]/.test(place.package)
      ? undefined
      : 'A package of the module itself is written ./path, relative to the folder of the module',
  });
}

function tidy(output: string, place: GoFailurePlace): string | undefined {
  return clickablePaths(output.trimEnd(), place) || undefined;
}
