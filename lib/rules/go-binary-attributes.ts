// What users write for goBinary, and the schema that checks it.
import * as attribute from '../graph/attribute.ts';
import { optional, required } from '../graph/attribute.ts';
import type { Configurable } from '../graph/select.ts';
import { goEnvironmentProblem, goFlagsProblem, goPackageProblem, goTagProblem, xDefProblem } from '../go/go-attributes.ts';
import { GO_BUILD_MODES, type GoBuildMode } from '../go/go-build-spec.ts';

/** Attributes of {@link goBinary}. */
export interface GoBinaryAttributes {
  /** Name of the target. */
  readonly name: string;
  /** The package with `func main`: `./path` below the module's folder, or an import path. @example package: './cmd/server' */
  readonly package: Configurable<string>;
  /** Folder of the module's go.mod, relative to this package. A go.work above it counts. @default "." */
  readonly module?: Configurable<string>;
  /** File name of the binary. @default the target's name, with .exe on Windows */
  readonly out?: Configurable<string>;
  /** Build tags. @default [] */
  readonly tags?: Configurable<readonly string[]>;
  /** Arguments of the linker, one an element; `-buildid=` is always set. @default [] */
  readonly ldflags?: Configurable<readonly string[]>;
  /** Arguments of the compiler; the first may begin with a package pattern, as in `all=-N`. @default [] */
  readonly gcflags?: Configurable<readonly string[]>;
  /**
   * Values of string variables that the linker sets (`-X`), by `import/path.Name`; a name without a dot is one of package main.
   * @default {}
   * @example xDefs: { 'example.com/hello/internal/version.Version': '1.2.3' }
   */
  readonly xDefs?: Configurable<Readonly<Record<string, string>>>;
  /** Variables of the compiler's environment, such as CC with `cgo`. What the platform and other attributes decide cannot be set. @default {} */
  readonly env?: Configurable<Readonly<Record<string, string>>>;
  /** Whether C code is compiled in: needs a C compiler for the platform, whose version is not part of the key. @default false */
  readonly cgo?: Configurable<boolean>;
  /** Whether cgo is off; the opposite of `cgo`, for users of rules_go. @default true */
  readonly pure?: Configurable<boolean>;
  /** Whether the race detector is compiled in: needs `cgo`. @default false */
  readonly race?: Configurable<boolean>;
  /** What is made: `exe`, `pie`, `c-archive`, `c-shared`, `plugin`. @default "exe" */
  readonly buildmode?: Configurable<GoBuildMode>;
  /** Whether symbol table and debug information are left out (`-s -w`). @default true */
  readonly strip?: Configurable<boolean>;
}

const text = attribute.string();
const checked = (expects: string, check: (value: string) => string | undefined) => attribute.string(expects, check);

/** The schema behind {@link GoBinaryAttributes}. */
export const GO_BINARY_SCHEMA = {
  package: required(checked('a package such as "./cmd/server"', goPackageProblem)),
  module: optional(attribute.file()),
  out: optional(
    checked('a file name', (name) => (/^[^/\\]+$/.test(name) && name !== '.' && name !== '..' ? undefined : 'it is not a plain file name')),
  ),
  tags: optional(attribute.list(checked('a build tag', goTagProblem))),
  ldflags: optional(attribute.list(text)),
  gcflags: optional(attribute.list(text)),
  xDefs: optional(attribute.record(text, (name) => xDefProblem(name, ''))),
  env: optional(attribute.record(text, (name) => goEnvironmentProblem(name, name === 'GOWORK' ? 'off' : ''))),
  cgo: optional(attribute.boolean()),
  pure: optional(attribute.boolean()),
  race: optional(attribute.boolean()),
  buildmode: optional(attribute.oneOf(...GO_BUILD_MODES)),
  strip: optional(attribute.boolean()),
};

/** Checks of values together with each other; see RuleDefinition.check. */
export function checkGoBinary(
  values: { readonly [K in keyof typeof GO_BINARY_SCHEMA]?: unknown },
  problem: (path: string, is: string, expected: string) => void,
): void {
  for (const name of ['ldflags', 'gcflags'] as const) {
    const flags = values[name];
    if (!Array.isArray(flags) || !flags.every((flag) => typeof flag === 'string')) continue;
    const is = goFlagsProblem(name, flags);
    if (is !== undefined) problem(name, is, 'arguments as Go takes them');
  }
  for (const [name, check] of [
    ['xDefs', xDefProblem],
    ['env', goEnvironmentProblem],
  ] as const) {
    if (!Array.isArray(values[name])) continue;
    for (const pair of values[name] as readonly (readonly [string, unknown])[]) {
      const is = typeof pair[1] === 'string' ? check(pair[0], pair[1]) : undefined;
      if (is !== undefined) problem(`${name}.${pair[0]}`, is, 'another value');
    }
  }
  if (values.cgo === true && values.pure === true) problem('pure', 'it is true while cgo is true', 'one of the two');
  if (values.race === true && values.cgo !== true && values.pure !== false)
    problem('race', 'it is true while cgo is off', 'cgo: true beside it');
}
