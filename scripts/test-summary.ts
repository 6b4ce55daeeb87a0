// The closing lines of `npm test`, from vitest's JSON report.
import { relative } from 'node:path';

/** The part of vitest's JSON report that is read here. */
export interface Report {
  readonly testResults: readonly {
    /** Absolute path of the test file. */
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Counts a report and writes its closing lines: the skipped tests by name, then `N passed, N failed, N skipped`. */
export function summarize(report: Report | undefined, root: string): { readonly failed: number; readonly text: string } {
  // No report means that vitest itself did not start.
  if (report === undefined) return { failed: 1, text: '\n0 passed, 1 failed, 0 skipped\n' };
  let passed = 0;
  let failed = 0;
  const skipped: string[] = [];
  for (const file of report.testResults) {
    const before = failed;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') failed++;
      else skipped.push(`  ${relative(root, file.name)}: ${test.fullName}`);
    }
    // A file that cannot be loaded, or whose hook fails, has no failed test of its own.
    if (file.status === 'failed' && failed === before) failed++;
  }
  const names = skipped.length > 0 ? `\nSkipped:\n${skipped.join('\n')}\n` : '';
  return { failed, text: `${names}\n${passed} passed, ${failed} failed, ${skipped.length} skipped\n` };
}
