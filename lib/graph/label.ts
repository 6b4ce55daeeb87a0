// Labels: the names of targets. `hello` in the root package, `apps/hello:image` elsewhere.
import { OcidslError } from '../base/errors.ts';

/** A target's name: the folder of its package ('' for the root) and its name in it. */
export interface Label {
  /** Path of the package's folder relative to the workspace root; '' is the root package. */
  readonly package: string;
  readonly name: string;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+@-]*$/;
const NAME_LIMIT = 200;
const NAME_EXPECTED = 'letters, digits and _ . + @ -, starting with a letter, digit or _';
const SEGMENT = /^[A-Za-z0-9_.+@-]+$/;

/** What is wrong with a target name, or undefined. */
export function targetNameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return `it is ${name === undefined ? 'missing' : typeof name}`;
  if (name.length > NAME_LIMIT) return `it has ${name.length} characters, expected at most ${NAME_LIMIT}`;
  return NAME.test(name) ? undefined : `expected ${NAME_EXPECTED}`;
}

/** `hello`, or `apps/hello:image` outside the root package. */
export function formatLabel(label: Label): string {
  return label.package === '' ? label.name : `${label.package}:${label.name}`;
}

/**
 * Reads a label as written in the package `from`: `:image` and `image` are in the same package, `apps/hello:image` and
 * `//apps/hello:image` anywhere, `//:hello` in the root package.
 * @throws OCIDSL_LABEL_SYNTAX
 */
export function parseLabel(text: string, from: string): Label {
  const fail = (is: string, expected: string) =>
    new OcidslError({
      code: 'OCIDSL_LABEL_SYNTAX',
      message: `Cannot parse label ${JSON.stringify(text.slice(0, 200))}: ${is}, expected ${expected}`,
      fault: { is, expected },
      hint: 'Write "name" for a target of the same package, "folder:name" for another one, "//:name" for the root',
    });
  const absolute = text.startsWith('//');
  const body = absolute ? text.slice(2) : text;
  const colon = body.indexOf(':');
  const folder = colon < 0 ? '' : body.slice(0, colon);
  const name = colon < 0 ? body : body.slice(colon + 1);
  if (name.length > NAME_LIMIT) throw fail(`the target name has ${name.length} characters`, `at most ${NAME_LIMIT}`);
  if (!NAME.test(name)) throw fail(`the target name ${JSON.stringify(name)} is not usable`, NAME_EXPECTED);
  if (folder === '') return { package: absolute ? '' : from, name };
  for (const segment of folder.split('/')) {
    if (!SEGMENT.test(segment) || segment === '.' || segment === '..') {
      throw fail(`the package "${folder}" has the unusable part ${JSON.stringify(segment)}`, 'letters, digits and _ . + @ - in each part');
    }
  }
  return { package: folder, name };
}
