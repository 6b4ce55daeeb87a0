// A Go distribution as values: what is asked for, and the names that the module proxy has for it.
// https://go.dev/doc/toolchain#select and https://go.dev/ref/mod#goproxy-protocol

/** What is known of one archive: the checksum of a module zip, or the digest of an archive's bytes. */
export type GoArchivePin = {
  /** `h1:<base64>`, as in go.sum. */
  readonly h1?: string;
  /** `sha256:<hex>`. */
  readonly digest?: string;
};

/** A declared Go. A type, not an interface, so that it is Json. */
export type GoToolchainRequest = {
  /** `1.26.8`. */
  readonly version: string;
  /** Pins by host platform (`linux/amd64`); none where it is not locked. */
  readonly archives: Readonly<Record<string, GoArchivePin>>;
  /** URLs of `.tar.gz` archives by host platform, in place of the module proxy. */
  readonly urls: Readonly<Record<string, readonly string[]>>;
};

/** A distribution on this disk. Absolute paths. */
export interface InstalledGo {
  readonly goRoot: string;
  /** The `go` command in it. */
  readonly goBinary: string;
}

/** The module whose versions are distributions. */
export const GO_TOOLCHAIN_MODULE = 'golang.org/toolchain';

/** The version of that module: `v0.0.1-go1.26.8.linux-amd64` for `linux/amd64`. */
export function goToolchainModuleVersion(version: string, host: string): string {
  return `v0.0.1-go${version}.${host.replace('/', '-')}`;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** The platform that a distribution must be for, in Go's words, from Node's `process.platform` and `process.arch`: `linux/amd64`. */
export function goHostPlatform(platform: string, architecture: string): string {
  return `${platform === 'win32' ? 'windows' : platform}/${ARCHITECTURES[architecture] ?? architecture}`;
}
