// Evaluates the tags of a push: plain ones, templates and functions of the git state, lines of a file.
import { isOcidslError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { functionOf, type FunctionReference } from '../graph/value.ts';
import { isTag } from '../registry/reference.ts';
import { expandTagTemplate, tagTemplateFields, tagTemplateProblem, type GitState, type TagFunction } from '../rules/remote-tag.ts';
import type { ReadGitState } from './git-state.ts';

/** Where tags come from. */
export interface TagSource {
  /** Of the push target, for messages. */
  readonly label: string;
  /** Tags, templates and functions. */
  readonly tags: readonly (string | FunctionReference<TagFunction>)[];
  /** Reads the git state; called only where a tag asks for it. */
  readonly git: () => Promise<ReadGitState>;
}

/**
 * The tags, without duplicates, in their order.
 * @throws OCIDSL_TAG_INVALID and what `git` throws, with the target's label
 */
export async function evaluateTags({ label, tags, git }: TagSource): Promise<string[]> {
  const result = new Set<string>();
  try {
    for (const tag of tags) {
      if (typeof tag === 'string') result.add(checked(await expand(tag, git), `"${printable(tag, 140)}"`));
      else for (const made of await call(functionOf(tag), git)) result.add(checked(made, 'a function'));
    }
    return [...result];
  } catch (error) {
    throw isOcidslError(error) ? error.at({ label }) : error;
  }
}

async function expand(template: string, git: TagSource['git']): Promise<string> {
  // What comes from a file or the command line has not been checked yet.
  const problem = tagTemplateProblem(template);
  if (problem !== undefined && template.includes('{{')) throw invalid(template, problem);
  const fields = tagTemplateFields(template);
  if (fields.length === 0) return template;
  const { state, isShallow } = await git();
  return expandTagTemplate(template, (field) => {
    const value = state[field];
    if (value !== undefined) return value;
    const isBranch = field === 'branch';
    const why = isBranch ? 'no branch is checked out' : `no git tag points to commit ${state.shortCommit}`;
    throw invalid(
      template,
      `${why}${!isBranch && isShallow ? ', and the clone is shallow' : ''}`,
      isBranch
        ? 'CI systems check commits out: use a function, ({ git }) => git.branch ?? …'
        : isShallow
          ? 'Fetch the tags too, such as with fetch-depth: 0 of actions/checkout'
          : 'Use a function where there may be none: ({ git }) => git.tag ?? []',
    );
  });
}

// The state is read when the function asks, and the function is then called again: it cannot wait.
async function call(make: TagFunction, git: TagSource['git']): Promise<readonly string[]> {
  let isAsked = false;
  let state: GitState | undefined;
  const context = {
    get git(): GitState {
      isAsked = true;
      if (state === undefined) throw new NotReadYet();
      return state;
    },
  };
  let made = attempt(make, context);
  if (isAsked) {
    ({ state } = await git());
    made = attempt(make, context);
  }
  if ('error' in made) {
    const { error } = made;
    if (isOcidslError(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new OcidslError({
      code: 'OCIDSL_TAG_FUNCTION',
      message: `Cannot make tags: a function of remoteTags threw "${printable(message)}"`,
      cause: error,
    });
  }
  const { value } = made;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.every((tag) => typeof tag === 'string')) return list;
  const is = value instanceof Promise ? 'a promise' : Array.isArray(value) ? 'an array of other things' : `a value of type ${typeof value}`;
  throw new OcidslError({
    code: 'OCIDSL_TAG_FUNCTION',
    message: `Cannot make tags: a function of remoteTags returned ${is}, expected a string or an array of strings`,
  });
}

class NotReadYet extends Error {}

function attempt(make: TagFunction, context: Parameters<TagFunction>[0]): { readonly value: unknown } | { readonly error: unknown } {
  try {
    return { value: make(context) };
  } catch (error) {
    return { error };
  }
}

function checked(tag: string, source: string): string {
  if (isTag(tag)) return tag;
  const from = source === `"${printable(tag, 140)}"` ? '' : `comes from ${source} and `;
  throw new OcidslError({
    code: 'OCIDSL_TAG_INVALID',
    message: `Cannot set the tag "${printable(tag, 140)}": it ${from}has another form, expected 1 to 128 letters, digits and _ . -, not starting with . or -`,
    hint: tag.includes('/') ? "Replace what tags cannot have: ({ git }) => git.branch?.replaceAll('/', '-') ?? []" : undefined,
  });
}

function invalid(template: string, is: string, hint?: string): OcidslError {
  return new OcidslError({ code: 'OCIDSL_TAG_INVALID', message: `Cannot make a tag of "${printable(template, 140)}": ${is}`, hint });
}
