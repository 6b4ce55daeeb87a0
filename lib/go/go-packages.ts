// The contract between the rule goBinary and the discoverer `go-packages`: its arguments and the facts that it finds.
import type { GoLocal } from './go-local.ts';
import type { GoToolchainRequest } from './go-toolchain.ts';

/** Name of the discoverer. */
export const GO_PACKAGES_DISCOVERER = 'go-packages';

/** What is asked for. A type, not an interface, so that it is Json. */
export type GoPackagesArguments = {
  /** Folder relative to the workspace root, '' for the root: `package` is relative to it. Its go.mod may lie above. */
  readonly module: string;
  /** `./path`, or an import path. */
  readonly package: string;
  readonly tags: readonly string[];
  /** As GoBuildSpec.environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly race: boolean;
  /** The Go that the workspace declares, in place of the one on PATH. */
  readonly toolchain?: GoToolchainRequest;
};

/**
 * What is found besides the files. Names of files are `<module path>@<version>/<path>`, with an empty version for the
 * modules of the workspace: a module path has no `@`, so names of different modules never meet.
 */
export type GoPackagesFacts = {
  /** Import path of the package. */
  readonly importPath: string;
  /** `go1.26.8`. */
  readonly goVersion: string;
  /** Modules of the module cache that are linked in: `path@version h1:…`, sorted. Immutable, so their files are not listed. */
  readonly modules: readonly string[];
  /** importFingerprint() by file name; '' for files of which go list reads nothing. Files not named here always count. */
  readonly fingerprints: Readonly<Record<string, string>>;
  /** For ToolDescription.local. */
  readonly local: GoLocal;
};

/** The `cause` of OCIDSL_GO_MODULES_MISSING: what downloadGoModules() needs to remove it. */
export interface GoModulesMissing {
  /** Absolute path of the folder of the go.mod. */
  readonly moduleDirectory: string;
  readonly goBinary: string;
}
