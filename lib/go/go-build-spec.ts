// The contract between the rule goBinary and the tool `go-build`: everything that decides the bytes of a binary besides its
// source files, as canonical JSON in an input of the tool.
import { utf8 } from '../base/bytes.ts';
import { canonicalJson } from '../base/json.ts';
import type { Json } from '../base/json.ts';

/** Name and version of the tool: argument: the path of a GoBuildSpec; output: `GoBuildSpec.output`. */
export const GO_BUILD_TOOL = { name: 'go-build', version: '1' } as const;

/** What `go build` makes: https://pkg.go.dev/cmd/go#hdr-Build_modes */
export type GoBuildMode = 'exe' | 'pie' | 'c-archive' | 'c-shared' | 'plugin';

/** Every build mode. */
export const GO_BUILD_MODES: readonly GoBuildMode[] = ['exe', 'pie', 'c-archive', 'c-shared', 'plugin'];

/** One build of one package. */
export interface GoBuildSpec {
  /** Import path of the package, as `GoPackagesFacts.importPath` has it: a path relative to a folder would be ambiguous. */
  readonly package: string;
  /** Version of the toolchain as it names itself: `go1.26.8`. */
  readonly goVersion: string;
  /** GOOS, GOARCH and the CPU variant of goPlatform(), CGO_ENABLED (`0` or `1`), and the variables of the user. */
  readonly environment: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  /** Arguments of the linker, joined by spaces: Go's own quoting holds inside. */
  readonly ldflags: readonly string[];
  /** Arguments of the compiler, joined by spaces; the first may begin with a package pattern: `all=-N`. */
  readonly gcflags: readonly string[];
  /** Values of string variables set by the linker, by `import/path.Name`; a name without a dot is one of package main. */
  readonly xDefs: Readonly<Record<string, string>>;
  readonly buildmode: GoBuildMode;
  /** Race detector: needs cgo. */
  readonly race: boolean;
  /** Whether symbol table and DWARF are left out (`-s -w`). */
  readonly strip: boolean;
  /** Path of the binary among the action's outputs. */
  readonly output: string;
}

/** The spec's bytes, as the tool expects them. */
export function encodeGoBuildSpec(spec: GoBuildSpec): Uint8Array {
  return utf8(canonicalJson(spec as unknown as Json));
}
