// From a build spec to the command line and environment of `go`. Pure.
import { compareUtf8 } from '../base/bytes.ts';
import { invariant } from '../base/errors.ts';
import { quoteGoFlag } from './go-attributes.ts';
import type { GoBuildSpec } from './go-build-spec.ts';
import type { GoLocal } from './go-local.ts';

/**
 * Arguments after `go`, with the binary written to `output`. `-mod` is left to Go, which takes vendor/ where there is one
 * and never changes go.mod.
 */
export function goBuildArguments(spec: GoBuildSpec, output: string): string[] {
  const argv = ['build', '-trimpath', '-buildvcs=false', `-buildmode=${spec.buildmode}`, `-ldflags=${linkerFlags(spec)}`];
  if (spec.gcflags.length > 0) argv.push(`-gcflags=${spec.gcflags.join(' ')}`);
  argv.push(...goListFlags(spec), '-o', output, '--', spec.package);
  return argv;
}

/** The flags that decide which files are part of a build. */
export function goListFlags(options: { readonly tags: readonly string[]; readonly race: boolean }): string[] {
  return [...(options.race ? ['-race'] : []), ...(options.tags.length > 0 ? [`-tags=${options.tags.join(',')}`] : [])];
}

// The build ID hashes the action graph, GOROOT's own included: without it, equal inputs are equal bytes.
function linkerFlags(spec: GoBuildSpec): string {
  const flags = ['-buildid=', ...(spec.strip ? ['-s', '-w'] : []), ...spec.ldflags];
  for (const name of Object.keys(spec.xDefs).sort(compareUtf8)) {
    const field = quoteGoFlag(`${name.includes('.') ? name : `main.${name}`}=${spec.xDefs[name]!}`);
    invariant(field !== undefined, `xDefProblem() lets only values pass that can be quoted`);
    flags.push('-X', field);
  }
  return flags.join(' ');
}

/**
 * The whole environment of `go`: nothing of the user's settings counts but what the spec names. With cgo the C compiler is
 * found on the target's PATH, else on the user's: what it makes is as reproducible as that compiler is.
 */
export function goEnvironment(
  environment: Readonly<Record<string, string>>,
  local: GoLocal,
  temporary: string,
): Readonly<Record<string, string>> {
  const usesCgo = environment['CGO_ENABLED'] === '1';
  return {
    PATH: usesCgo ? local.path : '',
    HOME: local.home,
    PWD: local.moduleRoot,
    TMPDIR: temporary,
    GOTMPDIR: temporary,
    GOPATH: local.goPath,
    GOMODCACHE: local.goModCache,
    GOCACHE: local.goCache,
    GOENV: 'off',
    GOFLAGS: '',
    GOTOOLCHAIN: 'local',
    GOPROXY: 'off',
    GO111MODULE: 'on',
    TZ: 'UTC',
    LC_ALL: 'C',
    ...environment,
  };
}
