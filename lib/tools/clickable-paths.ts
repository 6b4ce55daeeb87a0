// Rewrites the paths in what a compiler printed, so that a terminal or an editor opens them from the workspace root.
import { isAbsolute, relative, resolve, sep } from 'node:path';

// A path with a line number at the beginning of a line, or after white space and quotes inside of it.
const PLACE = /(^|[\s"'(])((?:[^\s:"'()]+\/)?[^\s:"'()/]+\.(?:go|mod|work|sum|s|S|c|cc|cpp|cxx|h|hh|hpp|m|syso|txt)):(?=\d+(?::|\b))/gm;

/** `text` of a program that ran in `cwd`, with `path:line` relative to the workspace root, absolute outside of it. */
export function clickablePaths(text: string, place: { readonly cwd: string; readonly workspaceRoot: string }): string {
  const shown = text.replace(PLACE, (_, before: string, path: string) => `${before}${fromRoot(path, place)}:`);
  // Other mentions are absolute: shorter without the root, and without anything of this machine.
  return shown.replaceAll(place.workspaceRoot + sep, '');
}

function fromRoot(path: string, { cwd, workspaceRoot }: { readonly cwd: string; readonly workspaceRoot: string }): string {
  const absolute = resolve(cwd, path);
  const short = relative(workspaceRoot, absolute);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? absolute : short;
}
