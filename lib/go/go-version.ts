// Versions of Go releases: `1.26.8`, `1.27rc1`.
import { printable } from '../base/printable.ts';
import type { ModDirective } from './mod-file.ts';

/** What is wrong with the version of a release as a user writes it, undefined where nothing is. */
export function goVersionProblem(version: string): string | undefined {
  if (version.startsWith('go')) return `write it without "go": ${printable(version.slice(2), 40)}`;
  if (/^1\.\d{1,4}$/.test(version)) return `it is a version of the language, and its first release is ${version}.0`;
  const minor = /^1\.(\d{1,4})(?:\.\d{1,4}|(?:rc|beta)\d{1,4})$/.exec(version)?.[1];
  if (minor === undefined) return 'it has another form';
  return Number(minor) < 21 ? 'it is older than 1.21' : undefined;
}

/**
 * The release that a go.mod asks for by its `toolchain` or else its `go` line; undefined where it says nothing that names one.
 * @see https://go.dev/doc/toolchain#config
 */
export function wantedGoVersion(directives: readonly ModDirective[]): string | undefined {
  const line = (verb: string) => directives.find((each) => each.verb === verb)?.words[0];
  const wanted = line('toolchain')?.replace(/^go/, '') ?? line('go');
  if (wanted === undefined) return undefined;
  // As Go itself does: `go 1.24` means the first release of that language.
  const release = /^1\.\d{1,4}$/.test(wanted) ? `${wanted}.0` : wanted;
  return goVersionProblem(release) === undefined ? release : undefined;
}
