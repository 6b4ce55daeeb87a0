// Tags of a push: templates, functions, what they may not become, and that git is asked only where a tag asks for it.
import { describe, expect, it } from 'vitest';
import type { ReadGitState } from '../../../lib/cli/git-state.ts';
import { evaluateTags } from '../../../lib/cli/push-tags.ts';
import { createFunctionReference } from '../../../lib/graph/value.ts';
import { tagTemplateProblem, TAG_FIELDS, type GitState, type TagFunction } from '../../../lib/rules/remote-tag.ts';

const STATE: GitState = {
  commit: '0123456789abcdef0123456789abcdef01234567',
  shortCommit: '0123456',
  branch: 'feature/x',
  tag: 'v1.2.3',
  dirty: '-dirty',
  commitTime: '20240506050809',
};

/** The tags, and how often git was asked. */
async function evaluate(tags: readonly (string | TagFunction)[], state: Partial<GitState> = {}, isShallow = false) {
  let asked = 0;
  const git = async (): Promise<ReadGitState> => {
    asked++;
    return { state: { ...STATE, ...state }, isShallow };
  };
  const references = tags.map((tag) => (typeof tag === 'string' ? tag : createFunctionReference(tag)));
  return { tags: await evaluateTags({ label: 'p:push', tags: references, git }), asked };
}

describe('evaluateTags()', () => {
  it('leaves plain tags as they are, without git', async () => {
    expect(await evaluate(['latest', 'v1.2_3-x'])).toEqual({ tags: ['latest', 'v1.2_3-x'], asked: 0 });
  });

  it.each([
    ['{{git.commit}}', STATE.commit],
    ['{{git.shortCommit}}{{git.dirty}}', '0123456-dirty'],
    ['{{ git.tag }}', 'v1.2.3'],
    ['main-{{git.commitTime}}-{{git.shortCommit}}', 'main-20240506050809-0123456'],
  ])('expands %s', async (template, tag) => {
    expect((await evaluate([template])).tags).toEqual([tag]);
  });

  it('expands every name that is documented', async () => {
    for (const field of TAG_FIELDS) {
      expect((await evaluate([`x{{git.${field}}}`], { branch: 'main' })).tags).toEqual([`x${field === 'branch' ? 'main' : STATE[field]}`]);
    }
  });

  it('calls functions with the state, and takes one tag, several or none of them', async () => {
    const { tags } = await evaluate([
      ({ git }) => git.tag ?? [],
      ({ git }) => [git.branch!.replaceAll('/', '-'), git.shortCommit],
      () => [],
      () => 'fixed',
    ]);
    expect(tags).toEqual(['v1.2.3', 'feature-x', '0123456', 'fixed']);
  });

  it('does not read the state for functions that do not look at it', async () => {
    expect(await evaluate([() => 'fixed', () => ['a', 'b']])).toEqual({ tags: ['fixed', 'a', 'b'], asked: 0 });
  });

  it('gives the state also to functions that catch everything', async () => {
    const careful: TagFunction = ({ git }) => {
      try {
        return git.shortCommit;
      } catch {
        return 'unknown';
      }
    };
    const kept: TagFunction = (context) => {
      try {
        return context.git.shortCommit;
      } catch {
        return 'unknown';
      }
    };
    expect((await evaluate([kept])).tags).toEqual(['0123456']);
    await expect(evaluate([careful])).resolves.toEqual({ tags: ['0123456'], asked: 1 });
  });

  it('keeps the first of equal tags, in order', async () => {
    expect((await evaluate(['b', 'a', '{{git.tag}}', 'b', () => 'a', 'v1.2.3'])).tags).toEqual(['b', 'a', 'v1.2.3']);
  });

  it.each<[string, string | TagFunction, Partial<GitState>, object]>([
    [
      'a branch with a slash',
      '{{git.branch}}',
      {},
      {
        code: 'OCIDSL_TAG_INVALID',
        message:
          'Cannot set the tag "feature/x": it comes from "{{git.branch}}" and has another form, expected 1 to 128 letters, digits and _ . -, not starting with . or -',
        hint: "Replace what tags cannot have: ({ git }) => git.branch?.replaceAll('/', '-') ?? []",
      },
    ],
    ['a tag that starts with a hyphen', '{{git.dirty}}', {}, { message: expect.stringContaining('Cannot set the tag "-dirty"') as string }],
    ['an empty tag', '{{git.dirty}}', { dirty: '' }, { message: expect.stringContaining('Cannot set the tag ""') as string }],
    ['a tag that is too long', `{{git.commit}}${'x'.repeat(100)}`, {}, { code: 'OCIDSL_TAG_INVALID' }],
    [
      'no branch',
      '{{git.branch}}',
      { branch: undefined },
      { message: 'Cannot make a tag of "{{git.branch}}": no branch is checked out', hint: expect.stringContaining('function') as string },
    ],
    [
      'no git tag',
      '{{git.tag}}',
      { tag: undefined },
      {
        message: 'Cannot make a tag of "{{git.tag}}": no git tag points to commit 0123456',
        hint: expect.stringContaining('?? []') as string,
      },
    ],
    ['an unknown name', '{{git.sha}}', {}, { message: expect.stringContaining('there is no {{git.sha}}') as string }],
    [
      'a function that throws',
      () => {
        throw new Error('boom');
      },
      {},
      { code: 'OCIDSL_TAG_FUNCTION', message: expect.stringContaining('threw "boom"') as string },
    ],
    [
      'a function that returns a number',
      (() => 1) as never,
      {},
      { message: expect.stringContaining('a value of type number, expected a string') as string },
    ],
    [
      'a function that returns a promise',
      (async () => 'x') as never,
      {},
      { message: expect.stringContaining('returned a promise') as string },
    ],
    [
      'a function that returns other things',
      (() => ['a', 2]) as never,
      {},
      { message: expect.stringContaining('an array of other things') as string },
    ],
    [
      'a function that makes no tag',
      () => 'a b',
      {},
      { message: expect.stringContaining('Cannot set the tag "a b": it comes from a function') as string },
    ],
  ])('refuses %s, at the target', async (_, tag, state, expected) => {
    await expect(evaluate([tag], state)).rejects.toMatchObject({ kind: 'config', label: 'p:push', ...expected });
  });

  it('says where a missing tag may come from a shallow clone', async () => {
    await expect(evaluate(['{{git.tag}}'], { tag: undefined }, true)).rejects.toMatchObject({
      message: expect.stringContaining('and the clone is shallow') as string,
      hint: expect.stringContaining('fetch-depth: 0') as string,
    });
  });
});

describe('tagTemplateProblem()', () => {
  it.each(['latest', '{{git.tag}}', 'x-{{git.commit}}', '{{git.shortCommit}}{{git.dirty}}'])('accepts %s', (text) => {
    expect(tagTemplateProblem(text)).toBeUndefined();
  });

  it.each([
    ['{{git.shortcommit}}', 'there is no {{git.shortcommit}}, did you mean {{git.shortCommit}}?'],
    ['{{date}}', 'there is no {{date}}, there are git.commit, git.shortCommit, git.branch, git.tag, git.dirty, git.commitTime'],
    ['{{git.tag', 'it has another form'],
    ['a/{{git.tag}}', 'it has another form'],
    ['', 'it has another form'],
  ])('refuses %j', (text, problem) => expect(tagTemplateProblem(text)).toBe(problem));
});
