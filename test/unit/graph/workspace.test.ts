import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { locateCallSite, parseFrames, type FrameLocator } from '../../../lib/graph/call-site.ts';
import * as attribute from '../../../lib/graph/attribute.ts';
import { defineMacro } from '../../../lib/graph/define-macro.ts';
import { defineProvider } from '../../../lib/graph/provider.ts';
import { labelOf, type Handle } from '../../../lib/graph/handle.ts';
import { currentWorkspace, setCurrentWorkspace, Workspace } from '../../../lib/graph/workspace.ts';
import { defineRule, provide } from '../../../lib/plan/define-rule.ts';
import { declare, declareIn, problemsOf, targetOf } from './rig.ts';

const TextInfo = defineProvider<string>()('TextInfo');
const text = defineRule({
  name: 'text',
  attributes: {
    value: attribute.required(attribute.string()),
    uses: attribute.optional(attribute.list(attribute.target('TextInfo'))),
  },
  provides: [TextInfo],
  check({ value }, problem) {
    if (value === 'bad') problem('value', 'it is bad', 'good');
  },
  analyze: (context) => [provide(TextInfo, context.values.value)],
});
// What a config without types can write.
const loose = text as unknown as (...args: unknown[]) => Handle;

/** The line and column of the place in this file where a function is called, from a stack. */
const here: FrameLocator = ({ script, line, column }) =>
  script.includes('workspace.test.ts') ? { file: 'workspace.test.ts', line, column } : undefined;

describe('a rule call', () => {
  test('registers a target with its normal forms, references and package, and returns its handle', () => {
    let handle: Handle | undefined;
    const workspace = declareIn('apps/hello', () => {
      text({ name: 'a', value: 'x' });
      handle = text({ name: 'b', value: 'y', uses: [':a', '//:root', ':a'] });
    });
    expect(workspace.problems).toEqual([]);
    expect([...workspace.targets.keys()]).toEqual(['apps/hello:a', 'apps/hello:b']);
    expect(targetOf(workspace, 'apps/hello:b')).toMatchObject({
      label: 'apps/hello:b',
      package: 'apps/hello',
      name: 'b',
      attributes: { value: 'y', uses: [{ $target: 'apps/hello:a' }, { $target: 'root' }, { $target: 'apps/hello:a' }] },
      references: ['apps/hello:a', 'root'],
      macros: [],
    });
    expect(labelOf(handle!)).toBe('apps/hello:b');
  });

  test('leaves out attributes that are undefined', () => {
    expect(
      targetOf(
        declare(() => text({ name: 'a', value: 'x', uses: undefined })),
        'a',
      ).attributes,
    ).toEqual({ value: 'x' });
  });

  test.each<[string, unknown[], string[]]>([
    [
      'no object',
      ['a'],
      [
        'Cannot declare text "(unnamed text)": "name" is nothing, text() takes one object, got "a"',
        'Cannot use attribute "value" of text "(unnamed text)": it is missing, expected a string',
      ],
    ],
    ['no name', [{ value: 'x' }], ['Cannot declare text "(unnamed text)": "name" is nothing, it is missing']],
    [
      'a bad name',
      [{ name: 'a/b', value: 'x' }],
      ['Cannot declare text "(unnamed text)": "name" is "a/b", expected letters, digits and _ . + @ -, starting with a letter, digit or _'],
    ],
    ['a missing attribute', [{ name: 'a' }], ['Cannot use attribute "value" of text "a": it is missing, expected a string']],
    ['an attribute of the wrong type', [{ name: 'a', value: 1 }], ['Cannot use attribute "value" of text "a": it is 1, expected a string']],
    [
      'an unknown attribute',
      [{ name: 'a', value: 'x', vlaue: 1 }],
      ['Cannot use attribute "vlaue" of text "a": the rule has no such attribute'],
    ],
    [
      'an attribute that only objects have',
      [{ name: 'a', value: 'x', constructor: 1 }],
      ['Cannot use attribute "constructor" of text "a": the rule has no such attribute'],
    ],
    ['what its own check finds', [{ name: 'a', value: 'bad' }], ['Cannot use attribute "value" of text "a": it is bad, expected good']],
    [
      'several problems at once',
      [{ name: 'a', value: 1, x: 1, uses: [2] }],
      [
        'Cannot use attribute "value" of text "a": it is 1, expected a string',
        'Cannot use attribute "x" of text "a": the rule has no such attribute',
        'Cannot use attribute "uses[0]" of text "a": it is 2, expected a target that provides TextInfo, or its label',
      ],
    ],
  ])('with %s reports it', (_, args, messages) => expect(problemsOf(() => loose(...args))).toEqual(messages));

  test('suggests attributes that exist', () => {
    const { problems } = declareIn('', () => loose({ name: 'a', value: 'x', vlaue: 1 }));
    expect(problems[0]!.error).toMatchObject({ code: 'OCIDSL_ATTRIBUTE', label: 'a', hint: 'Did you mean "value"?' });
  });

  test('with bad attributes is registered, so that later uses of it resolve; with a bad name it is not', () => {
    const { targets } = declareIn('', () => {
      loose({ name: 'bad' });
      loose({ name: '/', value: 'x' });
    });
    expect([...targets.keys()]).toEqual(['bad']);
  });

  test('under a name that is taken keeps the first target, and reports both places', () => {
    const workspace = declareIn('', () => {
      text({ name: 'a', value: 'first' });
      text({ name: 'a', value: 'second' });
    });
    expect(workspace.problems.map(({ error }) => error)).toMatchObject([
      { code: 'OCIDSL_LABEL_DUPLICATE', message: 'Cannot declare text "a": a text of that name is already declared', label: 'a' },
    ]);
    const [{ sites, otherSites }] = workspace.problems as [(typeof workspace.problems)[0]];
    const [second, first] = [sites, otherSites!].map(([site]) => locateCallSite(site!, here)[0]!.line);
    expect(second! - first!).toBe(1);
    expect(targetOf(workspace, 'a').attributes).toEqual({ value: 'first' });
  });

  test('after the evaluation has ended throws', () => {
    const workspace = declareIn('', () => undefined);
    setCurrentWorkspace(workspace);
    try {
      expect(() => text({ name: 'late', value: 'x' })).toThrow(expect.objectContaining({ code: 'OCIDSL_DECLARED_TOO_LATE' }) as Error);
    } finally {
      setCurrentWorkspace(undefined);
    }
  });

  test('from another copy of the library fills the same workspace', async () => {
    const { outputFiles } = buildSync({
      entryPoints: ['lib/graph/workspace.ts'],
      bundle: true,
      format: 'esm',
      platform: 'node',
      write: false,
    });
    const source = `data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString('base64')}`;
    const copy = (await import(/* @vite-ignore */ source)) as typeof import('../../../lib/graph/workspace.ts');
    const workspace = new Workspace();
    setCurrentWorkspace(workspace);
    try {
      expect(copy.currentWorkspace()).toBe(workspace);
    } finally {
      setCurrentWorkspace(undefined);
    }
  });
});

test('a workspace is made on first use, for a config that runs outside of the command line', () => {
  setCurrentWorkspace(undefined);
  try {
    const workspace = currentWorkspace();
    expect(currentWorkspace()).toBe(workspace);
    text({ name: 'a', value: 'x' });
    expect([...workspace.targets.keys()]).toEqual(['a']);
  } finally {
    setCurrentWorkspace(undefined);
  }
});

describe('packages', () => {
  test('nest, as imports of configs do', () => {
    const workspace = declareIn('', () => {
      declareIn('inner', () => text({ name: 'a', value: 'x' }), currentWorkspace());
      text({ name: 'a', value: 'x' });
    });
    expect([...workspace.targets.keys()]).toEqual(['inner:a', 'a']);
  });

  test('may be told by a loader that cannot enter and leave in time', () => {
    const workspace = new Workspace();
    workspace.packageOf = () => 'told';
    declareIn('entered', () => text({ name: 'a', value: 'x' }), workspace);
    expect([...workspace.targets.keys()]).toEqual(['told:a']);
  });
});

describe('defineMacro()', () => {
  const inner = defineMacro('inner', ({ name }: { name: string }) => text({ name: `${name}_text`, value: 'x' }));
  const outer = defineMacro('outer', ({ name }: { name: string }) => [text({ name, value: 'x' }), inner({ name: `${name}_inner` })]);

  test('remembers the calls that were running, outermost first, and no longer than they run', () => {
    const workspace = declare(() => {
      outer({ name: 'a' });
      text({ name: 'plain', value: 'x' });
    });
    const macrosOf = (label: string) => targetOf(workspace, label).macros.map(({ macro, name }) => `${macro} ${name}`);
    expect(macrosOf('a')).toEqual(['outer a']);
    expect(macrosOf('a_inner_text')).toEqual(['outer a', 'inner a_inner']);
    expect(macrosOf('plain')).toEqual([]);
  });

  test('forgets a call that threw', () => {
    const failing = defineMacro('failing', (_: { name: string }) => {
      throw new Error('in the macro');
    });
    const workspace = declare(() => {
      expect(() => failing({ name: 'a' })).toThrow('in the macro');
      text({ name: 'b', value: 'x' });
    });
    expect(targetOf(workspace, 'b').macros).toEqual([]);
  });

  test('reports a problem with the inner line first, then the calls around it', () => {
    const wrong = defineMacro('wrong', ({ name }: { name: string }) => loose({ name, value: 1 }));
    const { problems } = declareIn('', () => wrong({ name: 'a' }));
    const lines = problems[0]!.sites.map((site) => locateCallSite(site, here)[0]!.line);
    expect(lines).toHaveLength(2);
    expect(lines[1]! - lines[0]!).toBe(1);
  });

  test.each([[undefined], ['a'], [{}], [{ name: 1 }], [null]])('called with %j says what it takes', (argument) => {
    expect(() => (outer as unknown as (argument: unknown) => void)(argument)).toThrow(
      expect.objectContaining({
        code: 'OCIDSL_MACRO_USAGE',
        message: expect.stringContaining('Cannot call macro outer') as string,
      }) as Error,
    );
  });
});

describe('call sites', () => {
  test('read every form of a frame', () => {
    const stack = [
      'Error: at a/b:1:2',
      '    at file:///w/build.config.ts:3:5',
      '    at pkg (/w/a (1)/build.config.ts:7:1)',
      '    at async Object.load (file:///w/x%20y.ts:10:20)',
      '    at new Thing (C:\\w\\a.ts:1:2)',
      '    at eval (eval at run (/w/e.ts:4:6), <anonymous>:1:1)',
      '    at ocidsl-config:/apps/hello/build.config.ts:8:9',
      '    at node:internal/modules/run_main:107:10',
      '    at Array.map (<anonymous>)',
    ].join('\n');
    expect(parseFrames(stack).map(({ script, line, column }) => `${script} ${line} ${column}`)).toEqual([
      'file:///w/build.config.ts 3 5',
      '/w/a (1)/build.config.ts 7 1',
      'file:///w/x%20y.ts 10 20',
      'C:\\w\\a.ts 1 2',
      'ocidsl-config:/apps/hello/build.config.ts 8 9',
    ]);
  });

  test("leave out frames that are nobody's, and repeats of a line", () => {
    const site = { stack: '    at a (/w/x.ts:1:9)\n    at b (/w/x.ts:1:1)\n    at c (/lib/y.ts:2:2)\n    at d (/w/x.ts:3:3)' };
    const locate: FrameLocator = ({ script, line, column }) => (script.startsWith('/w/') ? { file: script, line, column } : undefined);
    expect(locateCallSite(site, locate).map(({ line, column }) => [line, column])).toEqual([
      [1, 9],
      [3, 3],
    ]);
    expect(locateCallSite({}, locate)).toEqual([]);
  });

  test('are the lines of the calls, not lines of the library', () => {
    const workspace = declare(() => text({ name: 'a', value: 'x' }));
    const [location] = locateCallSite(targetOf(workspace, 'a').site, ({ script, line, column }) => ({ file: script, line, column }));
    expect(location!.file).toMatch(/workspace\.test\.ts$/);
  });
});
