// Tags that say which commit they were pushed from: templates and functions of the git state. They are evaluated by `ocidsl push`, so that
// nothing that is built depends on them.
import { suggest } from '../graph/suggest.ts';
import { isTag } from '../registry/reference.ts';

/** The state of the git repository that the workspace lies in, as `ocidsl push` finds it. */
export interface GitState {
  /** The commit that is checked out, in full. */
  readonly commit: string;
  /** The first 7 digits of it: always 7, unlike git's own, whose number depends on the clone. */
  readonly shortCommit: string;
  /** The branch; undefined where none is checked out, as in most CI systems. */
  readonly branch: string | undefined;
  /** The git tag of the commit, the highest version where there are several; undefined where there is none. */
  readonly tag: string | undefined;
  /** `-dirty` where files differ from the commit or are not in it (those that git ignores aside), else the empty string. */
  readonly dirty: '-dirty' | '';
  /** Time of the commit in UTC, `yyyymmddhhmmss`, as Go's pseudo-versions have it. */
  readonly commitTime: string;
}

/** What a function among `remoteTags` gets. */
export interface TagContext {
  /** Read with git when the function first looks at it, which is then called again. */
  readonly git: GitState;
}

/** A function that makes tags; one without tags is an empty array. Called at push, possibly more than once. */
export type TagFunction = (context: TagContext) => string | readonly string[];

/** Name of a value that a template may contain. */
export type TagField = keyof GitState;

/** All of them. */
export const TAG_FIELDS: readonly TagField[] = ['commit', 'shortCommit', 'branch', 'tag', 'dirty', 'commitTime'];

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;

/** What is wrong with a tag or a template of one, such as `{{git.shortCommit}}{{git.dirty}}`; undefined where nothing is. */
export function tagTemplateProblem(text: string): string | undefined {
  const names = TAG_FIELDS.map((field) => `git.${field}`);
  for (const [, inside = ''] of text.matchAll(PLACEHOLDER)) {
    if (fieldOf(inside) !== undefined) continue;
    const near = suggest(inside.trim(), names);
    return `there is no {{${inside}}}, ${near.length > 0 ? `did you mean {{${near[0]}}}?` : `there are ${names.join(', ')}`}`;
  }
  // What the values make of it is checked when they are known.
  return isTag(text.replace(PLACEHOLDER, '0')) ? undefined : 'it has another form';
}

/** The values that a template asks for, in its order. */
export function tagTemplateFields(text: string): TagField[] {
  return [...text.matchAll(PLACEHOLDER)].flatMap(([, inside = '']) => fieldOf(inside) ?? []);
}

/** The text with its placeholders replaced. */
export function expandTagTemplate(text: string, valueOf: (field: TagField) => string): string {
  return text.replace(PLACEHOLDER, (whole, inside: string) => {
    const field = fieldOf(inside);
    return field === undefined ? whole : valueOf(field);
  });
}

function fieldOf(inside: string): TagField | undefined {
  return TAG_FIELDS.find((field) => `git.${field}` === inside.trim());
}
