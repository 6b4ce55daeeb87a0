// What is wrong with values of a user that go into a Go build, said while loading: each function gives the problem in the
// words of an attribute's error, or undefined.
import { printable } from '../base/printable.ts';

// Set by the platform, by other attributes or by the build itself.
const FIXED: Readonly<Record<string, string>> = {
  GOOS: 'it is part of the platform',
  GOARCH: 'it is part of the platform',
  GOAMD64: 'it is the variant of the platform, as in linux/amd64/v3',
  GOARM: 'it is the variant of the platform, as in linux/arm/v6',
  GOARM64: 'it is the variant of the platform, as in linux/arm64/v8',
  CGO_ENABLED: 'it is the attribute cgo',
  GOFLAGS: 'flags have attributes of their own',
  GOTOOLCHAIN: 'the build uses the installed Go',
  GOPROXY: 'a build has no network',
  GO111MODULE: 'a build uses modules',
};
const OF_THE_BUILD = new Set(
  'GOENV GOROOT GOPATH GOMODCACHE GOCACHE GOCACHEPROG GOTMPDIR GOBIN GOSUMDB GONOSUMDB GONOSUMCHECK GONOPROXY GOPRIVATE GOINSECURE GOVCS GOAUTH GOTOOLDIR GOHOSTOS GOHOSTARCH GOTELEMETRY GOTELEMETRYDIR HOME USERPROFILE LOCALAPPDATA PWD TMPDIR TMP TEMP TZ LANG LC_ALL SOURCE_DATE_EPOCH'.split(
    ' ',
  ),
);

/** What is wrong with a variable of the attribute `env`. */
export function goEnvironmentProblem(name: string, value: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return `"${printable(name, 60)}" is not the name of a variable`;
  if (value.includes('\0')) return `the value of ${name} has a NUL byte`;
  if (Object.hasOwn(FIXED, name)) return `${name} may not be set: ${FIXED[name]!}`;
  if (OF_THE_BUILD.has(name)) return `${name} may not be set: the build sets it`;
  if (name === 'GOWORK' && value !== 'off') return 'GOWORK may only be "off": otherwise the go.work above the module counts';
  return undefined;
}

/** What is wrong with a build tag. */
export function goTagProblem(tag: string): string | undefined {
  return /^[\p{L}\p{N}_.]+$/u.test(tag) ? undefined : `"${printable(tag, 60)}" is not a build tag: letters, digits, _ and . are`;
}

/** What is wrong with a package: one package is meant, by `./path` in its module or by import path. */
export function goPackageProblem(text: string): string | undefined {
  if (text === '') return 'it is empty, write ./ for the package in the module folder';
  if (text.includes('...')) return 'it is a pattern, name one package';
  if (text.includes('@')) return 'it has a version, which go.mod decides';
  if (text.includes('\\')) return 'it has a backslash, write /';
  if (text.startsWith('-')) return 'it begins with a dash';
  if (text.startsWith('/')) return 'it is absolute, write ./path';
  if (text.endsWith('.go')) return 'it is a file, name its folder';
  if (/[\s\0]/.test(text)) return 'it has white space';
  if (['all', 'std', 'cmd', 'tool', 'work'].includes(text)) return `it means many packages to Go, write ./${text} for the folder`;
  return undefined;
}

/** What is wrong with `ldflags` or `gcflags`. */
export function goFlagsProblem(attribute: 'ldflags' | 'gcflags', flags: readonly string[]): string | undefined {
  for (const [index, flag] of flags.entries()) {
    if (flag.trim() === '') return 'an argument is empty';
    if (flag.includes('\0')) return 'an argument has a NUL byte';
    const isPattern = /^[^-\s'"][^\s'"]*=/.test(flag);
    // Later ones are values: -X and its `name=value` may be two arguments.
    if (isPattern && index === 0 && attribute === 'ldflags')
      return `"${printable(flag, 80)}" has a package pattern, write the arguments alone: they are for this binary`;
    if (isPattern && index > 0 && attribute === 'gcflags')
      return `"${printable(flag, 80)}" has a package pattern, which only the first argument may have`;
  }
  return hasOpenQuote(flags.join(' ')) ? 'a quote is not closed' : undefined;
}

/** What is wrong with an entry of `xDefs`. */
export function xDefProblem(name: string, value: string): string | undefined {
  if (!/^(?:[^\s'"=\0]+\.)?[\p{L}_][\p{L}\p{N}_]*$/u.test(name))
    return `"${printable(name, 80)}" names no variable, write import/path.Name or Name`;
  if (value.includes('\0')) return `the value of ${name} has a NUL byte`;
  if (quoteGoFlag(`${name}=${value}`) === undefined)
    return `the value of ${name} has white space and both kinds of quotes, which Go's -ldflags cannot carry`;
  return undefined;
}

/**
 * One field in the language of cmd/internal/quoted: bare, or in quotes inside of which nothing is special. Undefined
 * where it has white space and both kinds of quotes. Quotes inside a bare field do not count.
 */
export function quoteGoFlag(field: string): string | undefined {
  if (field !== '' && !/[ \t\n\r]/.test(field) && !/^['"]/.test(field)) return field;
  if (!field.includes("'")) return `'${field}'`;
  return field.includes('"') ? undefined : `"${field}"`;
}

function hasOpenQuote(text: string): boolean {
  // A field is quoted where it begins with a quote; the rest of the text is fields again.
  let rest = text;
  for (;;) {
    rest = rest.replace(/^[ \t\n\r]+/, '');
    const quote = rest[0];
    if (quote === undefined) return false;
    if (quote === "'" || quote === '"') {
      const end = rest.indexOf(quote, 1);
      if (end < 0) return true;
      rest = rest.slice(end + 1);
    } else rest = rest.replace(/^[^ \t\n\r]+/, '');
  }
}
