import { describe, expect, test } from 'vitest';
import * as attribute from '../../../lib/graph/attribute.ts';
import { defineProvider } from '../../../lib/graph/provider.ts';
import type { TargetReference } from '../../../lib/graph/value.ts';
import { formatPlatform, parsePlatform } from '../../../lib/oci/platform.ts';
import { outputOf } from '../../../lib/plan/action-node.ts';
import { analyzeAll, analyzeEach } from '../../../lib/plan/analyze.ts';
import type { AnalysisContext } from '../../../lib/plan/analysis-context.ts';
import { defineRule, provide, type Provided } from '../../../lib/plan/define-rule.ts';
import { analysisOf, provided } from './rig.ts';

const NumberInfo = defineProvider<number>()('NumberInfo');
const OtherInfo = defineProvider<string>()('OtherInfo');
const AMD = parsePlatform('linux/amd64');
const ARM = parsePlatform('linux/arm64');

type Body = (
  context: AnalysisContext<{ readonly uses: readonly TargetReference[] | undefined }>,
) => readonly Provided<'NumberInfo' | 'OtherInfo'>[];

/** A rule whose analysis is `body`, and the platforms that it was analysed for. */
function recording(body: Body) {
  const runs: string[] = [];
  const rule = defineRule({
    name: 'probe',
    attributes: { uses: attribute.optional(attribute.list(attribute.target())) },
    provides: [NumberInfo, OtherInfo],
    analyze(context) {
      runs.push(`${context.label} ${formatPlatform(context.platform)}`);
      return body(context);
    },
  });
  return { rule, runs };
}

// 1 more than the sum of what it uses.
const sum: Body = (context) => [
  provide(NumberInfo, 1 + (context.values.uses ?? []).reduce((total, each) => total + context.use(each, NumberInfo), 0)),
];

describe('analysis', () => {
  test('runs a rule once for each target and platform', () => {
    const { rule, runs } = recording(sum);
    const analysis = analysisOf(() => {
      rule({ name: 'base' });
      rule({ name: 'left', uses: ['base'] });
      rule({ name: 'right', uses: ['base'] });
      rule({ name: 'top', uses: ['left', 'right'] });
    });
    expect(provided(analysis, 'top', NumberInfo)).toBe(5);
    expect(analysis.analyze('top', AMD)).toBe(analysis.analyze('top', AMD));
    expect(runs.sort()).toEqual(['base linux/amd64', 'left linux/amd64', 'right linux/amd64', 'top linux/amd64']);
    runs.length = 0;
    expect(analysis.analyze('base', ARM)).not.toBe(analysis.analyze('base', AMD));
    expect(runs).toEqual(['base linux/arm64']);
  });

  test('goes through chains of 10,000 targets without overflowing the stack, and runs no rule often', () => {
    const { rule, runs } = recording(sum);
    const length = 10_000;
    const analysis = analysisOf(() => {
      for (let i = 0; i < length; i++) rule({ name: `t${i}`, uses: i + 1 < length ? [`t${i + 1}`] : [] });
    });
    expect(provided(analysis, 't0', NumberInfo)).toBe(length);
    expect(runs.length).toBeLessThan(2.5 * length);
  });

  test('takes wide graphs with shared dependencies in linear time', () => {
    const { rule, runs } = recording((context) => [
      provide(NumberInfo, (context.values.uses ?? []).map((each) => context.use(each, NumberInfo)).length),
    ]);
    const analysis = analysisOf(() => {
      for (let i = 0; i < 1000; i++) rule({ name: `t${i}`, uses: i + 2 < 1000 ? [`t${i + 1}`, `t${i + 2}`] : [] });
    });
    analysis.analyze('t0', AMD);
    expect(runs.length).toBeLessThan(3000);
  });

  test('gives a rule its label, package, name, platform, values and the source date', () => {
    let seen: unknown;
    const { rule } = recording((context) => {
      const { label, package: packageName, name, platform, values, sourceDate } = context;
      seen = { label, package: packageName, name, platform, values, sourceDate };
      return [];
    });
    analysisOf(() => rule({ name: 'a', uses: ['b'] }), '2024-01-01T00:00:00Z').analyze('a', ARM);
    expect(seen).toEqual({
      label: 'a',
      package: '',
      name: 'a',
      platform: ARM,
      values: { uses: [{ $target: 'b' }] },
      sourceDate: '2024-01-01T00:00:00Z',
    });
  });

  test('a transition asks for a target under another platform', () => {
    const { rule } = recording((context) => {
      const [below] = context.values.uses ?? [];
      return [provide(OtherInfo, below === undefined ? formatPlatform(context.platform) : context.use(below, OtherInfo, ARM))];
    });
    const analysis = analysisOf(() => {
      rule({ name: 'below' });
      rule({ name: 'above', uses: ['below'] });
    });
    expect(provided(analysis, 'above', OtherInfo)).toBe('linux/arm64');
    expect(provided(analysis, 'below', OtherInfo)).toBe('linux/amd64');
  });

  test('marks actions with the target and platform that they are for', () => {
    let action: unknown;
    const { rule } = recording((context) => {
      action = context.action({
        mnemonic: 'Probe',
        message: 'Probing',
        outputs: ['o'],
        discoveries: [],
        describe: () => ({ kind: 'command', argv: [], environment: {}, inputs: [] }),
      });
      return [];
    });
    analysisOf(() => rule({ name: 'a' })).analyze('a', ARM);
    expect(action).toMatchObject({ label: 'a', platform: 'linux/arm64', mnemonic: 'Probe' });
  });

  describe('fails', () => {
    const fails = (body: Body, declareMore: (rule: ReturnType<typeof recording>['rule']) => void = () => undefined) => {
      const { rule, runs } = recording(body);
      const analysis = analysisOf(() => {
        rule({ name: 'a', uses: ['b'] });
        declareMore(rule);
      });
      let thrown: unknown;
      try {
        analysis.analyze('a', AMD);
      } catch (error) {
        thrown = error;
      }
      const again = (() => {
        try {
          return analysis.analyze('a', AMD);
        } catch (error) {
          return error;
        }
      })();
      return { thrown, again, runs };
    };

    test('where a target does not exist, with names that do', () => {
      const { thrown } = fails((context) => [provide(NumberInfo, context.use({ $target: 'aa' }, NumberInfo))]);
      expect(thrown).toMatchObject({
        code: 'OCIDSL_TARGET_UNKNOWN',
        message: 'Cannot find target "aa": the workspace declares no target of that name',
        hint: 'Did you mean "a"?',
      });
    });

    test('where a target has no such provider, and names those that it has', () => {
      const { thrown } = fails(
        (context) =>
          context.name === 'b' ? [provide(OtherInfo, 'x')] : [provide(NumberInfo, context.use(context.values.uses![0]!, NumberInfo))],
        (rule) => rule({ name: 'b' }),
      );
      expect(thrown).toMatchObject({
        code: 'OCIDSL_PROVIDER_MISSING',
        message: 'Cannot use target "b" here: it provides OtherInfo, expected NumberInfo',
        label: 'a',
      });
    });

    test('where a rule throws, with its stack; the error is remembered and the rule not run again', () => {
      const { thrown, again, runs } = fails(() => {
        throw new TypeError('a bug of mine');
      });
      expect(thrown).toMatchObject({
        code: 'OCIDSL_RULE_THREW',
        kind: 'build',
        label: 'a',
        message: 'Cannot analyze probe "a": the rule threw a bug of mine',
        output: expect.stringContaining('analyze.test.ts') as string,
      });
      expect(again).toBe(thrown);
      expect(runs).toEqual(['a linux/amd64']);
    });

    test('where a rule throws something that is no error', () => {
      const { thrown } = fails(() => {
        // oxlint-disable-next-line typescript/only-throw-error -- the misuse that is tested
        throw 'text';
      });
      expect(thrown).toMatchObject({ message: 'Cannot analyze probe "a": the rule threw text' });
    });

    test('where a rule says so, at the target that says it, not at those that use it', () => {
      const body: Body = (context) =>
        context.name === 'b'
          ? context.fail('do this', 'do that')
          : [provide(NumberInfo, context.use(context.values.uses![0]!, NumberInfo))];
      const { thrown } = fails(body, (rule) => rule({ name: 'b' }));
      expect(thrown).toMatchObject({ code: 'OCIDSL_ANALYSIS', message: 'Cannot do this', hint: 'do that', label: 'b' });
    });
  });

  test('tryUse() is undefined for a missing provider, and still fails for a missing target', () => {
    const { rule } = recording((context) => [
      provide(OtherInfo, String((context.values.uses ?? []).map((each) => context.tryUse(each, NumberInfo)))),
    ]);
    const analysis = analysisOf(() => {
      rule({ name: 'below' });
      rule({ name: 'above', uses: ['below'] });
      rule({ name: 'wrong', uses: ['gone'] });
    });
    expect(provided(analysis, 'above', OtherInfo)).toBe('');
    expect(() => analysis.analyze('wrong', AMD)).toThrow(expect.objectContaining({ code: 'OCIDSL_TARGET_UNKNOWN' }) as Error);
  });
});

test('analyzeAll() reports what is wrong with all targets, each failure once', () => {
  const { rule } = recording((context) => {
    if (context.name.startsWith('bad')) context.fail(`build ${context.name}`);
    return sum(context);
  });
  const analysis = analysisOf(() => {
    rule({ name: 'good' });
    rule({ name: 'bad1' });
    rule({ name: 'bad2' });
    rule({ name: 'user1', uses: ['bad1'] });
    rule({ name: 'user2', uses: ['bad1'] });
  });
  expect(analyzeAll(analysis, ['good'], AMD).map(({ target }) => target.label)).toEqual(['good']);
  let thrown: unknown;
  try {
    analyzeAll(analysis, ['user1', 'good', 'user2', 'bad1', 'bad2'], AMD);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ message: '2 errors', errors: [{ message: 'Cannot build bad1' }, { message: 'Cannot build bad2' }] });
});

test('analyzeEach() gives what could be analyzed beside the failures', () => {
  const { rule } = recording((context) => {
    if (context.name === 'bad') context.fail('build bad');
    return sum(context);
  });
  const analysis = analysisOf(() => {
    rule({ name: 'bad' });
    rule({ name: 'user', uses: ['bad'] });
    rule({ name: 'good' });
  });
  const { configured, failures } = analyzeEach(analysis, ['user', 'bad', 'good'], AMD);
  expect(configured.map(({ target }) => target.label)).toEqual(['good']);
  expect(failures).toMatchObject([{ message: 'Cannot build bad', label: 'bad' }]);
});

test('analyzeAll() lets bugs through as they are', () => {
  const bug = new Error('a bug');
  expect(() =>
    analyzeAll(
      {
        analyze: () => {
          throw bug;
        },
      },
      ['a'],
      AMD,
    ),
  ).toThrow(bug);
});

test('outputOf() gives declared outputs only', () => {
  const action = {
    label: 'a',
    platform: 'linux/amd64',
    mnemonic: 'Probe',
    message: '',
    outputs: ['o', 'd/'],
    discoveries: [],
    describe: () => ({ kind: 'command' as const, argv: [], environment: {}, inputs: [] }),
  };
  expect(outputOf(action, 'd/')).toEqual({ kind: 'output', action, path: 'd/' });
  expect(() => outputOf(action, 'd')).toThrow('has no output d');
});
