import { describe, expect, it } from 'vitest';
import { summarize } from '../../../scripts/test-summary.ts';

const file = (name: string, status: string, ...tests: readonly (readonly [status: string, fullName: string])[]) => ({
  name: `/project/test/${name}`,
  status,
  assertionResults: tests.map(([each, fullName]) => ({ status: each, fullName })),
});

describe('summarize()', () => {
  it('counts tests, names skipped ones, and ends with the line for CI', () => {
    const testResults = [
      file('a.test.ts', 'passed', ['passed', 'a one'], ['skipped', 'a two (needs podman)']),
      file('b.test.ts', 'failed', ['failed', 'b one'], ['passed', 'b two'], ['todo', 'b three']),
    ];
    expect(summarize({ testResults }, '/project')).toEqual({
      failed: 1,
      text: `
Skipped:
  test/a.test.ts: a two (needs podman)
  test/b.test.ts: b three

2 passed, 1 failed, 2 skipped
`,
    });
  });

  it('counts a file that could not be loaded as one failure', () => {
    expect(summarize({ testResults: [file('a.test.ts', 'failed')] }, '/project').text).toBe('\n0 passed, 1 failed, 0 skipped\n');
  });

  it('fails without a report', () => {
    expect(summarize(undefined, '/project')).toEqual({ failed: 1, text: '\n0 passed, 1 failed, 0 skipped\n' });
  });
});
