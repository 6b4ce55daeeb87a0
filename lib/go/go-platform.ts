// From a platform of images to Go's names for it. OCI took its names from Go, so only the CPU variants need translation.
// https://go.dev/wiki/MinimumRequirements
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** The parts of a platform that matter to Go. */
export interface GoTarget {
  readonly os: string;
  readonly architecture: string;
  /** `v1`..`v4` of amd64, `v5`..`v7` of arm, `v8`, `v9`, `v8.2`, … of arm64. */
  readonly variant?: string;
}

// `go tool dist list` of go1.26, and freebsd/riscv64, which go1.20 to go1.25 have. One that is not here is a mistake, and it is
// better said before anything runs; whether the installed Go has it, Go says.
const PORTS: Readonly<Record<string, string>> = {
  aix: 'ppc64',
  android: '386 amd64 arm arm64',
  darwin: 'amd64 arm64',
  dragonfly: 'amd64',
  freebsd: '386 amd64 arm arm64 riscv64',
  illumos: 'amd64',
  ios: 'amd64 arm64',
  js: 'wasm',
  linux: '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x',
  netbsd: '386 amd64 arm arm64',
  openbsd: '386 amd64 arm arm64 ppc64 riscv64',
  plan9: '386 amd64 arm',
  solaris: 'amd64',
  wasip1: 'wasm',
  windows: '386 amd64 arm64',
};

// Go's variable for an architecture's variant: the accepted variants, and the value where an image platform names none. The
// baseline is always written, because a distribution may build Go with another default.
const VARIANTS: Readonly<
  Record<string, { readonly name: string; readonly accepts: RegExp; readonly value: (variant: string | undefined) => string }>
> = {
  amd64: { name: 'GOAMD64', accepts: /^v[1-4]$/, value: (variant) => variant ?? 'v1' },
  arm: { name: 'GOARM', accepts: /^v[5-7]$/, value: (variant) => (variant ?? 'v7').slice(1) },
  arm64: {
    name: 'GOARM64',
    accepts: /^v(?:8(?:\.[0-9])?|9(?:\.[0-5])?)$/,
    value: (variant) => (variant === undefined ? 'v8.0' : variant.includes('.') ? variant : `${variant}.0`),
  },
};

/**
 * GOOS, GOARCH and, for amd64, arm and arm64, the variable of the CPU variant: `linux/arm/v6` → GOARM=6.
 * @throws OCIDSL_GO_PLATFORM for a platform that Go cannot build for
 */
export function goPlatform(platform: GoTarget): Readonly<Record<string, string>> {
  const { os, architecture, variant } = platform;
  const architectures = Object.hasOwn(PORTS, os) ? PORTS[os]!.split(' ') : undefined;
  if (architectures === undefined)
    throw unsupported(platform, `the operating system is not known to Go`, `one of ${Object.keys(PORTS).join(', ')}`);
  if (!architectures.includes(architecture))
    throw unsupported(platform, `Go has no such architecture for ${os}`, `one of ${architectures.join(', ')}`);
  const base = { GOOS: os, GOARCH: architecture };
  const rule = Object.hasOwn(VARIANTS, architecture) ? VARIANTS[architecture] : undefined;
  if (rule === undefined) {
    if (variant !== undefined) throw unsupported(platform, `Go knows no variants of ${architecture}`, 'none');
    return base;
  }
  if (variant !== undefined && !rule.accepts.test(variant))
    throw unsupported(platform, `the variant is not known to Go`, `one that ${rule.name} has`);
  return { ...base, [rule.name]: rule.value(variant) };
}

function unsupported({ os, architecture, variant }: GoTarget, is: string, expected: string): OcidslError {
  const text = [os, architecture, variant].filter((part) => part !== undefined).join('/');
  return new OcidslError({
    code: 'OCIDSL_GO_PLATFORM',
    message: `Cannot build Go for platform "${printable(text, 80)}": ${is}, expected ${expected}`,
  });
}
