import { expect, test } from 'vitest';
import { combineErrors, OcidslError } from '../../../lib/base/errors.ts';
import { withInputNames } from '../../../lib/engine/input-names.ts';

const NAMES = new Map([['deps/0', 'lib:layer']]);

test('quoted inputs are called by their names, and everything else stays', () => {
  const error = new OcidslError({
    code: 'OCIDSL_ENTRY_DUPLICATE',
    kind: 'integrity',
    message: 'Cannot add "a" from archive "deps/0": "deps/01" has it, and deps/0',
    label: 'image',
    locations: [{ file: 'build.config.ts', line: 1, column: 2 }],
    hint: 'Look into "deps/0"',
    output: '"deps/0"',
    cause: 'cause',
  });
  const named = withInputNames(error, NAMES);
  expect(named.message).toBe('Cannot add "a" from archive "lib:layer": "deps/01" has it, and deps/0');
  expect(named).toMatchObject({
    code: 'OCIDSL_ENTRY_DUPLICATE',
    kind: 'integrity',
    label: 'image',
    locations: error.locations,
    hint: 'Look into "lib:layer"',
    output: '"deps/0"',
    cause: 'cause',
  });
});

test('each of several failures is', () => {
  const error = combineErrors(['1', '2'].map((n) => new OcidslError({ code: 'OCIDSL_X', message: `Cannot read "deps/0" ${n}` })));
  expect(withInputNames(error, NAMES).errors.map(({ message }) => message)).toEqual([
    'Cannot read "lib:layer" 1',
    'Cannot read "lib:layer" 2',
  ]);
});
