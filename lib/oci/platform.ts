// The platform of an image or a binary: text form, equality and compatibility. Never the host's implicitly.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#platform-variants
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { PLATFORMS, type PlatformString } from './platform-string.ts';

/** What an image runs on. Names are Go's (`linux`, `amd64`), as the image-spec asks. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** CPU variant: `v8` of arm64, `v5`..`v7` of arm, `v1`..`v4` of amd64. Absent: the architecture's baseline. */
  readonly variant?: string;
  /** `os.version` of the image-spec, such as Windows' `10.0.20348.2227`. */
  readonly osVersion?: string;
  /** `os.features` of the image-spec, such as `win32k`. */
  readonly osFeatures?: readonly string[];
}

/**
 * Reads `os/architecture` or `os/architecture/variant`.
 * @throws OCIDSL_PLATFORM_SYNTAX with the likely spelling, for a platform that is not in the list
 */
export function parsePlatform(text: string): Platform {
  if (!isPlatformString(text)) {
    const near = suggestPlatform(text);
    throw new OcidslError({
      code: 'OCIDSL_PLATFORM_SYNTAX',
      message: `Cannot parse platform "${printable(text, 80)}": ${near ? 'it is not a known platform' : 'it has another form'}, expected os/architecture[/variant] as in linux/amd64`,
      hint: near ? `Did you mean "${near}"?` : `Known platforms: ${PLATFORMS.join(', ')}`,
    });
  }
  const [os, architecture, variant] = text.split('/') as [string, string, string?];
  return variant === undefined ? { os, architecture } : { os, architecture, variant };
}

const KNOWN: ReadonlySet<string> = new Set(PLATFORMS);

/** Whether `text` is one of the platforms that this tool knows. */
export function isPlatformString(text: string): text is PlatformString {
  return KNOWN.has(text);
}

/** `os/architecture[/variant]`, with `:version` after the OS where there is one: `windows:10.0.20348.2227/amd64`. */
export function formatPlatform(platform: Platform): string {
  const os = platform.osVersion ? `${platform.os}:${platform.osVersion}` : platform.os;
  return platform.variant ? `${os}/${platform.architecture}/${platform.variant}` : `${os}/${platform.architecture}`;
}

/** Reads what formatPlatform() writes, also of platforms that nobody can build for. Undefined for other text. */
export function platformFromText(text: string): Platform | undefined {
  const match = /^([^/:]+)(?::([^/:]+))?\/([^/]+)(?:\/([^/]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, os, osVersion, architecture, variant] = match as unknown as [string, string, string?, string?, string?];
  return {
    os,
    architecture: architecture!,
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { osVersion }),
  };
}

/**
 * The same platform in the one spelling that comparisons use: the baseline variants of amd64 (`v1`) and arm64 (`v8`) are
 * left out, arm's (`v7`) is written.
 */
export function normalizePlatform(platform: Platform): Platform {
  const variant = normalVariant(platform.architecture, platform.variant);
  const { variant: _, ...rest } = platform;
  return variant === undefined ? rest : { ...rest, variant };
}

function normalVariant(architecture: string, variant: string | undefined): string | undefined {
  const given = variant === '' ? undefined : variant;
  switch (architecture) {
    case 'amd64':
      return given === 'v1' ? undefined : given;
    case 'arm64':
      return given === 'v8' || given === 'v8.0' || given === '8' ? undefined : given;
    case 'arm':
      return given === undefined ? 'v7' : /^[5-8]$/.test(given) ? `v${given}` : given;
    default:
      return given;
  }
}

/**
 * Whether two platforms are the same: `linux/arm64` is `linux/arm64/v8`, `linux/arm` is `linux/arm/v7`, `linux/amd64` is
 * `linux/amd64/v1`. Version and features of the OS count only where `wanted` names them.
 */
export function platformsMatch(wanted: Platform, have: Platform): boolean {
  return (
    wanted.os === have.os &&
    wanted.architecture === have.architecture &&
    normalVariant(wanted.architecture, wanted.variant) === normalVariant(have.architecture, have.variant) &&
    osDetailsMatch(wanted, have)
  );
}

/**
 * Whether an image for `have` runs where `wanted` is asked for: the same platform, or an older variant of the CPU
 * (`linux/amd64` for `linux/amd64/v3`, `linux/arm/v6` for `linux/arm/v7`).
 */
export function platformRunsOn(have: Platform, wanted: Platform): boolean {
  return platformDistance(have, wanted) !== undefined;
}

/** 0 for the same platform, more for older variants, undefined where `have` does not run on `wanted`. */
export function platformDistance(have: Platform, wanted: Platform): number | undefined {
  if (platformsMatch(wanted, have)) return 0;
  if (wanted.os !== have.os || wanted.architecture !== have.architecture || !osDetailsMatch(wanted, have)) return undefined;
  const distance = variantLevel(wanted) - variantLevel(have);
  return distance > 0 ? distance : undefined;
}

function osDetailsMatch(wanted: Platform, have: Platform): boolean {
  if (wanted.osVersion !== undefined && wanted.osVersion !== have.osVersion) return false;
  return (wanted.osFeatures ?? []).every((feature) => have.osFeatures?.includes(feature));
}

const BASELINE: Readonly<Record<string, number>> = { amd64: 1, arm64: 8, arm: 7 };

// NaN for architectures whose variants are not ordered here: every comparison with it is false.
function variantLevel(platform: Platform): number {
  const baseline = BASELINE[platform.architecture];
  if (baseline === undefined) return Number.NaN;
  if (!platform.variant) return baseline;
  const match = /^v?(\d{1,2}(?:\.\d)?)$/.exec(platform.variant);
  return match ? Number(match[1]) : Number.NaN;
}

/**
 * Linux on the architecture that Node names `arch` (`process.arch`): the platform to load and run images with.
 * @throws OCIDSL_PLATFORM_HOST for an architecture without container images
 */
export function hostPlatform(arch: string): Platform {
  const host = HOSTS[arch];
  if (host) return host;
  throw new OcidslError({
    code: 'OCIDSL_PLATFORM_HOST',
    kind: 'environment',
    message: `Cannot find the platform of this machine "${printable(arch, 40)}": it is not known, expected one of ${Object.keys(HOSTS).join(', ')}`,
    hint: 'Name the platform with --platform',
  });
}

const HOSTS: Readonly<Record<string, Platform>> = {
  x64: { os: 'linux', architecture: 'amd64' },
  arm64: { os: 'linux', architecture: 'arm64' },
  arm: { os: 'linux', architecture: 'arm', variant: 'v7' },
  ia32: { os: 'linux', architecture: '386' },
  // Node has no name of its own for the little-endian port, the only one that it still supports.
  ppc64: { os: 'linux', architecture: 'ppc64le' },
  s390x: { os: 'linux', architecture: 's390x' },
  riscv64: { os: 'linux', architecture: 'riscv64' },
  loong64: { os: 'linux', architecture: 'loong64' },
  mips: { os: 'linux', architecture: 'mips' },
  mipsel: { os: 'linux', architecture: 'mipsle' },
};

// Spellings of uname, Debian, Docker and rules_go, by what this tool calls them.
const ALIASES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  aarch64: 'arm64',
  armv8: 'arm64',
  arm64v8: 'arm64',
  armhf: 'arm/v7',
  armv7: 'arm/v7',
  armv7l: 'arm/v7',
  armel: 'arm/v5',
  armv6: 'arm/v6',
  armv6l: 'arm/v6',
  i386: '386',
  i686: '386',
  x86: '386',
  ia32: '386',
  ppc64el: 'ppc64le',
  powerpc64le: 'ppc64le',
  mips64el: 'mips64le',
  mipsel: 'mipsle',
  loongarch64: 'loong64',
  macos: 'darwin',
  osx: 'darwin',
  mac: 'darwin',
  win32: 'windows',
  win: 'windows',
};

// The known platform that a misspelt one most likely means.
function suggestPlatform(text: string): PlatformString | undefined {
  const parts = text
    .slice(0, 80)
    .toLowerCase()
    .replace(/x86[_-]64/, 'amd64')
    .split(/[/_ -]/)
    .flatMap((part) => (Object.hasOwn(ALIASES, part) ? ALIASES[part]! : part).split('/'));
  const guesses = [parts, [parts[1], parts[0]], ['linux', ...parts], parts.slice(0, 2)];
  for (const guess of guesses) {
    const candidate = guess.join('/');
    if (isPlatformString(candidate) && candidate !== text) return candidate;
  }
  return undefined;
}
