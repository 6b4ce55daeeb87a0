import { expect, test } from 'vitest';
import { OcidslError } from '../../../lib/base/errors.ts';
import { parsePort } from '../../../lib/oci/port.ts';
import { parseReference } from '../../../lib/registry/reference.ts';
import { problemOf } from '../../../lib/rules/checks.ts';

test('problemOf() takes from an error what is wrong and what is expected', () => {
  expect(problemOf(() => parsePort('80'))).toBeUndefined();
  expect(problemOf(() => parsePort('65536'))).toEqual({ is: 'it is above 65535', expected: 'a port from 1 to 65535' });
  expect(problemOf(() => parseReference('h.example:0/x'))).toEqual({ is: 'its port is "0"', expected: 'a number from 1 to 65535' });
});

test('problemOf() takes the message of an error without parts, and lets bugs through', () => {
  const fail = (error: Error) => () => {
    throw error;
  };
  expect(problemOf(fail(new OcidslError({ code: 'OCIDSL_X', message: 'Cannot x' })))).toBe('Cannot x');
  const bug = new TypeError('a bug');
  expect(() => problemOf(fail(bug))).toThrow(bug);
});
