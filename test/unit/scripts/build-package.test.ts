import { expect, test } from 'vitest';
import { requireAscii } from '../../../scripts/build-package.ts';

test('a bundle in ASCII stays as it is', () => {
  const code = 'const text = "\\u00fc";\n\t\x7f\0';
  expect(requireAscii('cli.cjs', code)).toBe(code);
});

test.each(['\u0080', 'ü', '→', '\u{1f600}'])('a bundle with %j fails, and the message shows where', (character) => {
  expect(() => requireAscii('cli.cjs', `${'x'.repeat(1000)};const arrow = /${character}/u;`)).toThrow(
    /^cli\.cjs has a character that is not ASCII, .* in ".*const arrow = /,
  );
});
