import { describe, expect, test } from 'vitest';
import { OcidslError } from '../../../lib/base/errors.ts';
import { formatError } from '../../../lib/report/error-text.ts';
import { COLOR_STYLE, PLAIN_STYLE } from '../../../lib/report/style.ts';

type Init = Partial<ConstructorParameters<typeof OcidslError>[0]>;
const error = (init: Init = {}) => new OcidslError({ code: 'OCIDSL_TEST', message: 'Cannot test "x"', ...init });
const at = (line: number, column: number, file = 'build.config.ts') => ({ file, line, column });
const lines = (init: Init, source?: string) => formatError(error(init), PLAIN_STYLE, () => source).split('\n');

describe('formatError()', () => {
  test.each<[string, Init, string | undefined, string[]]>([
    ['a message alone', {}, undefined, ['error: Cannot test "x"']],
    ['a target without a place', { label: 'a:b' }, undefined, ['error: Cannot test "x"', '  --> target a:b']],
    ['a hint', { hint: 'Do it' }, undefined, ['error: Cannot test "x"', '  hint: Do it']],
    [
      'output of a program before the hint',
      { hint: 'Do it', output: 'main.go:1:1: no\n\n' },
      undefined,
      ['error: Cannot test "x"', 'main.go:1:1: no', '  hint: Do it'],
    ],
    ['no empty output', { output: ' \n' }, undefined, ['error: Cannot test "x"']],
    [
      'a place with the target',
      { label: 'a', locations: [at(3, 5)] },
      undefined,
      ['error: Cannot test "x"', '  --> build.config.ts:3:5 (a)'],
    ],
    [
      'the line of the place, and where in it',
      { locations: [at(3, 5)] },
      'let rule({})',
      ['error: Cannot test "x"', '  --> build.config.ts:3:5', '      let rule({})', '          ^'],
    ],
    [
      'no password of a URL in that line, and no control characters',
      { locations: [at(3, 1)] },
      "rule('https://me:c4nary@h.io/x', '\u001b[2J')",
      ['error: Cannot test "x"', '  --> build.config.ts:3:1', "      rule('https://REDACTED@h.io/x', '\\u{1b}[2J')", '      ^'],
    ],
    [
      'tabs as single blanks, so that the mark is below',
      { locations: [at(3, 3)] },
      '\t\trule()',
      ['error: Cannot test "x"', '  --> build.config.ts:3:3', '        rule()', '        ^'],
    ],
    ['no empty line', { locations: [at(3, 1)] }, '  ', ['error: Cannot test "x"', '  --> build.config.ts:3:1']],
    [
      'the calls around it, without their lines',
      { label: 'a', locations: [at(3, 5, 'macro.ts'), at(9, 1)] },
      undefined,
      ['error: Cannot test "x"', '  --> macro.ts:3:5 (a)', '  in  build.config.ts:9:1'],
    ],
  ])('shows %s', (_, init, source, expected) => expect(lines(init, source)).toEqual(expected));

  test('cuts long lines, and keeps the mark inside', () => {
    const [, , shown, mark] = lines({ locations: [at(1, 10_000)] }, 'x'.repeat(20_000));
    expect(shown!.length).toBeLessThan(200);
    expect(mark!.length).toBeLessThan(200);
  });

  test('reads the line of the innermost place only', () => {
    const asked: number[] = [];
    formatError(error({ locations: [at(1, 1), at(2, 2)] }), PLAIN_STYLE, ({ line }) => {
      asked.push(line);
      return 'source';
    });
    expect(asked).toEqual([1]);
  });

  test('shows several errors after each other, also nested ones, and not their count', () => {
    const one = error({ message: 'Cannot 1' });
    const two = error({ message: 'Cannot 2', hint: 'Do it' });
    const nested = error({ message: '2 errors', errors: [two, one] });
    expect(formatError(error({ message: '2 errors', errors: [one, nested] }), PLAIN_STYLE)).toBe(
      'error: Cannot 1\n\nerror: Cannot 2\n  hint: Do it\n\nerror: Cannot 1',
    );
  });

  test('has colours only where the style has', () => {
    expect(formatError(error({ hint: 'Do it' }), COLOR_STYLE)).toBe(
      '\u001b[31merror\u001b[39m: Cannot test "x"\n  \u001b[36mhint\u001b[39m: Do it',
    );
  });
});
